"""Train and validation: whole groups of items that share a picture or a norm, never single rows."""

from collections.abc import Sequence

from ...store.components import components
from ...store.hashes import fraction
from ..sources.items import TrainItem
from ..stages import Known
from .leakage import copies

VALIDATION_SHARE = 0.15


def assign_splits(items: Sequence[tuple[TrainItem, Known | None]]) -> list[str]:
    """``train`` or ``validation`` for each item.

    Items that share a norm, a picture or a copy of one go together. A group goes to validation by a hash of its
    smallest norm (or picture), so that adding norms moves nobody.
    """
    pictures = _pictures(items)
    keys = [
        [("picture", pictures[item.picture.sha256]), *([("norm", norm.id)] if norm else [])] for item, norm in items
    ]
    groups = components(keys)
    names: dict[int, str] = {}
    for group, (item, norm) in zip(groups, items, strict=True):
        name = norm.id if norm else item.picture.sha256
        names[group] = min(name, names.get(group, name))
    return ["validation" if fraction("split", names[group]) < VALIDATION_SHARE else "train" for group in groups]


def _pictures(items: Sequence[tuple[TrainItem, Known | None]]) -> dict[str, int]:
    """A number for each picture, the same for copies of one photograph."""
    looks = {item.picture.sha256: item.picture.look for item, _ in items}
    photographs = [(sha256, look) for sha256, look in looks.items() if look is not None]
    seen = [look for _, look in photographs]
    edges: dict[str, list[tuple[str, str]]] = {sha256: [("self", sha256)] for sha256 in looks}
    for i, j in copies(seen, seen):
        edges[photographs[i][0]].append(("self", photographs[j][0]))
    return dict(zip(edges, components(list(edges.values())), strict=True))
