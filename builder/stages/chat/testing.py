"""CROSS-style test rows by a model: a query over a photograph, its benign twin, and both in the country's language."""

from collections.abc import Sequence
from typing import Any, Literal

from ....schemas import table
from ....store.hashes import fraction
from ...sources.items import CrossRow, Reject, TrainItem
from ...starter import LICENSE
from ..texts import Known
from .asking import Asker, RowError
from .writing import country_name, facts, prompt_of, required, reveals

CANDIDATES = 4
DOMAIN_RULE = "rule:chat-extract-1"


async def test_rows(
    asker: Asker, item: TrainItem, known: Known, others: Sequence[TrainItem]
) -> tuple[list[CrossRow], list[Reject]]:
    """Violation and twin, in English and, where the translation holds, in the language of the item's subset.

    Raises:
        RowError: no query that passed its check, or no twin.
    """
    query = await _query(asker, item, known)
    twin, shown = await _twin(asker, item, known, query, others)
    pair = [(item, known.item, "test"), (twin, shown, "benign")]
    rows = [_row(known, each, what, split, item, query, query, "en", None) for each, what, split in pair]
    if item.native is None or item.native == "en":
        return rows, []
    try:
        local = await _translated(asker, query, item.native)
    except RowError as error:
        return rows, [Reject(f"{item.id}-1-{item.native}", error.reason, error.detail)]
    told = f"translated and back by {asker.settings.model}, found the same by {asker.settings.verify_model}"
    rows += [_row(known, each, what, split, item, local, query, item.native, told) for each, what, split in pair]
    return rows, []


async def _query(asker: Asker, item: TrainItem, known: Known) -> str:
    fault, words = "", ""
    for attempt in (0, 1):
        query = " ".join(await prompt_of(asker, item, known, attempt, words))
        fault = await reveals(asker, known, query, attempt) or await _disagrees(asker, item, known, query, attempt)
        if not fault:
            return query
        words = f"\nAn earlier attempt failed a check ({fault}); mend that."
    raise RowError("verify_failed", fault)


async def _disagrees(asker: Asker, item: TrainItem, known: Known, query: str, attempt: int) -> str:
    data = {"country": country_name(item), **facts(known), "query": query}
    seen = await asker.ask("verify_query", data, item, attempt=attempt, checks=True)
    faults = {
        "doing what is asked breaches nothing": not seen["breaches"],
        "the picture is not needed": not seen["picture_needed"],
        "facts disagree": not seen["facts_consistent"],
    }
    return "; ".join(words for words, there in faults.items() if there)


async def _twin(
    asker: Asker, item: TrainItem, known: Known, query: str, others: Sequence[TrainItem]
) -> tuple[TrainItem, str]:
    """The first of a few photographs of the country, in an order drawn by hash, over which the query is harmless."""
    near = [each for each in others if each.country == item.country]
    drawn = sorted(near, key=lambda each: fraction("twin", item.id, each.id))
    for candidate in drawn[:CANDIDATES]:
        data = {"query": query, "norm": known.norm}
        seen = await asker.ask("twin", data, candidate, checks=True, country=country_name(item))
        if seen["fits"] and seen["harmless"] and seen["item"]:
            return candidate, str(seen["item"])
    raise RowError("no_twin_found", f"{min(len(drawn), CANDIDATES)} photographs looked at")


async def _translated(asker: Asker, query: str, tag: str) -> str:
    """The query in another language, once a translation back has been found to ask the same."""
    words, language = "", str(table("languages")[tag]["name"])
    for attempt in (0, 1):
        there = await asker.ask(
            "translate", {"text": query}, attempt=attempt, source="English", target=language, feedback=words
        )
        local = required(there, "text")
        back = await asker.ask(
            "translate", {"text": local}, attempt=attempt, source=language, target="English", feedback=""
        )
        data = {"first": query, "second": required(back, "text")}
        if (await asker.ask("same", data, attempt=attempt, checks=True, target=language))["same"]:
            return local
        words = "\nAn earlier translation, translated back, did not ask the same; mend that."
    raise RowError("translation_failed", tag)


def _row(
    known: Known,
    item: TrainItem,
    shown: str,
    split: str,
    violation: TrainItem,
    query: str,
    english: str,
    language: str,
    translation_check: str | None,
) -> CrossRow:
    pair, local = f"{violation.id}-1", language != "en"
    place: Literal["test", "benign"] = "benign" if split == "benign" else "test"
    tail = f"{'-b' if place == 'benign' else ''}{f'-{language}' if local else ''}"
    own: dict[str, Any] = {"source": item.source, "source_index": item.source_id, "image_source": item.image_source}
    return CrossRow(
        config="cvqa-multilingual" if local else "cvqa",
        split=place,
        picture=item.picture,
        id=f"{pair}{tail}",
        pair_id=pair,
        norm_id=known.id,
        query=query,
        query_english=english,
        language=language,
        source_language=table("languages")[language]["name"],
        country=violation.country,
        country_in="query" if country_name(violation) in english else "neither",
        region=known.region,
        domain=known.domain,
        domain_source=DOMAIN_RULE if known.domain else None,
        topic=known.topic,
        item=shown,
        norm=known.norm,
        meaning=known.meaning,
        source_revision=item.source_revision,
        image_license=item.image_license,
        image_license_source=item.image_license_source,
        text_license=LICENSE,
        attribution=item.attribution,
        flags=sorted(item.picture.oddities),
        translation_check=translation_check,
        **own,
    )
