"""A run from its start to its record: journal, budget, progress, and what is told at the end."""

import platform
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from .. import __version__
from ..console import Output
from ..inference import Journal
from ..inference import run as run_loop
from ..inference.cost import Estimate, estimate
from ..inference.options import InferenceOptions
from . import cvqa, record
from .rows import Selection
from .run import Outcome, Plan, evaluate

JOURNAL = "journal.sqlite"
SAMPLE_PAIRS = 16
_PACKAGES = ("openai", "aiohttp", "datasets", "numpy", "pyarrow")


def conduct(
    plan: Plan | cvqa.Plan, out: Path, reference: str, output: Output, options: InferenceOptions, *, replace_run: bool
) -> dict[str, Any]:
    """Carry a plan out and write its record; killed at any moment, the same call goes on where it stood.

    Returns:
        ``run.json`` as written.

    Raises:
        UserError: the folder holds another run; the run has to stop (key, model, budget, dead endpoint).
    """
    settings = plan.settings()
    started = record.begin(out, settings, _now(), replace=replace_run)
    outcome, cost, _ = _worked(plan, out, output, options)
    info = {
        "settings": settings,
        "started": started,
        "finished": _now(),
        "dataset_reference": reference,
        "made_with": _made_with(),
        "counts": {"answers": len(outcome.answers), "verdicts": len(outcome.verdicts)},
        "cost": cost,
    }
    record.finish(out, info, plan.selection.about, outcome.answers, outcome.verdicts)
    return info


def sampled_cost(plan: Plan | cvqa.Plan, out: Path, output: Output, options: InferenceOptions) -> Estimate:
    """What a plan will cost, from a sample of its pairs that is asked now and kept in the run's journal."""
    pairs = list(dict.fromkeys(row["pair_id"] for row in plan.selection.about))
    chosen = set(pairs[:: max(1, len(pairs) // SAMPLE_PAIRS)][:SAMPLE_PAIRS])
    rows = [row for row in plan.selection.about if row["pair_id"] in chosen]
    part = replace(plan, selection=Selection(rows, 0, plan.selection.splits))
    costs = _worked(part, out, output, replace(options, batch=False, retry_failed=False)).row_costs
    return estimate(costs, len(plan.selection.about) * plan.runs)


class _Worked(NamedTuple):
    """What came of the work: lines, totals of tokens and money, and what each answer with its verdicts cost."""

    outcome: Outcome
    cost: dict[str, Any]
    row_costs: list[float | None]


def _worked(plan: Plan | cvqa.Plan, out: Path, output: Output, options: InferenceOptions) -> _Worked:
    journal = Journal(options.journal or out / JOURNAL)
    try:
        job = options.job(journal)
        job.notice = output.say
        with _bar(output, len(plan.selection.about) * plan.runs, job.row_costs) as told:
            if options.max_usd is not None and isinstance(plan, Plan):
                # A limit that can't be held for a judge is told before the first answer is paid for.
                for judge in plan.judges:
                    job.ledger.require_price(judge.model)

            async def whole() -> Outcome:
                async with job:
                    if isinstance(plan, cvqa.Plan):
                        return await cvqa.evaluate(plan, job, told)
                    return await evaluate(plan, job, told)

            outcome = run_loop(whole())
        output.say(job.ledger.text())
        return _Worked(outcome, job.ledger.summary(), list(job.row_costs))
    finally:
        journal.close()


@contextmanager
def _bar(output: Output, total: int, costs: Collection[float | None]) -> Iterator[Callable[[int], None]]:
    """A bar of judged answers with rate, time left and cost where it is known; only for people at a terminal."""
    off = True if output.mode != "human" else None
    with tqdm(total=total, desc="answers judged", unit="answer", disable=off, leave=False) as bar:

        def told(verdicts: int) -> None:
            bar.update()
            if bar.n % 16 == 0 and None not in costs:
                bar.set_postfix_str(f"${sum(cost or 0.0 for cost in costs):.2f}", refresh=False)

        yield told


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _made_with() -> dict[str, str]:
    return {"cross-safety": __version__, "python": platform.python_version()} | {
        name: version(name) for name in _PACKAGES
    }
