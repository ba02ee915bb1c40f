"""Proof that test and training rows share no picture, no norm in near-identical words, no (topic, item)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...store.likeness import NORM_LIKENESS, Look, alike, jaccard, near_pairs, shingles

PIXEL_LIKENESS = 0.95


@dataclass(frozen=True, slots=True)
class Footprint:
    """What of a row could leak: a rendered page by its ``scene`` (layout, things), a photograph by its ``look``."""

    id: str
    image_sha256: str
    look: Look | None
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
    ours = {row.image_sha256: row.look for row in train if row.look is not None}
    theirs = {row.image_sha256: (row.look, row.id) for row in test if row.look is not None}
    left, right = list(ours), list(theirs.values())
    near = {left[i]: right[j][1] for i, j in copies(list(ours.values()), [look for look, _ in right])}
    return ((row.id, near[row.image_sha256]) for row in train if row.image_sha256 in near)


def copies(ones: Sequence[Look], others: Sequence[Look]) -> list[tuple[int, int]]:
    """Index pairs of photographs that are one picture, also rescaled, recompressed, bordered or mirrored.

    Hashes find the candidates, pixels confirm them.
    """
    hashes = [look.hash for look in others]
    pairs = near_pairs([look.hash for look in ones], hashes) + near_pairs([look.mirrored for look in ones], hashes)
    return [(i, j) for i, j in pairs if alike(ones[i], others[j]) >= PIXEL_LIKENESS]
