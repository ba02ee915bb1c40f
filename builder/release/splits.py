"""Train and validation: whole groups of items that share a picture or a norm, never single rows."""

from collections.abc import Sequence

from ...store.components import components
from ...store.hashes import fraction
from ..sources.items import TrainItem
from ..starter.corpus import Norm

VALIDATION_SHARE = 0.15


def assign_splits(items: Sequence[tuple[TrainItem, Norm | None]]) -> list[str]:
    """``train`` or ``validation`` for each item.

    A group goes to validation by a hash of its smallest norm (or picture), so that adding norms moves nobody.
    """
    keys = [[("picture", item.picture.sha256), *([("norm", norm.id)] if norm else [])] for item, norm in items]
    groups = components(keys)
    names: dict[int, str] = {}
    for group, (item, norm) in zip(groups, items, strict=True):
        name = norm.id if norm else item.picture.sha256
        names[group] = min(name, names.get(group, name))
    return ["validation" if fraction("split", names[group]) < VALIDATION_SHARE else "train" for group in groups]
