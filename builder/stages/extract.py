"""Stage 1: which norm of the country the picture touches, or none, which is common and fine."""

import re
from collections.abc import Iterable
from functools import cache

from ..sources.items import TrainItem
from ..starter.corpus import Norm, load_corpus


def extract_norm(item: TrainItem) -> Norm | None:
    """The norm of the corpus, of either set, that an item is about, or None.

    A starter item carries its norm. Otherwise question and right answer, and where the answer is not known nothing,
    must name what a norm of the same country is about (``photo.terms``); the longest name found wins.
    """
    if item.norm is not None:
        return item.norm
    found = [(len(term), norm.id, norm) for term, norm in _named(item)]
    return max(found, key=lambda hit: hit[:2])[2] if found else None


def names(item: TrainItem, terms: Iterable[str]) -> str | None:
    """The longest of ``terms`` that question and right answer name, in singular or plural."""
    said = _said(item)
    return max(
        (term for term in terms if _pattern(term).search(said)), key=lambda term: (len(term), term), default=None
    )


def _said(item: TrainItem) -> str:
    return "" if item.label is None else f"{item.question} {item.options[item.label]}".lower()


def _named(item: TrainItem) -> Iterable[tuple[str, Norm]]:
    said = _said(item)
    return ((term, norm) for term, norm in _terms_of(item.country) if said and _pattern(term).search(said))


@cache
def _pattern(term: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(term)}(?:e?s)?\b")


@cache
def _terms_of(country: str) -> tuple[tuple[str, Norm], ...]:
    norms = (norm for each in load_corpus() if each.code == country for norm in each.norms)
    return tuple((term, norm) for norm in norms for term in norm.photo_terms)
