"""A run from its start to its record: journal, budget, progress, and what is told at the end."""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from .. import __version__
from ..console import Output
from ..inference import Job, Journal
from ..inference import run as run_loop
from ..inference.cost import Estimate, Ledger, estimate
from ..inference.prices import read_prices
from . import cvqa, record
from .rows import Selection
from .run import Outcome, Plan, evaluate

JOURNAL = "journal.sqlite"
SAMPLE_PAIRS = 16
_PACKAGES = ("openai", "aiohttp", "datasets", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True)
class Spending:
    """What may be asked and spent.

    Attributes:
        max_usd: stop before the call that would pass it.
        prices: a file of prices instead of the package's own.
        asking: ``all``, or ``failed`` for ``--retry-failed``.
    """

    max_usd: float | None = None
    prices: Path | None = None
    asking: Literal["all", "failed"] = "all"


def conduct(
    plan: Plan | cvqa.Plan, out: Path, reference: str, output: Output, spending: Spending, *, replace_run: bool
) -> dict[str, Any]:
    """Carry a plan out and write its record; killed at any moment, the same call goes on where it stood.

    Returns:
        ``run.json`` as written.

    Raises:
        UserError: the folder holds another run; the run has to stop (key, model, budget, dead endpoint).
    """
    settings = plan.settings()
    started = record.begin(out, settings, _now(), replace=replace_run)
    work = cvqa.evaluate if isinstance(plan, cvqa.Plan) else evaluate
    asked = len(plan.selection.about) * plan.runs
    with _journal(out) as journal, _bar(output, asked) as told:
        ledger = Ledger(journal, read_prices(spending.prices), spending.max_usd)

        async def whole() -> Outcome:
            async with Job(journal, ledger, spending.asking) as job:
                return await work(plan, job, told)  # type: ignore[arg-type]

        outcome = run_loop(whole())
        cost = ledger.summary()
        output.say(ledger.text())
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


def sampled_cost(plan: Plan, out: Path, output: Output, spending: Spending) -> Estimate:
    """What a plan will cost, from a sample of its pairs that is asked now and kept in the run's journal."""
    pairs = list(dict.fromkeys(row["pair_id"] for row in plan.selection.about))
    chosen = set(pairs[:: max(1, len(pairs) // SAMPLE_PAIRS)][:SAMPLE_PAIRS])
    rows = [row for row in plan.selection.about if row["pair_id"] in chosen]
    part = replace(plan, selection=Selection(rows, 0, plan.selection.splits))
    out.mkdir(parents=True, exist_ok=True)
    with _journal(out) as journal, _bar(output, len(rows) * plan.runs) as told:
        ledger = Ledger(journal, read_prices(spending.prices), spending.max_usd)

        async def whole() -> list[float | None]:
            async with Job(journal, ledger) as job:
                await evaluate(part, job, told)
                return list(job.row_costs)

        costs = run_loop(whole())
    return estimate(costs, len(plan.selection.about) * plan.runs)


@contextmanager
def _journal(out: Path) -> Iterator[Journal]:
    journal = Journal(out / JOURNAL)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def _bar(output: Output, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of judged answers with rate and time left; only for people at a terminal."""
    off = True if output.mode != "human" else None
    with tqdm(total=total, desc="answers judged", unit="answer", disable=off, leave=False) as bar:

        def told(verdicts: int) -> None:
            bar.update()

        yield told


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _made_with() -> dict[str, str]:
    return {"cross-safety": __version__, "python": platform.python_version()} | {
        name: version(name) for name in _PACKAGES
    }
