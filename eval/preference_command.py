"""``cross-safety eval preference``."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import Output, UserError
from ..console.errors import Exit
from ..console.options import common_options
from ..console.output import table

if TYPE_CHECKING:
    from .preference import Scores, Selection


@click.command("preference")
@click.argument("data")
@click.option("--model", "model_name", required=True, help="Folder, adapter folder or hub id of a local model.")
@click.option("--base", help="Model to compare with: the one before training.")
@click.option("--config", help="Config of the dataset.  [default: the dataset's own]")
@click.option("--split", "splits", multiple=True, help="Split to score; repeatable.  [default: validation]")
@click.option("--negative-types", default="all", show_default=True, help="Names with commas between.")
@click.option("--blank", is_flag=True, help="Control: an even grey in each picture's place.")
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True, help="Rows at a time.")
@click.option("--limit", type=click.IntRange(1), help="At most so many rows of each negative type.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON file for figures and scores.")
@common_options
def preference(
    output: Output,
    data: str,
    model_name: str,
    base: str | None,
    config: str | None,
    splits: tuple[str, ...],
    negative_types: str,
    blank: bool,
    batch_size: int,
    limit: int | None,
    out: Path | None,
) -> int:
    """Tell whether a local model finds the chosen answers of DATA, a `safety-dpo`, likelier than the rejected ones.

    No judge and no server: log-probabilities of the two answers, compared per token (raw sums stand beside), for each
    negative type and country, with 95 % intervals. It tells how a model ranks two texts, not what it would say, and on
    scripted negatives a classifier of words does well too.

    \b
    Examples:
      cross-safety eval preference safety-dpo --model runs/dpo --base MODEL
      cross-safety eval preference safety-dpo --config overlapped --split train --split validation --model runs/dpo
      cross-safety eval preference safety-dpo --model runs/dpo --blank
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .preference import differences, figures, jsonable, select

    chosen = select(_open(data, output), config, splits or ("validation",), _types(negative_types), limit)
    _need_extra()
    scores = {
        name: _scored(name, chosen, blank, batch_size, output)
        for name in dict.fromkeys(filter(None, (base, model_name)))
    }
    of_base = scores[base] if base else None
    found: dict[str, Any] = {
        "data": {
            "reference": data,
            "version": chosen.dataset.version,
            "config": chosen.config,
            "splits": list(chosen.splits),
        },
        "model": model_name,
        "base": base,
        "control": "blank" if blank else None,
        "rows": len(chosen.about),
        "withdrawn": chosen.withdrawn,
        "figures": figures(chosen.about, scores[model_name], of_base),
    }
    if base and of_base is not None:
        found["base_figures"] = figures(chosen.about, of_base)
        found["differences"] = differences(chosen.about, of_base, scores[model_name])
    plain = jsonable(found)
    if out is not None:
        _write(out, plain, scores)
    overall = found["figures"]["normalised"]["all"]
    output.result(plain, _text(found), overall.percent())
    if overall.failures:
        output.warn(f"{overall.failures} rows have no finite log-probability; they are not scored")
    return Exit.INCOMPLETE if overall.failures else Exit.DONE


def _write(out: Path, plain: Mapping[str, Any], scores: Mapping[str, "Scores"]) -> None:
    from ..store.atomic import write_text

    rows = {name: {row: _finite(asdict(each)) for row, each in of.items()} for name, of in scores.items()}
    write_text(out, json.dumps({**plain, "scores": rows}, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no word for what is no finite number; null stands for it."""
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}


def _scored(name: str, chosen: "Selection", blank: bool, batch: int, output: Output) -> "Scores":
    from .preference import Scorer, texts

    scored = Scorer(name).score(texts(chosen, blank=blank), batch)
    return dict(output.progress(scored, f"scoring with {name}", total=len(chosen.about)))


def _types(text: str) -> tuple[str, ...]:
    return () if text == "all" else tuple(name.strip() for name in text.split(","))


def _need_extra() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("torch", "trl", "transformers", "peft") if find_spec(name) is None]
    if missing:
        raise UserError(f"scoring a local model needs {', '.join(missing)}", "pip install 'cross-safety[train]'")


def _open(data: str, output: Output) -> Any:
    from .review_commands import opened

    return opened(data, "safety-dpo", output)


def _text(found: Mapping[str, Any]) -> str:
    figures, base = found["figures"], found.get("base_figures")
    header = ["negative type", "rows", "clusters", "per token %", "raw %"]
    header += ["reward %", "base, per token %", "difference", "p (Holm)"] if base else []
    rows = []
    for name, own in figures["normalised"].items():
        row = [name, str(own.n), str(own.clusters), own.percent(), figures["raw"][name].percent()]
        if base:
            compared, p = found["differences"][name]
            row += [figures["reward"][name].percent(), base["normalised"][name].percent()]
            row += [compared.difference.percent(signed=True), f"{p:.3f}"]
        rows.append(row)
    by_country = [[name, str(each.n), each.percent()] for name, each in figures["by_country"].items()]
    told = found["data"]
    head = f"{told['reference']} {told['version']}, {told['config']}/{'+'.join(told['splits'])}: {found['model']}"
    head += " (blank pictures)" if found["control"] else ""
    parts = [head, table(header, rows), table(["country", "rows", "per token %"], by_country)]
    return "\n\n".join(parts) + "\n95 % intervals over clusters of prompts, norms and pictures; 50 is chance"
