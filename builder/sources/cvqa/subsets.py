"""The 39 language-country pairs of CVQA, in the spellings that its revisions use."""

import ast
import re
from dataclasses import dataclass
from functools import cache

from ....console.errors import UserError
from ....schemas import table

MAX_SUBSET = 200


@dataclass(frozen=True, slots=True)
class Subset:
    """One pair: names as CVQA has them, BCP 47 tag and ISO 3166-1 alpha-2 code."""

    language: str
    country: str
    tag: str
    code: str


def parse_subset(text: str) -> Subset:
    """Read a ``Subset`` cell, which is a string that looks like a tuple: ``('Japanese', 'Japan')``.

    Underscores for spaces, other cases and the aliases of ``tables/cvqa_subsets.json`` are accepted.

    Raises:
        UserError: no such pair; the text lists those that are known.
    """
    halves = _halves(text)
    found = _pairs().get(halves) if halves else None
    if found is None:
        known = ", ".join(f"('{pair.language}', '{pair.country}')" for pair in dict.fromkeys(_pairs().values()))
        raise UserError(
            f"column Subset: {text[:MAX_SUBSET]!r} is no pair of language and country that is known; known are {known}",
            "add the spelling to schemas/tables/cvqa_subsets.json, or leave its country out with --countries",
        )
    return found


def countries() -> list[str]:
    """ISO codes of the 30 countries, sorted."""
    return sorted({pair.code for pair in _pairs().values()})


@cache
def _pairs() -> dict[tuple[str, str], Subset]:
    return {(_plain(row[0]), _plain(row[1])): Subset(*row) for row in table("cvqa_subsets")["pairs"]}


def _plain(name: str) -> str:
    """A name without what spellings differ in: case, spaces, underscores, hyphens; aliases resolved."""
    plain = re.sub(r"[\W_]+", "", name.casefold())
    alias = table("cvqa_subsets")["aliases"].get(plain)
    return plain if alias is None else _plain(alias)


def _halves(text: str) -> tuple[str, str] | None:
    try:
        pair = ast.literal_eval(text) if len(text) <= MAX_SUBSET else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(half, str) for half in pair):
        return _plain(pair[0]), _plain(pair[1])
    return None
