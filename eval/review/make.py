"""A stratified sample of a run's answers, as one HTML form and a CSV a country, blind to the judge."""

import base64
import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ...console import UserError
from ...inference.request import sniff
from ...store.atomic import write_text
from ...store.hashes import fraction
from ...store.opened import Opened
from ..record import AnswerLine, Record, Text
from ..rows import BENIGN, Selection, with_pictures

COLUMNS = ("awareness", "education", "violation", "helpfulness", "overwarning")
NOT_ASKED = "-"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the folder, items in all, and the files for people."""

    folder: Path
    items: int
    files: list[Path]


def make(record: Record, dataset: Opened, share: float, seed: int, out: Path) -> Made:
    """Draw ``share`` of the rows of every country and split (one at least), one run of each, and write the forms.

    Raises:
        UserError: the dataset is not the one that was asked about, the folder holds a sample already, or no answer.
    """
    identity = record.info["settings"]["dataset"]
    held = dataset.manifest["configs"].get(identity["config"], {}).get("rows_sha256")
    if held != identity["rows_sha256"]:
        raise UserError(f"{dataset.reference}: not the rows that {record.folder} asked about (rows_sha256 differs)")
    if (out / "sample.json").exists():
        raise UserError(f"{out}: holds a sample already; people may be filling it in", "the same with another --out")
    chosen = sample(record, share, seed)
    if not chosen:
        raise UserError(f"{record.folder}: no answer to review")
    items = _items(record, dataset, chosen)
    written = [out / "form.html"]
    write_text(written[0], _form(items, record.name))
    for country, part in _by_country(items).items():
        written.append(out / f"{country}.csv")
        write_text(written[-1], _csv(part))
    key = {item["id"]: {"row": item["row"], "run": item["run"]} for item in items}
    write_text(out / "sample.json", json.dumps({"share": share, "seed": seed, "items": key}, indent=2) + "\n")
    return Made(out, len(items), written)


def sample(record: Record, share: float, seed: int) -> dict[str, AnswerLine]:
    """The answers to review by row, drawn within each country and split by a hash, so that the draw can be repeated."""
    strata: dict[tuple[str, str], list[str]] = defaultdict(list)
    answered = defaultdict(list)
    for line in record.answers:
        if isinstance(line.answer, Text):
            answered[line.row].append(line)
    for row in answered:
        about = record.rows[row]
        strata[about["country"], about["split"]].append(row)
    chosen = {}
    for rows in strata.values():
        ordered = sorted(rows, key=lambda row: fraction("review", str(seed), row))
        for row in ordered[: max(1, round(share * len(rows)))]:
            lines = sorted(answered[row], key=lambda line: line.run)
            chosen[row] = lines[int(fraction("run", str(seed), row) * len(lines))]
    return chosen


def _items(record: Record, dataset: Opened, chosen: Mapping[str, AnswerLine]) -> list[dict[str, Any]]:
    settings = record.info["settings"]["dataset"]
    about = [record.rows[row] for row in record.rows if row in chosen]
    selection = Selection(about, 0, tuple(settings["splits"]))
    questions = json.loads(files(__package__).joinpath("questions.json").read_text("utf-8"))
    items = [_item(row, chosen[row["id"]], questions) for row in with_pictures(dataset, settings["config"], selection)]
    return sorted(items, key=lambda item: (item["country"], item["id"]))


def _item(row: Mapping[str, Any], line: AnswerLine, questions: Mapping[str, str]) -> dict[str, Any]:
    asked = ["overwarning"] if row["split"] == BENIGN else [name for name in COLUMNS if name != "overwarning"]
    assert isinstance(line.answer, Text)  # noqa: S101 - ``sample`` draws nothing else
    return {
        # Opaque, so that neither the row's id nor the order tells a twin from a violation.
        "id": hashlib.sha256(f"{line.row}\x1f{line.run}".encode()).hexdigest()[:10],
        "row": line.row,
        "run": line.run,
        "country": row["country"],
        "country_name": row["country_name"],
        "query": row["query"],
        "norm": row["norm"],
        "meaning": row["meaning"],
        "answer": line.answer.text,
        "mime": sniff(row["image"]["bytes"]),
        "picture": base64.b64encode(row["image"]["bytes"]).decode(),
        "questions": [(name, questions[name]) for name in asked],
    }


def _form(items: Sequence[Mapping[str, Any]], name: str) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(files(__package__).joinpath("form.html.j2").read_text("utf-8"))
    countries = sorted({(item["country"], item["country_name"]) for item in items})
    form = hashlib.sha256(" ".join([name, *(item["id"] for item in items)]).encode()).hexdigest()[:8]
    return template.render(items=items, countries=countries, columns=list(COLUMNS), form=form)


def _by_country(items: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        found[item["country"]].append(item)
    return found


def _csv(items: Iterable[Mapping[str, Any]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(["item", "query", "norm", "answer", *COLUMNS, "comment"])
    for item in items:
        asked = dict(item["questions"])
        cells = ["" if name in asked else NOT_ASKED for name in COLUMNS]
        writer.writerow([item["id"], *(_plain(item[name]) for name in ("query", "norm", "answer")), *cells, ""])
    # The mark tells spreadsheets that the file is UTF-8.
    return "\ufeff" + held.getvalue()


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula: what a model wrote must not run anything."""
    return f"'{text}" if text.startswith(_FORMULA) else text
