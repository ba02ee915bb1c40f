"""From CVQA's rows to items with a known answer, streamed; every row that can't be used is rejected with a reason."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....console.errors import UserError
from ....schemas import problems, table
from ....store.hashes import canonical_json, sha256_file
from ..items import Input, Reject, SourceResult, TrainItem
from ..licences import is_open, spdx
from ..pictures import Picture, Spool
from .examining import Unusable, with_pictures
from .labels import read_labels
from .options import read_options
from .subsets import Subset, countries, parse_subset

DATASET = "afaji/cvqa"
REVISION = "6a38d71fa391ca7a5e061bbcf48ba714a9a9f4f1"
TEXT = (
    "ID",
    "Subset",
    "Question",
    "Translated Question",
    "Options",
    "Translated Options",
    "Label",
    "Category",
    "Image Type",
    "Image Source",
    "License",
)
COLUMNS = ("image", *TEXT)
Row = dict[str, Any]
Fault = tuple[str, str]
Progress = Callable[[Iterable[Any], str, int | None], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of CVQA is wanted.

    Args:
        path: a folder in CVQA's shape; None for the hub.
        revision: of the hub's repository (40-digit commit by default), or what the user calls the folder's content.
        labels: a file of ID and Label.
        countries: ISO codes; empty for all.
        limit: at most so many rows of these countries are read.
        open_only: leave rows out whose licence is not open.
    """

    path: Path | None = None
    revision: str | None = None
    labels: Path | None = None
    countries: tuple[str, ...] = ()
    limit: int | None = None
    open_only: bool = True


@dataclass(slots=True)
class Reading:
    """What accumulates while rows go by; pictures apart, which lie in the spool."""

    wanted: Wanted
    labels: dict[str, int]
    found: SourceResult = field(default_factory=SourceResult)
    seen: set[str] = field(default_factory=set)
    oddities: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=hashlib.sha256)

    def reject(self, row: Row, reason: str, detail: str) -> None:
        """Leave a row out; ``detail`` names columns and codes, never the row's text."""
        self.found.rejects.append(Reject(f"cvqa-{str(row['ID'])[:100]}", reason, detail))


def _in_turn(items: Iterable[Any], _what: str, _total: int | None) -> Iterator[Any]:
    yield from items


def read_cvqa(wanted: Wanted, spool: Spool, progress: Progress = _in_turn) -> SourceResult:
    """The rows of CVQA that have an answer, a usable picture and, unless told otherwise, an open licence.

    Pictures go into ``spool`` as they pass; memory holds the rows' texts alone.

    Raises:
        UserError: a column that is missing or of another type, a Subset that is not known, a country that CVQA lacks,
            a labels file of another shape.
    """
    _check_countries(wanted.countries)
    reading = Reading(wanted, read_labels(wanted.labels) if wanted.labels else {})
    rows = _usable(reading, progress(_checked(_stream(wanted)), "cvqa", wanted.limit))
    for (row, subset, label), picture in with_pictures(rows, lambda each: each[0]["image"], spool):
        _take(reading, row, subset, label, picture)
    _conclude(reading)
    return reading.found


def _check_countries(codes: tuple[str, ...]) -> None:
    strange = sorted(set(codes) - set(countries()))
    if strange:
        raise UserError(f"--countries {','.join(strange)}: not among CVQA's, which are {','.join(countries())}")


def _stream(wanted: Wanted) -> Iterator[Row]:
    import datasets

    place, revision = (DATASET, wanted.revision or REVISION) if wanted.path is None else (str(wanted.path), None)
    rows = datasets.load_dataset(place, revision=revision, split="test", streaming=True, **_little_memory())
    yield from rows.cast_column("image", datasets.Image(decode=False))


def _little_memory() -> dict[str, Any]:
    """Few rows a batch and no read-ahead, which would hold a whole file of pictures; older datasets can't be told."""
    from datasets.packaged_modules.parquet.parquet import ParquetConfig
    from pyarrow.dataset import ParquetFragmentScanOptions

    few: dict[str, Any] = {"batch_size": 16}
    if "fragment_scan_options" in ParquetConfig.__dataclass_fields__:
        few["fragment_scan_options"] = ParquetFragmentScanOptions(pre_buffer=False)
    return few


