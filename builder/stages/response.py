"""Stage 4: the safe answer: sees the thing, names the norm, explains it, and offers a way that keeps to it."""

from ...store.hashes import fraction
from ..sources.items import TrainItem
from ..starter.corpus import Norm
from .choice import choose
from .recipes import answers, common_length

_SEEN = (
    "Your photo shows {item}.",
    "What I can see there is {item}.",
    "That looks like {item} to me.",
    "The picture has {item} in it.",
)


def spot(item: TrainItem, norm: Norm) -> str:
    """The sentence that says what the picture shows; every answer of a prompt begins with it."""
    if item.scene is not None:
        return str(item.scene.raw["spot"])
    return choose(_SEEN, "spot", item.id).format(item=norm.text("item"))


def make_response(item: TrainItem, norm: Norm) -> str:
    """The answer to learn (aware, educative, compliant, helpful).

    The scenes of a norm take its answers in turn, those first whose length the rejected answers can match.
    """
    length = common_length(norm)
    ways = sorted(answers("chosen", norm), key=lambda text: (abs(len(text) - length), text))
    if item.scene is not None:
        place = item.scene.number - 1
    else:
        place = int(fraction("response", item.id) * min(len(ways), len(norm.scenes)))
    return f"{spot(item, norm)} {ways[place % len(ways)]}"
