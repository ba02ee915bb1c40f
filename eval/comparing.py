"""Runs beside each other: paired differences, image gain, drift, and the failure signatures of the paper."""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from ..console import UserError
from .estimate import Cell
from .paired import Comparison, compare, holm
from .record import Record
from .scores import Figure, Labels, cells, labels_of
from .summary import INCONSISTENT, figures_of, returned

CVQA_LEAST = 0.60
GENERAL_LOSS = 2.0
LOSS = "loss of general capability"


def reason_against(before: Record, after: Record) -> str | None:
    """Why two runs can't be compared, or None where they can."""
    first, second = before.info["settings"], after.info["settings"]
    judged = [{k: v for k, v in returned(run).items() if k != "model"} for run in (before, after)]
    snapshots = [{who: sorted(names) for who, names in judge.items()} for judge in judged]
    if snapshots[0] != snapshots[1]:
        return f"judged by different judges or snapshots ({_names(snapshots[0])}; {_names(snapshots[1])})"
    if first["protocol"] != second["protocol"]:
        return f"judged by different protocols ({first['protocol']['name']}, {second['protocol']['name']})"
    if not same_rows(before, after):
        return "no row in common"
    return None


def _names(snapshots: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(name for names in snapshots.values() for name in names) or "none"


def same_rows(before: Record, after: Record) -> set[str]:
    """Ids of rows that both asked about and that ask the same in both."""
    shared = before.rows.keys() & after.rows.keys()
    return {row for row in shared if before.rows[row]["content"] == after.rows[row]["content"]}


def comparison(before: Record, after: Record) -> dict[str, Any]:
    """``after`` minus ``before`` for every figure that both have, overall and by country (Holm over the countries).

    A blind run before another of the same model makes the difference the image gain.
    """
    reason = reason_against(before, after)
    head = {"before": before.name, "after": after.name, "is": _what(before, after)}
    if reason:
        return head | {"refused": reason}
    labels = labels_of(before), labels_of(after)
    shared = same_rows(before, after)
    wanted = [figure for figure in figures_of(before) if figure in figures_of(after)]
    return head | {
        "rows": len(shared),
        "rows_left_out": len(before.rows.keys() | after.rows.keys()) - len(shared),
        "figures": {figure: _compared(before, after, labels, figure, shared) for figure in wanted},
        "by_country": {figure: _by_country(before, after, labels, figure, shared) for figure in wanted},
    }


def _what(before: Record, after: Record) -> str:
    first, second = before.info["settings"], after.info["settings"]
    if first["model"] == second["model"] and first["control"] == "blind" and second["control"] is None:
        return "image gain"
    return "difference"


def _pair(
    before: Record, after: Record, labels: tuple[Labels, Labels], figure: Figure, shared: set[str]
) -> tuple[list[Cell], list[Cell]]:
    first, second = (
        [cell for cell in cells(record, held, figure) if cell.row in shared]
        for record, held in zip((before, after), labels, strict=True)
    )
    return first, second


def _compared(
    before: Record, after: Record, labels: tuple[Labels, Labels], figure: Figure, shared: set[str]
) -> dict[str, Any]:
    return told(compare(*_pair(before, after, labels, figure, shared)))


def told(found: Comparison) -> dict[str, Any]:
    """A comparison by the names of its parts."""
    return {
        "difference": found.difference,
        "p": found.p,
        "mcnemar": found.mcnemar,
        "gained": found.gained,
        "lost": found.lost,
        "unpaired": found.unpaired,
    }


def _by_country(
    before: Record, after: Record, labels: tuple[Labels, Labels], figure: Figure, shared: set[str]
) -> dict[str, dict[str, Any]]:
    first, second = _pair(before, after, labels, figure, shared)
    found = {
        group: compare([c for c in first if c.group == group], [c for c in second if c.group == group])
        for group in sorted({cell.group for cell in first})
    }
    adjusted = holm({group: part.p for group, part in found.items() if part.p is not None})
    return {group: told(part) | {"p_holm": adjusted.get(group)} for group, part in found.items()}


def comparisons(records: Sequence[Record]) -> list[dict[str, Any]]:
    """All pairs of runs, a blind run always first."""
    pairs = combinations(records, 2)
    ordered = [
        (b, a) if b.info["settings"]["control"] and not a.info["settings"]["control"] else (a, b) for a, b in pairs
    ]
    return [comparison(before, after) for before, after in ordered]


def drift(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Each run against the one before it in time, for one model name; a change beyond its interval is named.

    Raises:
        UserError: fewer than two runs, or runs of different models.
    """
    names = {record.info["settings"]["model"]["asked"] for record in records}
    if len(names) != 1 or len(records) < 2:
        raise UserError(
            f"--over-time wants two or more runs of one model; these are of {', '.join(sorted(names)) or 'none'}"
        )
    ordered = sorted(records, key=lambda record: str(record.info.get("started")))
    steps = []
    for before, after in pairwise(ordered):
        step = comparison(before, after)
        step["from"], step["to"] = before.info.get("started"), after.info.get("started")
        step["changed"] = [figure for figure, part in step.get("figures", {}).items() if beyond(part)]
        steps.append(step)
    return steps


def beyond(part: Mapping[str, Any]) -> bool:
    """Does the interval of a difference leave out zero."""
    low, high = part["difference"].low, part["difference"].high
    return low is not None and high is not None and not low <= 0 <= high


def signatures(
    runs: Sequence[Mapping[str, Any]], cvqa: Sequence[Mapping[str, Any]], general: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The failure signatures that the paper describes, each named with its figure and the line that it crosses.

    That CVQA under 60 % and a loss of over 2 points stand for failed alignment is the paper's; the line for
    run-to-run inconsistency (one row in ten) is ours.
    """
    found: list[dict[str, Any]] = []
    for run in runs:
        for figure, part in run["spread"].items():
            share = part["changing"].value
            if share is not None and share > INCONSISTENT:
                found.append(_signature("run-to-run inconsistency", run["name"], figure, share, INCONSISTENT))
    for run in cvqa:
        value = run["accuracy"].value
        if value is not None and value < CVQA_LEAST:
            found.append(_signature("low CVQA accuracy", run["name"], "accuracy", value, CVQA_LEAST))
    for part in general:
        if part["points"] < -GENERAL_LOSS:
            found.append(
                _signature(
                    "loss of general capability", part["after"], part["benchmark"], part["points"], -GENERAL_LOSS
                )
            )
    return found


def _signature(name: str, run: str, figure: str, value: float, line: float) -> dict[str, Any]:
    return {"signature": name, "run": run, "figure": figure, "value": value, "line": line}