def _checked(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, once the first has shown that the columns are CVQA's."""
    for number, row in enumerate(rows):
        if number == 0:
            _check_columns(row)
        yield row


def _check_columns(row: Row) -> None:
    missing = [name for name in COLUMNS if name not in row]
    wrong = [
        name for name in ("Options", "Translated Options") if name in row and not isinstance(row[name], str | list)
    ]
    if missing or wrong:
        what = [f"column {name} is missing" for name in missing]
        what += [f"column {name} holds {type(row[name]).__name__}, not a list or a string" for name in wrong]
        raise UserError(f"not in CVQA's shape: {'; '.join(what)}", f"columns wanted: {', '.join(COLUMNS)}")


def _usable(reading: Reading, rows: Iterable[Row]) -> Iterator[tuple[Row, Subset, int]]:
    """Rows of the countries wanted that can be used as far as texts go; the others are rejected."""
    taken = 0
    for row in rows:
        subset = parse_subset(str(row["Subset"]))
        if reading.wanted.countries and subset.code not in reading.wanted.countries:
            continue
        if reading.wanted.limit is not None and taken >= reading.wanted.limit:
            return
        taken += 1
        reading.digest.update(canonical_json({name: row[name] for name in TEXT}) + b"\n")
        label = _vetted(reading, row)
        if label is not None:
            yield row, subset, label


def _vetted(reading: Reading, row: Row) -> int | None:
    """The row's answer where nothing speaks against the row, else None and a reject; its options become lists."""
    for name in ("Options", "Translated Options"):
        row[name] = read_options(row[name])
    fault = _off_schema(row)
    if fault is None and row["ID"] in reading.seen:
        fault = ("duplicate_id", "ID")
    reading.seen.add(str(row["ID"]))
    label: Any = reading.labels.get(str(row["ID"]), row["Label"])
    fault = fault or _unanswerable(row, label) or _closed(row, reading.wanted.open_only)
    if fault is None:
        return int(label)
    reading.reject(row, *fault)
    return None


def _off_schema(row: Row) -> Fault | None:
    wrong = sorted({each.path for each in problems("cvqa_row", [row | {"image": {}}], key="ID")})
    if wrong == ["$.Category"]:
        return "unknown_category", "$.Category"
    return ("off_schema", ", ".join(wrong)) if wrong else None


def _unanswerable(row: Row, label: int) -> Fault | None:
    """What keeps a question from having one answer that is known."""
    options = [option.strip().casefold() for option in row["Translated Options"]]
    if label == -1:
        return "label_unreleased", "Label is -1"
    if not 0 <= label < len(options):
        return "label_out_of_range", f"{label} of {len(options)} options"
    if not row["Translated Question"].strip():
        return "empty_question", "Translated Question"
    if not all(options):
        return "empty_option", "Translated Options"
    return ("duplicate_options", "Translated Options") if len(set(options)) < len(options) else None


def _closed(row: Row, open_only: bool) -> Fault | None:
    license_id = licence(row)
    return ("license_not_open", license_id) if open_only and not is_open(license_id) else None


def licence(row: Row) -> str:
    """SPDX id of a row's licence; a picture given for research only is not open, whatever else the row says."""
    if spdx(row["Image Source"]) == "LicenseRef-research-only":
        return "LicenseRef-research-only"
    return spdx(row["License"])


def _take(reading: Reading, row: Row, subset: Subset, label: int, picture: Picture | Unusable) -> None:
    if isinstance(picture, Unusable):
        reading.reject(row, picture.reason, picture.detail)
        return
    reading.digest.update(picture.sha256.encode())
    reading.oddities.update(picture.oddities)
    reading.found.train.append(_item(reading, row, subset, label, picture))


def _item(reading: Reading, row: Row, subset: Subset, label: int, picture: Picture) -> TrainItem:
    own = row["Image Type"].strip().casefold() == "self"
    source = "self" if own else row["Image Source"].strip() or "not stated"
    license_id = licence(row)
    return TrainItem(
        id=f"cvqa-{row['ID']}",
        picture=picture,
        country=subset.code,
        language="en",
        question=row["Translated Question"].strip(),
        options=tuple(option.strip() for option in row["Translated Options"]),
        label=label,
        category=row["Category"],
        source="cvqa",
        source_id=row["ID"],
        source_revision=_revision(reading.wanted),
        image_source=source,
        image_license=license_id,
        image_license_source=row["License"],
        text_license=license_id,
        attribution=_attribution(row, own, source),
        native=subset.tag,
    )


def _attribution(row: Row, own: bool, source: str) -> str:
    maker = "a contributor to CVQA" if own else source
    terms = row["License"].strip() or "licence not stated"
    return f"Picture: {maker} ({terms}); question and picture by way of CVQA (Romero et al., 2024, arXiv:2406.05967)"


def _revision(wanted: Wanted) -> str:
    return wanted.revision or (REVISION if wanted.path is None else "unversioned")


def _conclude(reading: Reading) -> None:
    """Inputs with their hashes, and notes on labels that met no row and pictures that are odd."""
    wanted, found = reading.wanted, reading.found
    found.inputs.append(Input("cvqa", _revision(wanted), reading.digest.hexdigest(), "unknown"))
    if wanted.labels is not None:
        found.inputs.append(Input("cvqa-labels", wanted.labels.name, sha256_file(wanted.labels), "unknown"))
        idle = len(reading.labels.keys() - reading.seen)
        found.notes += [f"cvqa: {idle} labels name no row that was read"] if idle else []
    words = table("flags")
    found.notes += [f"cvqa: {count} rows: {words[name]}" for name, count in sorted(reading.oddities.items())]
