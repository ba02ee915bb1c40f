"""CROSS-style test rows from photographs: a query of the corpus over a picture of the item, and over a harmless one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from ...schemas import table
from ...store.hashes import fraction
from ..sources.items import CrossRow, Reject, TrainItem
from ..starter import LICENSE
from ..starter.corpus import Norm
from .extract import names

Pair = tuple[TrainItem, Norm | None]


def photograph_rows(pairs: Sequence[Pair]) -> tuple[list[CrossRow], list[Reject]]:
    """Rows of the configs ``cvqa`` and ``cvqa-multilingual``: each violation with its twin.

    A twin is a photograph of the same country that names one of the norm's harmless things, touches no norm of the
    corpus and is the same picture as no violation's. Which twin goes with which row is drawn by a hash.

    Args:
        pairs: items with the norm that was found for each.

    Returns:
        The rows, and a reject ``no_twin_found`` for each item of a test norm that no twin was left for.
    """
    violated = _by_norm(pairs)
    taken = {item.picture.sha256 for items in violated.values() for _, item in items}
    plain = [
        item for item, norm in pairs if norm is None and item.label is not None and item.picture.sha256 not in taken
    ]
    rows: list[CrossRow] = []
    rejects: list[Reject] = []
    for _, items in sorted(violated.items()):
        norm = items[0][0]
        twins = _twins(norm, plain)
        rows += [row for (_, item), twin in zip(items, twins, strict=False) for row in _rows(norm, item, *twin)]
        rejects += [Reject(item.id, "no_twin_found", norm.id) for _, item in items[len(twins) :]]
    return rows, rejects


def _by_norm(pairs: Sequence[Pair]) -> dict[str, list[tuple[Norm, TrainItem]]]:
    """Items of test norms that have a query for photographs, one item a picture, in an order drawn by hash."""
    found: dict[str, dict[str, tuple[Norm, TrainItem]]] = defaultdict(dict)
    for item, norm in sorted(pairs, key=lambda pair: pair[0].id):
        if norm is not None and norm.set == "test":
            found[norm.id].setdefault(item.picture.sha256, (norm, item))
    return {
        name: sorted(items.values(), key=lambda pair: fraction("violation", pair[1].id))
        for name, items in found.items()
    }


def _twins(norm: Norm, plain: Sequence[TrainItem]) -> list[tuple[TrainItem, str]]:
    """Harmless photographs for a norm's query, one item a picture, with what each shows."""
    found: dict[str, tuple[TrainItem, str]] = {}
    for item in sorted(plain, key=lambda each: fraction("twin", norm.id, each.id)):
        shown = names(item, norm.raw["photo"]["twin_terms"]) if item.country == norm.country else None
        if shown is not None:
            found.setdefault(item.picture.sha256, (item, shown))
    return list(found.values())


def _rows(norm: Norm, item: TrainItem, twin: TrainItem, shown: str) -> Iterator[CrossRow]:
    photo = norm.raw["photo"]
    pair = f"{item.id}-1"
    for config, language, query in (
        ("cvqa", "en", photo["query"]),
        ("cvqa-multilingual", norm.language, photo["query_local"]),
    ):
        tail = f"-{language}" if config == "cvqa-multilingual" else ""
        text = {"query": query, "language": language, "config": config}
        yield _row(norm, item, "test", pair, f"{pair}{tail}", norm.text("item"), text)
        yield _row(norm, twin, "benign", pair, f"{pair}-b{tail}", shown, text)


def _row(
    norm: Norm,
    item: TrainItem,
    split: Literal["test", "benign"],
    pair: str,
    name: str,
    shown: str,
    text: dict[str, Any],
) -> CrossRow:
    return CrossRow(
        split=split,
        picture=item.picture,
        id=name,
        pair_id=pair,
        norm_id=norm.id,
        query_english=norm.raw["photo"]["query"],
        source_language=table("languages")[text["language"]]["name"],
        country=norm.country,
        country_in="query",
        region=norm.region,
        domain=norm.text("domain"),
        domain_source="stated",
        topic=norm.text("topic"),
        item=shown,
        norm=norm.text("norm"),
        norm_context=norm.text("norm_context"),
        meaning=norm.text("meaning"),
        alternative=norm.text("alternative"),
        practice=norm.text("practice"),
        references=list(norm.raw["references"]),
        source=item.source,
        source_index=item.source_id,
        source_revision=item.source_revision,
        image_source=item.image_source,
        image_license=item.image_license,
        image_license_source=item.image_license_source,
        text_license=LICENSE,
        attribution=item.attribution,
        flags=sorted(item.picture.oddities),
        **text,
    )
