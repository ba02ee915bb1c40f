"""Licences as sources word them, as SPDX ids, and which of them are open (design §5)."""

import re
from functools import cache

from ...schemas import table

_ADDRESS = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero|mark))")


def spdx(words: str) -> str:
    """The SPDX id for a licence in a source's own words, ``unknown`` where the words are not known.

    A Creative Commons licence without a version gets a ``LicenseRef-`` id: SPDX has none for it.
    """
    lowered = words.casefold()
    address = _ADDRESS.search(lowered)
    if address:
        kind, version, public = address.groups()
        lowered = f"cc {kind} {version}" if kind else {"zero": "cc0", "mark": "public domain"}[public]
    plain = re.sub(r"creative commons", "cc", re.sub(r"\blicen[cs]e[ds]?\b", "", lowered))
    plain = re.sub(r"\battribution\b", "by", re.sub(r"share[ -]?alike", "sa", plain))
    plain = re.sub(r"non[ -]?commercial", "nc", re.sub(r"no[ -]?deriv(?:s|atives|atives works)?\b", "nd", plain))
    return _spellings().get(" ".join(re.findall(r"[a-z]+\d*|\d+(?:\.\d+)?", plain)), "unknown")


def is_open(license_id: str) -> bool:
    """May anybody pass the work on, changed or not, for any purpose? An id that the table lacks may not."""
    return bool(table("licenses").get(license_id, {"open": False})["open"])


@cache
def _spellings() -> dict[str, str]:
    return {spelling: name for name, entry in table("licenses").items() for spelling in entry["spellings"]}
