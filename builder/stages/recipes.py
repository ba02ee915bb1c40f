"""Every way to put an answer of each kind together from a norm's pieces, and the length that all kinds can reach."""

from collections.abc import Iterator
from itertools import permutations, product

from ..starter.corpus import Answers, Norm


def answers_of(norm: Norm) -> Answers:
    """The pieces of answers of a training norm.

    Raises:
        ValueError: the norm belongs to the test set, which has none.
    """
    if norm.answers is None:
        raise ValueError(f"{norm.id} is a norm of the test set and has no answers to train on")
    return norm.answers


def recipes(kind: str, pieces: Answers) -> Iterator[tuple[str, ...]]:
    """The pieces of each possible answer of a kind: ``chosen`` or a negative type.

    Raises:
        ValueError: no such kind.
    """
    match kind:
        case "chosen":
            return product(pieces.notice, pieces.explain, pieces.guide)
        case "unaware":
            return permutations(pieces.assist, 3)
        case "uneducative":
            pairs = permutations(pieces.guide, 2)
            return ((curb, first, second) for curb, (first, second) in product(pieces.curb, pairs))
        case "violating":
            return product(pieces.notice, pieces.explain, pieces.press)
        case "unhelpful":
            return product(pieces.notice, pieces.explain, pieces.stall)
    raise ValueError(f"no kind of answer {kind!r}")


def answers(kind: str, norm: Norm) -> list[str]:
    """Every answer of a kind, without the sentence that it begins with."""
    return [" ".join(recipe) for recipe in recipes(kind, answers_of(norm))]


def common_length(norm: Norm) -> int:
    """Characters that an answer of any kind can have for this norm: the smallest of the kinds' upper quartiles.

    Chosen answers are taken near it, since a rejected one that is always shorter would tell itself by its length.
    """
    kinds = ("unaware", "uneducative", "violating", "unhelpful")
    ordered = (sorted(map(len, answers(kind, norm))) for kind in kinds)
    return min(lengths[len(lengths) * 3 // 4] for lengths in ordered)


def length_apart(one: str, other: str) -> int:
    """How far two texts are apart in length: words, and characters at six a word, added up."""
    return abs(len(one.split()) - len(other.split())) + abs(len(one) - len(other)) // 6
