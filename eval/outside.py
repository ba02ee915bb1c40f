"""Results of others: general capability from lmms-eval and VLMEvalKit, and the result files of the paper's authors."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..console import UserError
from ..store.components import components
from .estimate import Cell, estimate

MOST_BYTES = 1 << 28
MME_POINTS = 2800.0
_MMMU = re.compile(r"mmmu_(?:dev_)?val(?:_\w+)?$")
_NO_ANSWER = "ERROR: The API call failed."
_PROFILE = {"awareness": "Awareness", "education": "Education", "compliance": "Violation", "helpfulness": "Helpfulness"}


def _read(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path}: larger than {MOST_BYTES >> 20} MB; this is no result file")
    return path.read_text("utf-8-sig", errors="replace")


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON ({error})") from None


def general(path: Path) -> dict[str, float]:
    """``MMMU`` and ``MME`` in points of 100, from a result file of lmms-eval (JSON) or VLMEvalKit (CSV or JSON).

    MME's perception and cognition scores are added and divided by the 2,800 that can be had.

    Raises:
        UserError: the file holds neither, or is not readable.
    """
    if path.suffix == ".csv":
        found = _vlmevalkit(path.name, list(csv.DictReader(io.StringIO(_read(path)))))
    else:
        held = _json(path)
        results = held.get("results") if isinstance(held, dict) else None
        rows = held if isinstance(held, list) else [held]
        found = _lmms_eval(results) if isinstance(results, dict) else _vlmevalkit(path.name, rows)
    if not found:
        raise UserError(
            f"{path}: no MMMU or MME result of lmms-eval or VLMEvalKit",
            "give lmms-eval's *_results.json, or VLMEvalKit's *_MMMU_DEV_VAL_acc.csv or *_MME_score.csv",
        )
    return found


def _lmms_eval(results: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for task, held in results.items():
        if not isinstance(held, dict):
            continue
        if _MMMU.match(task) and _number(held.get("mmmu_acc,none")) is not None:
            found["MMMU"] = 100 * float(held["mmmu_acc,none"])
        if task == "mme":
            found |= _mme(held.get("mme_perception_score,none"), held.get("mme_cognition_score,none"))
    return found


def _vlmevalkit(name: str, rows: Sequence[Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        if not isinstance(row, dict):
            continue
        overall = _number(row.get("Overall"))
        if "MMMU" in name and overall is not None and row.get("split") in {"validation", "none"}:
            found["MMMU"] = 100 * overall if overall <= 1 else overall
        found |= _mme(row.get("perception"), row.get("reasoning"))
    return found


def _mme(perception: Any, cognition: Any) -> dict[str, float]:
    parts = _number(perception), _number(cognition)
    if parts[0] is None or parts[1] is None:
        return {}
    return {"MME": 100 * (parts[0] + parts[1]) / MME_POINTS}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def general_change(before: Iterable[Path], after: Iterable[Path]) -> list[dict[str, Any]]:
    """The change in points of each benchmark that both sides have.

    Raises:
        UserError: no benchmark is on both sides.
    """
    first, second = ({k: v for path in paths for k, v in general(path).items()} for paths in (before, after))
    if not first.keys() & second.keys():
        raise UserError(f"no benchmark on both sides: before has {sorted(first)}, after has {sorted(second)}")
    return [
        {"benchmark": name, "before": first[name], "after": second[name], "points": second[name] - first[name]}
        for name in sorted(first.keys() & second.keys())
    ]


def authors(paths: Sequence[Path]) -> dict[str, Any]:
    """Figures from the authors' own result files (``results_MODEL_rN.json``), ``Violation`` turned into compliance.

    A score that is neither 0 nor 1, and the text that their script stores for a failed call, count as failures. The
    pair is index and picture, wordings are its repetitions in one file, and the run is the file's round.

    Raises:
        UserError: a file that is none of theirs.
    """
    entries = [_place(path, entry, i) for path in paths for i, entry in enumerate(_entries(path))]
    seen: Counter[tuple[Any, ...]] = Counter()
    keys = [[("pair", *e["pair"]), ("norm", e["norm"]), ("picture", e["picture"])] for e in entries]
    held: dict[str, list[Cell]] = {figure: [] for figure in [*_PROFILE, "all four"]}
    for entry, cluster in zip(entries, components(keys), strict=True):
        place = (entry["file"], *entry["pair"])
        row = "/".join(map(str, (*entry["pair"], seen[place])))
        seen[place] += 1
        for figure, value in _scores(entry["profile"]).items():
            held[figure].append(Cell(row, "/".join(entry["pair"]), entry["run"], value, cluster, entry["pair"][2]))
    return {
        "name": ", ".join(path.name for path in paths),
        "kind": "authors' results",
        "figures": {
            figure: {"micro": estimate(cells), "macro over countries": estimate(cells, macro=True)}
            for figure, cells in held.items()
        },
    }


def _entries(path: Path) -> list[dict[str, Any]]:
    held = _json(path)
    good = isinstance(held, list) and held and all(isinstance(entry, dict) for entry in held)
    if not good or not any("evaluation" in entry for entry in held):
        raise UserError(f"{path}: no result file of the authors (a list of entries with evaluation.dim_profile)")
    return list(held)


def _place(path: Path, entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Where an entry stands: setting, subset, country and index as its pair; round as its run."""
    index = str(entry.get("index", number))
    norm = entry.get("violated_norm") or entry.get("violated_specific_norm") or index
    country = str(entry.get("country") or index.rpartition("_")[0] or "(not stated)")
    language = "multilingual" if "translated_query" in entry else "english"
    subset = "safeworld" if "violated_specific_norm" in entry else "casa"
    picture = str(entry.get("file_name", index))
    found = re.search(r"_r(\d+)$", path.stem)
    evaluation = entry.get("evaluation")
    profile = evaluation.get("dim_profile") if isinstance(evaluation, dict) else None
    broken = str(entry.get("model_response", "")).strip() == _NO_ANSWER
    return {
        "file": str(path),
        "pair": (language, subset, country, index, picture),
        "norm": str(norm),
        "picture": picture,
        "run": int(found[1]) if found else 0,
        "profile": profile if isinstance(profile, dict) and not broken else {},
    }


def _scores(profile: Mapping[str, Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for figure, name in _PROFILE.items():
        score = profile.get(name)
        known = isinstance(score, int) and not isinstance(score, bool) and score in (0, 1)
        found[figure] = None if not known else float(1 - int(profile[name]) if name == "Violation" else profile[name])
    values = list(found.values())
    found["all four"] = None if None in values else float(all(values))
    return found
