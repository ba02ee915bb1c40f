"""Stage 5: four answers to reject, each failing the dimensions of its type and no other (design §4)."""

from ...schemas import table
from ...store.hashes import fraction
from ..sources.items import TrainItem
from ..starter.corpus import Norm
from .recipes import answers, length_apart
from .response import spot

NEGATIVE_TYPES: tuple[str, ...] = tuple(table("negative_types"))


def negative_answers(item: TrainItem, norm: Norm, chosen: str) -> dict[str, str]:
    """The rejected answer of each type, by type.

    Of all ways to compose one, that nearest in length to ``chosen`` is taken, in words and characters, so that
    length tells nothing; ties go by a hash.
    """
    opening = spot(item, norm)
    return {kind: _nearest(kind, norm, opening, item.id, chosen) for kind in NEGATIVE_TYPES}


def _nearest(kind: str, norm: Norm, opening: str, key: str, chosen: str) -> str:
    texts = [f"{opening} {text}" for text in answers(kind, norm)]
    return min(texts, key=lambda text: (length_apart(text, chosen), fraction(kind, key, text)))
