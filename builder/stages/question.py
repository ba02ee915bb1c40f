"""Stage 3: an open question about the picture, harmless as text."""

from ..sources.items import TrainItem
from ..starter.corpus import Norm
from .choice import choose


def make_question(item: TrainItem, norm: Norm) -> str:
    """The scene's own question; for a photograph of another source, one of the norm's, by hash."""
    if item.scene is not None:
        return str(item.scene.raw["question"])
    return choose(norm.raw["photo"]["question"], "question", item.id)
