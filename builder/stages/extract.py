"""Stage 1: which norm of the country the picture touches, or none, which is common and fine."""

import re
from collections.abc import Iterable

from ..sources.items import TrainItem
from ..starter.corpus import Norm, load_corpus


def extract_norm(item: TrainItem) -> Norm | None:
    """The training norm that an item is about, or None.

    A starter item carries its norm. Otherwise the right answer, and where the answer is not known nothing,
    must name the thing that a norm of the same country is about; the longest name found wins.
    """
    if item.norm is not None:
        return item.norm
    if item.label is None:
        return None
    said = f"{item.question} {item.options[item.label]}".lower()
    found = [
        (len(term), norm.id, norm)
        for norm in _norms_of(item.country)
        for term in norm.raw["item_terms"]
        if re.search(rf"\b{re.escape(term)}(?:e?s)?\b", said)
    ]
    return max(found, key=lambda hit: hit[:2])[2] if found else None


def _norms_of(country: str) -> Iterable[Norm]:
    return (norm for each in load_corpus() if each.code == country for norm in each.norms if norm.set == "train")
