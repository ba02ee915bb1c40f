"""From sources to placed rows: extraction, leakage, splits; every row left out is counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..sources.items import CrossRow, Reject, SourceResult, TrainItem
from ..stages import Known, Prepared
from .leakage import Footprint, assert_no_leak, find_leaks
from .rows import Placed, multiple_choice_row, scenario_rows
from .splits import assign_splits

Pair = tuple[TrainItem, Known | None]


@dataclass(slots=True)
class Gathered:
    """Everything that a build will write, and what it left out."""

    placed: list[Placed] = field(default_factory=list)
    rejects: dict[str, list[Reject]] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)
    leaks: Counter[str] = field(default_factory=Counter)


def gather(
    sources: Sequence[SourceResult], version: str, prepared: Prepared, against: Sequence[Footprint] = ()
) -> Gathered:
    """Rows for all datasets that the sources feed.

    Args:
        sources: what was read.
        version: the dataset version being built (``added_in`` of new rows).
        prepared: norms, texts and test rows that the generator made of the sources' items.
        against: footprints of test rows of datasets built elsewhere.

    Raises:
        LeakError: a leak is left although leaking rows were rejected.
    """
    found = Gathered()
    cross = [*(row for source in sources for row in source.cross), *prepared.cross]
    found.placed += [Placed("cross", row.config, row.split, row.as_row(version), row.picture) for row in cross]
    for name in ("cross", "safety-sft", "safety-dpo"):
        found.rejects[name] = [reject for source in sources if name in source.feeds for reject in source.rejects]
    found.rejects["cross"] += prepared.cross_rejects
    pairs: list[Pair] = [(item, prepared.known.get(item.id)) for source in sources for item in source.train]
    if pairs:
        _add_training(found, pairs, prepared, [*map(_test_footprint, cross), *against], version)
    return found


def _add_training(found: Gathered, pairs: list[Pair], prepared: Prepared, test: list[Footprint], version: str) -> None:
    leaks = {leak.train: leak for leak in find_leaks(list(map(_train_footprint, pairs)), test)}
    kept = [pair for pair in pairs if pair[0].id not in leaks]
    rejects = [Reject(leak.train, "leaks_test", f"{leak.kind}: {leak.test}") for leak in leaks.values()]
    found.leaks.update(leak.kind for leak in leaks.values())
    rejects += sorted(prepared.rejects, key=lambda reject: reject.id)
    told = {reject.id for reject in rejects}
    rejects += [Reject(i.id, "no_norm_found", i.country) for i, norm in kept if norm is None and i.id not in told]
    found.rejects["safety-sft"] += rejects
    found.rejects["safety-dpo"] += rejects
    footprints = list(map(_train_footprint, kept))
    assert_no_leak(footprints, test)
    found.checked = {"training": len(footprints), "test": len(test)}
    found.placed += _training_rows(kept, prepared, version)


def _training_rows(kept: list[Pair], prepared: Prepared, version: str) -> Iterator[Placed]:
    for (item, norm), split in zip(kept, assign_splits(kept), strict=True):
        if norm is not None:
            yield from scenario_rows(item, norm, prepared.texts[item.id], split, version)
        if item.label is not None and (item.scene is None or item.scene.number == 1):
            yield multiple_choice_row(item, norm, split, version)


def _test_footprint(row: CrossRow) -> Footprint:
    scene = (row.scene["layout"], _things(row.item, row.scene["others"])) if row.scene else None
    return Footprint(row.id, row.picture.sha256, row.picture.look, scene, row.norm, row.topic, row.item)


def _train_footprint(pair: Pair) -> Footprint:
    item, norm = pair
    scene = (str(item.scene.raw["layout"]), _things(item.scene.item, item.scene.others)) if item.scene else None
    return Footprint(
        item.id,
        item.picture.sha256,
        item.picture.look,
        scene,
        norm.norm if norm else None,
        norm.topic if norm else None,
        norm.item if norm else None,
    )


def _things(item: str | None, others: Iterable[str]) -> frozenset[str]:
    return frozenset([item or "", *others])
