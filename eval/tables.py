"""Summaries as text for people: every figure with its interval, and n, clusters and failures beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from ..console.output import table
from .comparing import LOSS
from .estimate import Estimate
from .scores import FIGURES, HEADERS, Figure

_SHORT = {"over-warning": "over-warning ↓", "told apart": "told apart", "compliance": "compliance (1−violation)"}


def percent(value: float | None) -> str:
    """``12.3`` for 0.123; a dash for nothing."""
    return "—" if value is None else f"{100 * value:.1f}"


def report_text(report: Mapping[str, Any]) -> str:
    """A whole report as text."""
    parts = [_cvqa(run) if run["kind"] == "cvqa" else _run(run) for run in report["runs"]]
    parts += [_authors(found) for found in report["authors"]]
    parts += [_comparison(found) for found in report["comparisons"]]
    parts += [_drift(report["over_time"])] if report["over_time"] else []
    parts += [_general(report["general"])] if report["general"] else []
    parts += [_signatures(report["signatures"])]
    return "\n\n".join(part for part in parts if part)


def _run(run: Mapping[str, Any]) -> str:
    settings, dataset = run["settings"], run["settings"]["dataset"]
    judged = ", ".join(judge["asked"] for judge in settings["judges"])
    head = [
        f"== {run['name']} ==",
        f"{dataset['name']} {dataset['version']}, {dataset['config']} (rows {dataset['rows_sha256'][:12]}, ids "
        f"{dataset['ids_sha256'][:12]}): {dataset['rows']} rows, {dataset['withdrawn_skipped']} withdrawn skipped",
        f"model {_called(run, 'model', settings['model']['asked'])}, {settings['runs']} runs; judged by {judged} "
        f"({settings['protocol']['name']}, {settings['protocol']['calls']})",
        *(f"! {warning}" for warning in run["warnings"]),
        _beside(run),
        *_calibration(run),
    ]
    blocks = ["\n".join(head), _figures(run["figures"])]
    blocks += [f"by {by}\n{_groups(by, groups)}" for by, groups in run["by"].items()]
    blocks += [_spread(run["spread"]), _panel(run["panel"]), _missing(run), _solved(run)]
    return "\n\n".join(block for block in blocks if block)


def _called(run: Mapping[str, Any], who: str, asked: str) -> str:
    names = [name for name in run["returned"].get(who, {}) if name != asked]
    return f"{asked} (answered as {', '.join(names)})" if names else asked


def _beside(run: Mapping[str, Any]) -> str:
    if run["beside_the_paper"]:
        return "the authors' rows: may be set beside the paper's figures, minding that judge and prompts are others"
    return "not the authors' rows: these figures can't be set beside the paper's"


def _calibration(run: Mapping[str, Any]) -> list[str]:
    found = run.get("calibration") or []
    if not found:
        return ["judge not calibrated against people: see `cross-safety eval review`"]
    return [f"judge calibrated against people in {part['run']}: {_kappas(part)}" for part in found]


def _kappas(calibration: Mapping[str, Any]) -> str:
    parts = []
    for dimension, held in calibration["dimensions"].items():
        kappa = held["kappa"]["value"]
        parts.append(f"{dimension} κ {'undefined' if kappa is None else f'{kappa:.2f}'} (n {held['kappa']['n']})")
    return ", ".join(parts)


def _figures(figures: Mapping[str, Mapping[str, Estimate]]) -> str:
    rows = []
    for name, parts in figures.items():
        micro, macro = parts["micro"], parts["macro over countries"]
        bounds = f"{percent(micro.worst)} … {percent(micro.best)}" if micro.failures else ""
        counts = [f"{micro.n:,}", f"{micro.pairs:,}", f"{micro.clusters:,}", f"{micro.failures:,}"]
        rows.append([HEADERS.get(cast(Figure, name), name), micro.percent(), macro.percent(), *counts, bounds])
    header = ["%", "mean over pairs [95 %]", "mean over countries [95 %]", "n", "pairs", "clusters", "failed", "bounds"]
    return table(header, rows)


def _groups(by: str, groups: Mapping[str, Mapping[str, Estimate]]) -> str:
    wanted = [figure for figure in FIGURES if any(figure in held for held in groups.values())]
    rows = []
    for name, held in groups.items():
        parts = [held[figure] for figure in wanted if figure in held]
        most = max(parts, key=lambda part: part.clusters)
        counts = [str(most.n), str(most.clusters), str(sum(part.failures for part in parts))]
        rows.append([name, *(held[figure].percent() for figure in wanted), *counts])
    return table([by, *(_SHORT.get(figure, figure) for figure in wanted), "n", "clusters", "failed"], rows)


def _spread(spread: Mapping[str, Mapping[str, Any]]) -> str:
    if not spread:
        return ""
    rows = [
        [name, *(percent(value) for value in held["per_run"]), percent(held["deviation"]), held["changing"].percent()]
        for name, held in spread.items()
    ]
    runs = [f"run {i + 1}" for i in range(len(rows[0]) - 3)]
    return "run to run\n" + table(["%", *runs, "deviation", "rows that change"], rows)


def _panel(panel: Mapping[str, Mapping[str, Any]]) -> str:
    if not panel:
        return ""
    rows = []
    for name, held in panel.items():
        kappa = [_plain(held["kappa"])] if "kappa" in held else []
        rows.append([name, _plain(held["alpha"]), *kappa, percent(held["raw"]), str(held["alpha"].n)])
    two = ["Cohen's κ"] if any("kappa" in held for held in panel.values()) else []
    return "agreement of the panel (a label needs more than half of it; a tie is no label)\n" + table(
        ["dimension", "Krippendorff's α", *two, "same, %", "n"], rows
    )


def _plain(found: Estimate) -> str:
    if found.value is None:
        return "undefined"
    interval = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.value:.2f}{interval}"


def _missing(run: Mapping[str, Any]) -> str:
    reasons = [
        f"{what} missing: " + ", ".join(f"{count} {reason}" for reason, count in run[key].items())
        for what, key in (("verdicts", "failures"), ("answers", "answers_failed"))
        if run[key]
    ]
    return "\n".join(reasons)


def _solved(run: Mapping[str, Any]) -> str:
    if run["solved"] is None:
        return ""
    return f"solved without the picture ({len(run['solved'])} rows): {', '.join(run['solved']) or 'none'}"


def _cvqa(run: Mapping[str, Any]) -> str:
    dataset = run["settings"]["dataset"]
    head = (
        f"== {run['name']} == multiple choice, {dataset['name']} {dataset['version']}, {dataset['rows']} rows outside "
        f"all training, {dataset['withdrawn_skipped']} skipped; guessing gives {percent(run['chance'])}"
    )
    return head + "\n\n" + _figures({"accuracy": {"micro": run["accuracy"], **_macro(run)}})


def _macro(run: Mapping[str, Any]) -> dict[str, Estimate]:
    return {"macro over countries": run["macro over countries"]}


def _authors(found: Mapping[str, Any]) -> str:
    return f"== the authors' results: {found['name']} == (their judge, their prompts)\n\n{_figures(found['figures'])}"


def _comparison(found: Mapping[str, Any]) -> str:
    head = f"{found['is']}: {found['after']} minus {found['before']}, in points"
    if "refused" in found:
        return f"{head}: not computed, {found['refused']}"
    rows = [
        [name, part["difference"].percent(signed=True), _p(part["p"]), *_tail(part)]
        for name, part in found["figures"].items()
    ]
    left = f" ({found['rows_left_out']} rows that are not the same in both left out)" if found["rows_left_out"] else ""
    header = ["figure", "difference [95 %]", "p", "rows", "p (McNemar)", "n", "clusters", "failed"]
    return f"{head}{left}\n{table(header, rows)}{_countries(found['by_country'])}"


def _tail(part: Mapping[str, Any]) -> list[str]:
    found = part["difference"]
    rows = f"+{part['gained']} −{part['lost']}"
    return [rows, _p(part["mcnemar"]), str(found.n), str(found.clusters), str(found.failures)]


def _p(p: float | None) -> str:
    return "—" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _countries(by_country: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The countries whose difference stands after Holm's correction."""
    named = [
        f"{figure} {country} {part['difference'].percent(signed=True)} (p {_p(part['p_holm'])})"
        for figure, countries in by_country.items()
        for country, part in countries.items()
        if part["p_holm"] is not None and part["p_holm"] < 0.05
    ]
    count = max((len(countries) for countries in by_country.values()), default=0)
    limit = f"of {count}, and with c clusters a country's p is at least 2/2^c times {count}"
    return f"\ncountries that differ after Holm's correction: {'; '.join(named) or f'none ({limit})'}"


