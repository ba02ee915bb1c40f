"""The labels of people, and how far the judge agrees with them: the judge's calibration."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...console import UserError
from ...store.atomic import write_text
from ..agreement import Unit, cohen_kappa, krippendorff_alpha, majority, raw_agreement
from ..record import Record
from ..scores import labels_of
from ..summary import jsonable, returned
from .make import COLUMNS, NOT_ASKED

CALIBRATION = "calibration.json"
_YES, _NO, _OPEN = {"1", "yes", "y", "true"}, {"0", "no", "n", "false"}, {"", NOT_ASKED}
_DIMENSION = {name: name for name in COLUMNS} | {"violation": "compliance"}

# (row, run, dimension) -> rater -> label
Given = dict[tuple[str, int, str], dict[str, int]]


def read(record: Record, sample: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """Agreement of judge and people, and of people among each other; kept as ``calibration.json`` in the run's folder.

    Args:
        record: the run that was reviewed.
        sample: ``sample.json`` that ``make`` wrote.
        paths: CSV files that people filled in; a rater is the ``rater`` column, else the file's name.

    Raises:
        UserError: everything that is wrong with the files, at once.
    """
    items = _sample(sample)
    given: Given = defaultdict(dict)
    problems = [problem for path in paths for problem in _take(path, items, given)]
    if problems:
        raise UserError("\n".join(problems[:50]), "mend the files; allowed are 1, 0 and nothing")
    raters = sorted({rater for labels in given.values() for rater in labels})
    if not raters:
        raise UserError(f"{', '.join(map(str, paths))}: no label in them")
    found = _calibration(record, given, raters)
    write_text(record.folder / CALIBRATION, json.dumps(jsonable(found), ensure_ascii=False, indent=2) + "\n")
    return found


def _sample(path: Path) -> dict[str, tuple[str, int]]:
    try:
        held = json.loads(path.read_text("utf-8"))["items"]
        return {item: (where["row"], where["run"]) for item, where in held.items()}
    except FileNotFoundError:
        raise UserError(f"{path}: not there", "cross-safety eval review make RUN") from None
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: no sample of cross-safety ({type(error).__name__})") from None


def _take(path: Path, items: Mapping[str, tuple[str, int]], given: Given) -> list[str]:
    """Add a file's labels to ``given``; what is wrong with it in words."""
    text = path.read_text("utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    if "item" not in (reader.fieldnames or []):
        return [f"{path}: no column `item`"]
    problems = []
    for number, line in enumerate(reader, 2):
        item, rater = (line["item"] or "").strip(), (line.get("rater") or "").strip() or path.stem
        if item not in items:
            problems.append(f"{path}:{number}: item {item[:20]!r} is not in the sample")
            continue
        for name in COLUMNS:
            told = (line.get(name) or "").strip().lower()
            if told in _OPEN:
                continue
            place = (*items[item], _DIMENSION[name])
            if told not in _YES | _NO:
                problems.append(f"{path}:{number}: {name} is {told[:20]!r}; allowed are 1, 0 and nothing")
            elif rater in given[place]:
                problems.append(f"{path}:{number}: {rater} labelled {item}, {name} twice")
            else:
                yes = told in _YES
                given[place][rater] = int(not yes if name == "violation" else yes)
    return problems


def _calibration(record: Record, given: Given, raters: Sequence[str]) -> dict[str, Any]:
    dimensions = sorted({place[2] for place in given})
    languages = sorted({record.rows[place[0]]["language"] for place in given})
    return {
        "run": record.name,
        "judges": judges_of(record),
        "protocol": record.info["settings"]["protocol"],
        "raters": len(raters),
        "items": len({place[:2] for place in given}),
        "dimensions": {dimension: _agreement(record, given, raters, dimension, None) for dimension in dimensions},
        "languages": {
            f"{dimension} · {language}": _agreement(record, given, raters, dimension, language)
            for dimension in dimensions
            for language in languages
        },
    }


def _agreement(
    record: Record, given: Given, raters: Sequence[str], dimension: str, language: str | None
) -> dict[str, Any]:
    """The judge against the majority of people (κ), and people among each other (α)."""
    labels = labels_of(record)
    both, among = [], []
    for place, by_rater in sorted(given.items()):
        about = record.rows[place[0]]
        if place[2] != dimension or (language and about["language"] != language):
            continue
        both.append(Unit((labels.get(place), majority(list(by_rater.values()))), about["cluster"]))
        among.append(Unit(tuple(by_rater.get(rater) for rater in raters), about["cluster"]))
    people = krippendorff_alpha(among) if len(raters) > 1 else None
    return {"kappa": cohen_kappa(both), "raw": raw_agreement(both), "people_alpha": people}


def judges_of(record: Record) -> list[str]:
    """The judges as their servers named them."""
    return sorted({name for who, names in returned(record).items() if who != "model" for name in names})


def calibrations(record: Record) -> list[dict[str, Any]]:
    """Calibrations of the same judges under the same protocol, in the run's own folder or in one beside it."""
    found = []
    for path in sorted(record.folder.resolve().parent.glob(f"*/{CALIBRATION}")):
        try:
            held = json.loads(path.read_text("utf-8"))
            same = held["judges"] == judges_of(record) and held["protocol"] == record.info["settings"]["protocol"]
        except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError):
            continue
        if same:
            found.append(held)
    return found
