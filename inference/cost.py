"""Tokens and money: counted by stage and model, and kept under a limit.

What was spent is read from the journal, so totals are right after any number of interruptions; an answer that is served
from the journal costs nothing. A limit holds over all calls in the journal, this run's and earlier ones'.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from statistics import NormalDist, fmean, stdev
from typing import Any

from ..console.errors import UserError
from ..console.output import table
from .journal import Journal
from .prices import EXAMPLE, Price, Prices, read_prices
from .request import Request
from .result import Usage

# First guesses of what a call takes, all on the high side; raised as soon as a call takes more.
_BYTES_A_TOKEN = 3
_TOKENS_A_PICTURE = 1600
_TOKENS_AROUND = 64
_COMPLETION = 4096


@dataclass
class Line:
    """What one stage took of one model.

    Attributes:
        calls: calls that came to an end.
        failures: how many of them failed, by reason.
        retries: tries beyond the first.
        prompt, completion, cached: tokens.
        usd: their cost, None where the model has no price.
        uncounted: calls whose tokens no one told (a deadline, a lost connection, a server that counts none).
        seconds: time of all calls together, waits for a slot left out.
    """

    calls: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    usd: float | None = 0.0
    uncounted: int = 0
    seconds: float = 0.0


@dataclass
class _Guess:
    """What the next call of a model may take, from the calls seen."""

    scale: float = 1.0
    completion: int = 0

    def of(self, request: Request) -> Usage:
        longest = request.sampling.max_tokens or (round(self.completion * 1.25) if self.completion else _COMPLETION)
        return Usage(round(_units(request) * self.scale), longest)

    def learn(self, request: Request, usage: Usage) -> None:
        self.scale = max(self.scale, usage.prompt / _units(request))
        self.completion = max(self.completion, usage.completion)


def _units(request: Request) -> float:
    text = sum(len(part.encode()) for part in request.texts) / _BYTES_A_TOKEN
    return text + _TOKENS_A_PICTURE * len(request.pictures) + _TOKENS_AROUND


class Purse:
    """Money set aside for one call; what the call took is told to it, else it goes back."""

    def __init__(self, aside: float) -> None:
        self.aside = aside
        self.spent = 0.0

    def take_all(self) -> None:
        """The call may have been paid for and nobody says how much: all that was set aside counts as spent."""
        self.spent = self.aside


class Ledger:
    """Counts what calls take and holds them under ``max_usd``.

    Raises:
        UserError: ``max_usd`` has been reached already by what the journal holds.
    """

    def __init__(self, journal: Journal, prices: Prices | None = None, max_usd: float | None = None) -> None:
        self.prices = prices or read_prices()
        self.max_usd = max_usd
        self.replayed: Counter[tuple[str, str]] = Counter()
        self._journal = journal
        self._guesses: defaultdict[str, _Guess] = defaultdict(_Guess)
        self._spent = sum(line.usd or 0.0 for line in self.lines().values()) if max_usd is not None else 0.0
        self._aside = 0.0
        self._changed = asyncio.Event()
        if max_usd is not None and self._spent >= max_usd:
            raise self._reached()

    def require_price(self, model: str) -> Price:
        """The price of a model.

        Raises:
            UserError: it has none, so a limit could not be held.
        """
        price = self.prices.of(model)
        if price is None:
            raise UserError(
                f"--max-usd is set, and {model} has no price (prices as of {self.prices.as_of})",
                f"--prices FILE with {EXAMPLE}, zeros for a server of your own; or leave --max-usd out",
            )
        return price

    @contextmanager
    def _hold(self, aside: float) -> Iterator[Purse]:
        purse = Purse(aside)
        self._aside += aside
        try:
            yield purse
        finally:
            self._aside -= aside
            self._spent += purse.spent
            self._changed.set()

    async def set_aside(self, request: Request, batch: bool = False) -> AbstractContextManager[Purse]:
        """Set money aside for a call, as a context; waits while calls under way might leave enough.

        Raises:
            UserError: this call would pass ``max_usd``, or its model has no price.
        """
        if self.max_usd is None:
            return self._hold(0.0)
        price = self.require_price(request.model)
        while True:
            needed = price.cost(self._guesses[request.model].of(request), batch)
            if self._spent + needed > self.max_usd:
                raise self._reached()
            if self._spent + self._aside + needed <= self.max_usd:
                return self._hold(needed)
            self._changed.clear()
            await self._changed.wait()

    def commit(self, request: Request) -> float:
        """Set money aside for a request of a batch, until ``release``; gives how much.

        Raises:
            UserError: this would pass ``max_usd``, or the model has no price.
        """
        if self.max_usd is None:
            return 0.0
        needed = self.require_price(request.model).cost(self._guesses[request.model].of(request), batch=True)
        if self._spent + self._aside + needed > self.max_usd:
            raise self._reached()
        self._aside += needed
        return needed

    def release(self, usd: float) -> None:
        """Give back what was set aside for a batch (or, below 0, set aside what an earlier process had)."""
        self._aside -= usd

    def settle(self, usage: Usage | None, *models: str | None) -> None:
        """Tell what a request of a batch took."""
        if self.max_usd is not None:
            self._spent += self.cost(usage, *models, batch=True) or 0.0

    def _reached(self) -> UserError:
        return UserError(
            f"--max-usd {self.max_usd:g} is reached: ${self._spent:.4f} spent and ${self._aside:.4f} set aside, "
            "counting all calls in "
            f"{self._journal.path.name}, and the next call might pass it",
            "the same command with a higher --max-usd goes on from here",
        )

    def note(self, request: Request, usage: Usage | None, model: str | None, purse: Purse) -> None:
        """Tell what a call took."""
        if usage is None:
            purse.take_all()
            return
        self._guesses[request.model].learn(request, usage)
        if self.max_usd is not None:
            purse.spent += self.cost(usage, model, request.model) or 0.0

    def cost(self, usage: Usage | None, *models: str | None, batch: bool = False) -> float | None:
        """USD for tokens at the first price found; None where there is none."""
        price = self.prices.of(*models)
        return price.cost(usage, batch) if price and usage else None

    def lines(self) -> dict[tuple[str, str], Line]:
        """All that the journal holds, by stage and model asked for."""
        lines: dict[tuple[str, str], Line] = {}
        for row in self._journal.sums():
            line = lines.setdefault((row["stage"], row["asked_model"]), Line())
            self._add(line, row)
        return lines

    def _add(self, line: Line, row: Any) -> None:
        line.calls += row["calls"]
        line.retries += int(row["retries"])
        line.uncounted += row["uncounted"]
        line.seconds += row["seconds"]
        line.prompt += row["prompt"]
        line.completion += row["completion"]
        line.cached += row["cached"]
        if row["outcome"] not in ("answer", "again"):
            line.failures[row["outcome"]] = line.failures.get(row["outcome"], 0) + row["calls"]
        usage = Usage(row["prompt"], row["completion"], row["cached"])
        cost = self.cost(usage, row["model"], row["asked_model"], batch=bool(row["batch"]))
        line.usd = None if cost is None or line.usd is None else line.usd + cost

    def summary(self) -> dict[str, Any]:
        """The totals as data, for manifests and ``--output json``."""
        lines = [
            {"stage": stage, "model": model, **asdict(line), "replayed": self.replayed[stage, model]}
            for (stage, model), line in sorted(self.lines().items())
        ]
        known = [line["usd"] for line in lines if line["usd"] is not None]
        usd = round(sum(known), 6) if len(known) == len(lines) else None
        return {"prices_as_of": self.prices.as_of, "usd": usd, "lines": lines}

    def text(self) -> str:
        """The totals as a table for people."""
        head = ["stage", "model", "calls", "from journal", "failed", "retries", "tokens in", "tokens out", "USD"]
        rows = [
            [stage, model, f"{line.calls:,}", f"{self.replayed[stage, model]:,}", f"{sum(line.failures.values()):,}",
             f"{line.retries:,}", f"{line.prompt:,}", f"{line.completion:,}",
             f"{line.usd:.4f}" if line.usd is not None else "no price"]
            for (stage, model), line in sorted(self.lines().items())
        ]  # fmt: skip
        return table(head, rows) if rows else "no calls"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all rows would take, from a sample of them.

    Attributes:
        sampled, rows: rows that were asked, rows in all.
        usd: the sum for all rows; None where a model has no price.
        low, high: 95 % interval of it (normal, for the rows that were not sampled); None under 3 rows or without price.
    """

    sampled: int
    rows: int
    usd: float | None
    low: float | None
    high: float | None


def estimate(costs: Collection[float | None], rows: int) -> Estimate:
    """What ``rows`` rows cost, where a sample of them cost ``costs`` (USD each, None without a price)."""
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return Estimate(len(costs), rows, None, None, None)
    total = fmean(known) * rows
    if len(known) < 3:
        return Estimate(len(known), rows, total, None, None)
    rest = max(0, rows - len(known))
    # Spread of the mean of the sample and of the rows that are still to come.
    half = NormalDist().inv_cdf(0.975) * stdev(known) * (rest**2 / len(known) + rest) ** 0.5
    return Estimate(len(known), rows, total, max(sum(known), total - half), total + half)
