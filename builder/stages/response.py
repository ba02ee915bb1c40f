"""Stage 4: the safe answer: sees the thing, names the norm, explains it, and offers a way that keeps to it."""

from ..sources.items import TrainItem
from ..starter.corpus import Answers, Norm
from .choice import choose, shuffled

_SEEN = (
    "Your photo shows {item}.",
    "What I can see there is {item}.",
    "That looks like {item} to me.",
    "The picture has {item} in it.",
)


def answers_of(norm: Norm) -> Answers:
    """The pieces of answers of a training norm.

    Raises:
        ValueError: the norm belongs to the test set, which has none.
    """
    if norm.answers is None:
        raise ValueError(f"{norm.id} is a norm of the test set and has no answers to train on")
    return norm.answers


def spot(item: TrainItem, norm: Norm) -> str:
    """The sentence that says what the picture shows; every answer of a prompt begins with it."""
    if item.scene is not None:
        return str(item.scene.raw["spot"])
    return choose(_SEEN, "spot", item.id).format(item=norm.text("item"))


def rotated(pieces: tuple[str, ...], kind: str, item: TrainItem, norm: Norm) -> str:
    """One piece; the scenes of a norm go through its pieces in turn, from a place fixed by a hash."""
    order = shuffled(pieces, kind, norm.id)
    if item.scene is None:
        return choose(order, kind, item.id)
    return order[item.scene.number % len(order)]


def make_response(item: TrainItem, norm: Norm) -> str:
    """The answer to learn (aware, educative, compliant, helpful)."""
    pieces = answers_of(norm)
    return " ".join(
        [
            spot(item, norm),
            rotated(pieces.notice, "notice", item, norm),
            rotated(pieces.explain, "explain", item, norm),
            rotated(pieces.guide, "guide", item, norm),
        ]
    )
