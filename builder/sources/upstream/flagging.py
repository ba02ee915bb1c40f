"""What is wrong with the authors' rows as found, by stated rules and a list reviewed by hand (facts in the card)."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ....schemas import table

HERE = Path(__file__).parent
_NORMS = ("violated_norm", "violated_specific_norm", "violated_aug_norm", "root_norm")
_TEXTS = ("orig_query", "query", *_NORMS, "item")
_PICTURE_WORDS = re.compile(
    r"\b(images?|pictures?|photos?|photograph|pictured|shown|screenshot|provided|depicted|seen here)\b",
    re.I,
)
_PEXELS_ID = re.compile(r"(\d{5,})")


@cache
def _data(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return parsed


def _names(code: str) -> re.Pattern[str]:
    entry = table("countries")[code]
    return re.compile(rf"\b({re.escape(entry['name'])}|{entry['demonym']})", re.I)


def names_country(text: str, code: str) -> bool:
    """Does a text name a country or its people."""
    return bool(_names(code).search(text))


def _names_other(text: str, code: str) -> bool:
    """A text that names another of the 16 countries by its name, and its own in no way."""
    if names_country(text, code):
        return False
    others = (e["name"] for c, e in table("countries").items() if e["cross"] and c != code)
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in others)


def text_flags(row: Mapping[str, Any]) -> set[str]:
    """Flags about the hygiene of a row's texts."""
    texts = [str(row[name]) for name in _TEXTS if row.get(name)]
    rules = {
        "double_space": any("  " in text for text in texts),
        "stray_space": any(text != text.strip() for text in texts),
        "double_full_stop": any(re.search(r"(?<!\.)\.\.(?!\.)", text) for text in texts),
        "markdown": any("**" in text for text in texts),
        "typo": any(_typo(text) for text in texts),
    }
    return {flag for flag, holds in rules.items() if holds}


def _typo(text: str) -> bool:
    return any(re.search(rf"\b{re.escape(wrong)}\b", text) for wrong in _data("words")["typos"])


def country_flags(row: Mapping[str, Any], code: str) -> set[str]:
    """Flags about the country that a row's texts name."""
    found = set()
    norm = str(row.get("violated_norm") or row.get("violated_specific_norm"))
    if any(_names_other(text, code) for text in (norm, str(row["orig_query"]), str(row["query"]))):
        found.add("wrong_country_in_text")
    if not names_country(str(row["query"]), code):
        found.add("no_country_in_query")
    return found


def picture_flags(row: Mapping[str, Any]) -> set[str]:
    """Flags about a row's picture as it is named, and about a query that never refers to one."""
    source, name = str(row["image_source"]), str(row["file_name"]).rsplit("/", 1)[-1]
    found = set()
    if source.startswith("http"):
        wanted, had = _PEXELS_ID.findall(source), _PEXELS_ID.findall(name)
        if "pexels.com" in source and ("pexels" not in name or wanted[-1:] != had[-1:]):
            found.add("image_id_mismatch")
    elif source != "self" or name.startswith("pexels-"):
        found.add("image_source_odd")
    if not _PICTURE_WORDS.search(str(row["query"])):
        found.add("no_picture_reference")
    return found


def translation_flags(row: Mapping[str, Any]) -> set[str]:
    """Flags about a translation that is none."""
    if row.get("language") != "English":
        return set()
    same = row["translated_query"] == row["query"]
    return {"translation_is_copy" if same else "translation_is_edited_copy"}


def row_flags(row: Mapping[str, Any], subset: str, code: str) -> set[str]:
    """All flags that a row earns by itself; reviewed ones by subset and index."""
    own = text_flags(row) | country_flags(row, code) | picture_flags(row) | translation_flags(row)
    if not row.get("item"):
        own.add("missing_item")
    reviewed = set(_data("reviewed").get(f"{subset}/{row['index']}", ()))
    if "language" not in row:
        reviewed.discard("translation_doubtful")
    return own | reviewed


def shared_flags(rows: Sequence[Mapping[str, Any]]) -> list[set[str]]:
    """Flags that rows earn by each other; ``rows`` are those of one file and one pass."""
    same = Counter((row["file_name"], row["query"]) for row in rows)
    queries: dict[str, set[str]] = defaultdict(set)
    languages: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        queries[row["file_name"]].add(row["query"])
        languages[row["index"].rpartition("_")[0]].add(row.get("language", ""))
    indices = Counter(row["index"] for row in rows)
    return [
        {
            flag
            for flag, holds in {
                "duplicate_row": same[row["file_name"], row["query"]] > 1,
                "shared_picture": len(queries[row["file_name"]]) > 1,
                "repeated_index": indices[row["index"]] > 1,
                "language_name_varies": len(languages[row["index"].rpartition("_")[0]]) > 1,
            }.items()
            if holds
        }
        for row in rows
    ]


def infer_domain(query: str) -> str | None:
    """The domain whose words stand most often in a query; None where none does or two do alike."""
    low = query.lower()
    hits = {
        domain: sum(len(re.findall(rf"\b{re.escape(word)}\b", low)) for word in words)
        for domain, words in _data("words")["domains"].items()
    }
    best = max(hits.values())
    winners = [domain for domain, count in hits.items() if count == best]
    return winners[0] if best and len(winners) == 1 else None
