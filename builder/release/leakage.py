"""Proof that test and training rows share no picture, no norm in near-identical words, no (topic, item)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...store.likeness import correlation, difference_hash, jaccard, near_pairs, shingles, thumbnail

NORM_LIKENESS = 0.6
PIXEL_LIKENESS = 0.95


@dataclass(frozen=True, slots=True)
class Footprint:
    """What of a row could leak. ``scene`` is (layout, things) of a rendered page; photographs have None."""

    id: str
    image_sha256: str
    path: Path | None
    scene: tuple[str, frozenset[str]] | None
    norm: str | None
    topic: str | None
    item: str | None


@dataclass(frozen=True, slots=True)
class Leak:
    """A training row and the test row it repeats."""

    train: str
    test: str
    kind: str


class LeakError(ValueError):
    """A leak that is left in what is about to be written; the text names both rows."""


def find_leaks(train: Sequence[Footprint], test: Sequence[Footprint]) -> list[Leak]:
    """Every training row that repeats a test row, with the first kind of leak found."""
    found: dict[str, Leak] = {}
    for kind, pairs in (
        ("same_picture", _same(train, test, "image_sha256")),
        ("same_scene", _same(train, test, "scene")),
        ("near_picture", _near_pictures(train, test)),
        ("same_item", _same_items(train, test)),
        ("near_norm", _near_norms(train, test)),
    ):
        for one, other in pairs:
            found.setdefault(one, Leak(one, other, kind))
    return sorted(found.values(), key=lambda leak: leak.train)


def assert_no_leak(train: Sequence[Footprint], test: Sequence[Footprint]) -> None:
    """Raise where a leak remains.

    Raises:
        LeakError: with every pair of row ids.
    """
    left = find_leaks(train, test)
    if left:
        lines = [f"{leak.train} (training) · {leak.test} (test) · {leak.kind}" for leak in left]
        raise LeakError("training rows repeat test rows:\n" + "\n".join(lines))


def _same(train: Sequence[Footprint], test: Sequence[Footprint], field: str) -> Iterable[tuple[str, str]]:
    seen = {getattr(row, field): row.id for row in test if getattr(row, field) is not None}
    return ((r.id, seen[getattr(r, field)]) for r in train if getattr(r, field) in seen)


def _same_items(train: Sequence[Footprint], test: Sequence[Footprint]) -> Iterable[tuple[str, str]]:
    seen = {(row.topic, row.item.lower()): row.id for row in test if row.topic and row.item}
    keys = ((row.id, (row.topic, row.item.lower())) for row in train if row.topic and row.item)
    return ((name, seen[key]) for name, key in keys if key in seen)


def _near_norms(train: Sequence[Footprint], test: Sequence[Footprint]) -> Iterable[tuple[str, str]]:
    """Distinct norm texts are compared once each, however many rows share them."""
    ours = {row.norm: shingles(row.norm) for row in train if row.norm}
    theirs = {row.norm: (row.id, shingles(row.norm)) for row in test if row.norm}
    near = {
        norm: name
        for norm, grams in ours.items()
        for name, others in theirs.values()
        if jaccard(grams, others) >= NORM_LIKENESS
    }
    return ((row.id, near[row.norm]) for row in train if row.norm in near)


def _near_pictures(train: Sequence[Footprint], test: Sequence[Footprint]) -> Iterable[tuple[str, str]]:
    """Photographs alone: pages of one layout look alike to a hash, so they go by their scene."""
    ours = {row.image_sha256: row for row in train if row.scene is None and row.path}
    theirs = {row.image_sha256: row for row in test if row.scene is None and row.path}
    left, right = list(ours.values()), list(theirs.values())
    near = {}
    for i, j in near_pairs(_hashes(left), _hashes(right)):
        if correlation(thumbnail(_bytes(left[i])), thumbnail(_bytes(right[j]))) >= PIXEL_LIKENESS:
            near[left[i].image_sha256] = right[j].id
    return ((row.id, near[row.image_sha256]) for row in train if row.image_sha256 in near)


def _hashes(rows: Sequence[Footprint]) -> list[int]:
    return [difference_hash(_bytes(row)) for row in rows]


def _bytes(row: Footprint) -> bytes:
    if row.path is None:
        raise ValueError(f"{row.id}: no picture at hand")
    return row.path.read_bytes()
