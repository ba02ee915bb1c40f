"""One run as figures: micro and macro, by groups, its spread, its judges, and what a reader has to be warned of."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import pstdev
from typing import Any, Literal, get_args

from ..console import UserError
from .agreement import Unit, cohen_kappa, krippendorff_alpha, raw_agreement
from .estimate import Cell, Estimate, estimate
from .record import Failed, Record
from .rows import BENIGN
from .scores import (
    FIGURES,
    FOUR,
    MOST_FAILED,
    NOT_STATED,
    Figure,
    Labels,
    cells,
    failed_share,
    failures,
    labels_of,
    units_of,
)

By = Literal["country", "region", "domain", "language", "source", "run"]
BYS: tuple[By, ...] = get_args(By)
INCONSISTENT = 0.10
_FAMILIES = {"o": "gpt", "chatgpt": "gpt", "davinci": "gpt", "gemma": "gemini", "qwq": "qwen", "qvq": "qwen"}

Estimates = dict[str, Estimate]


def figures_of(record: Record) -> tuple[Figure, ...]:
    """The figures that a run can have: those of the splits that it asked about."""
    splits = {row["split"] for row in record.rows.values()}
    pairwise = {"told apart"} if len(splits) == 2 else set()
    test = {*FOUR, "all four"} if splits - {BENIGN} else set()
    allowed = test | pairwise | ({"over-warning"} if BENIGN in splits else set())
    return tuple(figure for figure in FIGURES if figure in allowed)


def returned(record: Record) -> dict[str, dict[str, int]]:
    """Model names that came back and how often: ``model``, and one entry a judge."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in record.answers:
        if answer.model and not isinstance(answer.answer, Failed):
            counted["model"][answer.model] += 1
    for line in record.verdicts:
        if line.model and not isinstance(line.verdict, Failed):
            counted[f"judge {line.judge}"][line.model] += 1
    return {who: dict(names) for who, names in sorted(counted.items())}


def refuse_mixed(record: Record) -> None:
    """Stop where one summary would mix two snapshots.

    Raises:
        UserError: a model or a judge came back under two names.
    """
    for who, names in returned(record).items():
        if len(names) > 1:
            listed = ", ".join(f"{name} ({count})" for name, count in sorted(names.items()))
            raise UserError(
                f"{record.folder}: two snapshots in one run ({who}: {listed}); their figures can't be one figure",
                "cross-safety eval run with a dated snapshot as the model's name, and another --out",
            )


def family(model: str) -> str:
    """The family of a model by its name: ``gpt`` for ``openai/gpt-4o-2024-08-06`` and for ``o3``."""
    found = re.search(r"[a-z]+", model.rsplit("/", 1)[-1].lower())
    return _FAMILIES.get(found[0], found[0]) if found else model


def warnings(record: Record) -> list[str]:
    """What a reader has to know before believing the figures, the gravest first."""
    settings = record.info["settings"]
    told = []
    if failed_share(record) > MOST_FAILED:
        share = f"{failed_share(record):.1%} of the verdicts are missing (more than {MOST_FAILED:.0%})"
        told.append(f"{share}: look at the bounds, and ask those again with --retry-failed")
    model = settings["model"]["asked"]
    for judge in record.judges:
        if judge == model:
            told.append(f"the judge {judge} is the judged model itself: take another judge")
        elif family(judge) == family(model):
            told.append(f"the judge {judge} is of the judged model's own family ({family(model)}): take another")
    for who, names in returned(record).items():
        asked = model if who == "model" else who.removeprefix("judge ")
        told += [f"{asked} is an alias: ask for {name} to have the same again" for name in names if name != asked]
    if answers_failed(record).get("truncated"):
        told.append(f"{answers_failed(record)['truncated']} answers hit their token limit: raise --max-tokens")
    if settings["control"]:
        told.append(f"a control run ({settings['control']}): its figures are there to be compared with")
    return told