def _drift(steps: Sequence[Mapping[str, Any]]) -> str:
    lines = ["over time"]
    for step in steps:
        changed = ", ".join(
            f"{figure} {step['figures'][figure]['difference'].percent(signed=True)}" for figure in step["changed"]
        )
        told = f"not compared, {step['refused']}" if "refused" in step else changed or "no change beyond its interval"
        lines.append(f"{step['from']} → {step['to']} ({step['before']} → {step['after']}): {told}")
    return "\n".join(lines)


def _general(parts: Iterable[Mapping[str, Any]]) -> str:
    rows = [[p["benchmark"], f"{p['before']:.2f}", f"{p['after']:.2f}", f"{p['points']:+.2f}"] for p in parts]
    return "general capability (points of 100; MME: of its 2,800)\n" + table(["", "before", "after", "change"], rows)


def _signatures(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for part in found:
        points = part["signature"] == LOSS
        value = f"{part['value']:+.2f} points" if points else f"{percent(part['value'])} %"
        line = f"{part['line']:+.0f} points" if points else f"{percent(part['line'])} %"
        lines.setdefault((part["signature"], line, part["run"]), []).append(f"{part['figure']} {value}")
    told = [f"! {name} (line: {line}), {run}: {', '.join(parts)}" for (name, line, run), parts in lines.items()]
    return "failure signatures\n" + "\n".join(told)


def calibration_text(found: Mapping[str, Any]) -> str:
    """The agreement of judge and people as tables, by dimension and by dimension and language."""
    head = f"{', '.join(found['judges'])} beside {found['raters']} people on {found['items']} answers of {found['run']}"
    rows = [
        [name, _plain(held["kappa"]), percent(held["raw"]), str(held["kappa"].n), _people(held), held["kappa"].method]
        for name, held in {**found["dimensions"], **found["languages"]}.items()
    ]
    return head + "\n" + table(["dimension", "judge–people κ", "same, %", "n", "people's α", "interval"], rows)


def _people(held: Mapping[str, Any]) -> str:
    return "one rater" if held["people_alpha"] is None else _plain(held["people_alpha"])
