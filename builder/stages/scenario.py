"""Stage 2: an everyday situation, in the first person, in which the picture comes up."""

from ..sources.items import TrainItem
from ..starter.corpus import Norm
from .choice import choose


def make_scenario(item: TrainItem, norm: Norm) -> str:
    """The scene's own scenario; for a photograph of another source, one of the norm's, by hash."""
    if item.scene is not None:
        return str(item.scene.raw["scenario"])
    return choose(norm.raw["photo"]["scenario"], "scenario", item.id)