def rows_by(record: Record, by: By) -> dict[str, list[dict[str, Any]]]:
    """Rows of each group; what is not stated is a group of its own."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in record.rows.values():
        groups[str(row[by]) if row[by] is not None else NOT_STATED].append(row)
    return dict(sorted(groups.items()))


def grouped(record: Record, labels: Labels, by: By) -> dict[str, Estimates]:
    """Every figure for every group."""
    wanted = figures_of(record)
    if by == "run":
        held = {figure: cells(record, labels, figure) for figure in wanted}
        return {
            str(run + 1): {figure: estimate(cell for cell in held[figure] if cell.run == run) for figure in wanted}
            for run in range(record.runs)
        }
    return {
        name: {figure: estimate(cells(record, labels, figure, rows)) for figure in wanted}
        for name, rows in rows_by(record, by).items()
    }


def spread(record: Record, labels: Labels) -> dict[str, dict[str, Any]]:
    """How much figures move from run to run: the figure of each run, their deviation, and rows that change."""
    found: dict[str, dict[str, Any]] = {}
    for figure in figures_of(record):
        held = cells(record, labels, figure)
        per_run = [estimate(cell for cell in held if cell.run == run).value for run in range(record.runs)]
        known = [value for value in per_run if value is not None]
        found[figure] = {
            "per_run": per_run,
            "deviation": pstdev(known) if len(known) > 1 else None,
            "changing": estimate(changing(held)),
        }
    return found


def changing(held: Iterable[Cell]) -> list[Cell]:
    """One cell a row: one where its labels differ between runs, none where fewer than two are known."""
    rows: dict[str, list[Cell]] = defaultdict(list)
    for cell in held:
        rows[cell.row].append(cell)
    made = []
    for group in rows.values():
        values = [cell.value for cell in group if cell.value is not None]
        differ = float(len(set(values)) > 1) if len(values) > 1 else None
        made.append(group[0]._replace(run=0, value=differ, most=1.0))
    return made


def panel(record: Record) -> dict[str, Any]:
    """Agreement of a panel's judges, by dimension, over all languages and in each; empty for one judge."""
    if len(record.judges) < 2:
        return {}
    dimensions = sorted({line.dimension for line in record.verdicts})
    return {dimension: agreement(units_of(record, dimension)) for dimension in dimensions} | {
        f"{dimension} · {language}": agreement(units_in(record, dimension, language))
        for dimension in dimensions
        for language in _languages(record)
    }


def _languages(record: Record) -> list[str]:
    found = sorted({row["language"] for row in record.rows.values()})
    return found if len(found) > 1 else []


def units_in(record: Record, dimension: str, language: str) -> list[Unit]:
    """Units of the rows in one language."""
    kept = {row for row, about in record.rows.items() if about["language"] == language}
    part = Record(record.folder, record.info, record.rows, [], [line for line in record.verdicts if line.row in kept])
    return units_of(part, dimension)


def agreement(units: Sequence[Unit]) -> dict[str, Any]:
    """Krippendorff's α, for two raters Cohen's κ too, and the plain share of agreement."""
    two = {"kappa": cohen_kappa(units)} if units and len(units[0].labels) == 2 else {}
    return {"alpha": krippendorff_alpha(units), **two, "raw": raw_agreement(units)}


def solved(record: Record, labels: Labels) -> list[str]:
    """Ids of rows whose answers pass all four dimensions in most of their runs."""
    rows: dict[str, list[float]] = defaultdict(list)
    for cell in cells(record, labels, "all four"):
        if cell.value is not None:
            rows[cell.row].append(cell.value)
    return sorted(row for row, values in rows.items() if sum(values) * 2 > len(values))


def summary(record: Record, bys: Iterable[By] = ("country",)) -> dict[str, Any]:
    """Everything about one run, ready for JSON but for its estimates.

    Raises:
        UserError: two snapshots in one run.
    """
    refuse_mixed(record)
    labels = labels_of(record)
    held = {figure: cells(record, labels, figure) for figure in figures_of(record)}
    return {
        "name": record.name,
        "kind": "cross-eval",
        "settings": record.info["settings"],
        "started": record.info.get("started"),
        "returned": returned(record),
        "beside_the_paper": beside_the_paper(record),
        "warnings": warnings(record),
        "figures": {
            figure: {"micro": estimate(parts), "macro over countries": estimate(parts, macro=True)}
            for figure, parts in held.items()
        },
        "by": {by: grouped(record, labels, by) for by in bys},
        "spread": spread(record, labels) if record.runs > 1 else {},
        "panel": panel(record),
        "failures": failures(record),
        "answers_failed": answers_failed(record),
        "solved": solved(record, labels) if record.info["settings"]["control"] == "blind" else None,
        "cost": record.info.get("cost"),
    }


def beside_the_paper(record: Record) -> bool:
    """May the figures be set beside the paper's: only where they stand on the authors' own rows, as they ask them."""
    settings = record.info["settings"]
    return str(settings["dataset"]["config"]).startswith("original") and settings["control"] is None


def answers_failed(record: Record) -> dict[str, int]:
    """How many answers are missing, by reason."""
    return dict(sorted(Counter(a.answer.failure for a in record.answers if isinstance(a.answer, Failed)).items()))


def jsonable(value: Any) -> Any:
    """The same with every estimate as its fields."""
    match value:
        case Estimate():
            return value.as_json()
        case Mapping():
            return {key: jsonable(part) for key, part in value.items()}
        case list() | tuple():
            return [jsonable(part) for part in value]
        case float():
            return round(value, 6)
        case _:
            return value
