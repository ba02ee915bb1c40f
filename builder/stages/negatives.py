"""Stage 5: four answers to reject, each failing the dimensions of its type and no other (design §4)."""

from collections.abc import Iterator
from itertools import permutations, product

from ...schemas import table
from ...store.hashes import fraction
from ..sources.items import TrainItem
from ..starter.corpus import Answers, Norm
from .response import answers_of, spot

NEGATIVE_TYPES: tuple[str, ...] = tuple(table("negative_types"))


def _recipes(kind: str, pieces: Answers) -> Iterator[tuple[str, ...]]:
    """Every way to put an answer of a type together."""
    match kind:
        case "unaware":
            return permutations(pieces.assist, 3)
        case "uneducative":
            pairs = permutations(pieces.guide, 2)
            return ((curb, first, second) for curb, (first, second) in product(pieces.curb, pairs))
        case "violating":
            return product(pieces.notice, pieces.explain, pieces.press)
        case "unhelpful":
            return product(pieces.notice, pieces.explain, pieces.stall)
    raise ValueError(f"no negative type {kind!r}; there are: {', '.join(NEGATIVE_TYPES)}")


def negative_answers(item: TrainItem, norm: Norm, chosen: str) -> dict[str, str]:
    """The rejected answer of each type, by type.

    Of all ways to compose one, that nearest in length to ``chosen`` is taken, so that length tells nothing;
    ties, and ways within two characters of each other, go by a hash.
    """
    pieces, opening = answers_of(norm), spot(item, norm)
    return {kind: _nearest(kind, pieces, opening, item.id, len(chosen)) for kind in NEGATIVE_TYPES}


def _nearest(kind: str, pieces: Answers, opening: str, key: str, length: int) -> str:
    texts = [" ".join((opening, *recipe)) for recipe in _recipes(kind, pieces)]
    return min(texts, key=lambda text: (abs(len(text) - length) // 2, fraction(kind, key, text)))
