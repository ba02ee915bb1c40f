"""The rows that a run asks about: read from the dataset, withdrawn ones counted, pictures only while needed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..console import UserError
from ..store.hashes import canonical_json, sha256_bytes
from ..store.opened import Opened
from .estimate import SEED, clusters_of

TEST, BENIGN = "test", "benign"
ABOUT = (
    "id", "pair_id", "norm_id", "wording", "country", "country_name", "region", "domain", "topic", "language", "source",
    "image_sha256",
)  # fmt: skip
ASKED = ("query", "norm", "meaning", "alternative", "item")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows a run asks about.

    Attributes:
        about: what the record keeps of each row, in the dataset's order; no texts and no pictures.
        withdrawn: rows that were skipped because the dataset lists them as withdrawn.
        splits: the splits that they come from.
    """

    about: list[dict[str, Any]]
    withdrawn: int
    splits: tuple[str, ...]


def select(dataset: Opened, config: str, splits: Sequence[str], limit: int | None = None) -> Selection:
    """The rows of ``splits``, each with its cluster and a hash of what it asks.

    ``limit`` keeps the first pairs, spread over countries (the first pair of each, then the second of each …).

    Raises:
        UserError: an id that occurs twice, or no row at all.
        NoDatasetError: the dataset has no such config or split.
    """
    withdrawn = dataset.withdrawn()
    kept: list[dict[str, Any]] = []
    skipped = 0
    seen: set[str] = set()
    for split in splits:
        for row in dataset.rows(config, split, columns=[*ABOUT, *ASKED], batch=256):
            if row["id"] in seen:
                raise UserError(f"{dataset.reference}: the id {row['id']} occurs twice in {config}; nothing was asked")
            seen.add(row["id"])
            if row["id"] in withdrawn:
                skipped += 1
                continue
            content = sha256_bytes(canonical_json({name: row[name] for name in (*ASKED, "image_sha256")}))
            kept.append({name: row[name] for name in ABOUT} | {"split": split, "content": content})
    kept = kept if limit is None else _limited(kept, limit)
    if not kept:
        raise UserError(f"{dataset.reference}: {config} has no rows to ask about")
    clusters = clusters_of(kept)
    return Selection([row | {"cluster": clusters[row["id"]]} for row in kept], skipped, tuple(splits))


def _limited(rows: Sequence[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Rows of the first ``limit`` pairs, taken from the countries in turn."""
    by_country: dict[str, list[str]] = {}
    for row in rows:
        pairs = by_country.setdefault(row["country"], [])
        if row["pair_id"] not in pairs:
            pairs.append(row["pair_id"])
    turns = [(i, country, pair) for country, pairs in by_country.items() for i, pair in enumerate(pairs)]
    chosen = {pair for _, _, pair in sorted(turns)[:limit]}
    return [row for row in rows if row["pair_id"] in chosen]


def with_pictures(dataset: Opened, config: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """The selected rows with texts and picture bytes, in constant memory."""
    about = {row["id"]: row for row in selection.about}
    for split in selection.splits:
        for row in dataset.rows(config, split, columns=["id", "image", *ASKED], batch=16):
            if row["id"] in about:
                yield about[row["id"]] | row


def shuffled_pictures(dataset: Opened, config: str, selection: Selection) -> Iterator[bytes]:
    """For each selected row in order the picture of another row, of another cluster.

    The rows are a ring turned by a number of places that is drawn by a fixed seed, so that each picture is used once.

    Raises:
        UserError: no turn gives every row the picture of another cluster (too few rows).
    """
    import numpy as np

    clusters = [row["cluster"] for row in selection.about]
    size = len(clusters)
    for turn in np.random.default_rng(SEED).permutation(np.arange(1, size)):
        if all(clusters[i] != clusters[(i + turn) % size] for i in range(size)):
            return _turned(dataset, config, selection, int(turn))
    raise UserError("too few rows to shuffle pictures between clusters", "leave out --shuffle-images")


def _turned(dataset: Opened, config: str, selection: Selection, turn: int) -> Iterator[bytes]:
    for part, start, stop in (("end", turn, None), ("beginning", 0, turn)):
        del part
        for i, row in enumerate(with_pictures(dataset, config, selection)):
            if i >= start and (stop is None or i < stop):
                yield row["image"]["bytes"]


def dataset_identity(dataset: Opened, config: str, selection: Selection) -> dict[str, Any]:
    """What has to be known to ask the same again: name, version, hashes of rows and ids."""
    held: Mapping[str, Any] = dataset.manifest["configs"][config]
    ids = json.dumps([row["id"] for row in selection.about])
    return {
        "name": dataset.name,
        "version": dataset.version,
        "commit": dataset.commit,
        "config": config,
        "splits": list(selection.splits),
        "rows_sha256": held["rows_sha256"],
        "ids_sha256": held["ids_sha256"],
        "rows": len(selection.about),
        "asked_ids_sha256": sha256_bytes(ids.encode()),
        "withdrawn_skipped": selection.withdrawn,
    }
