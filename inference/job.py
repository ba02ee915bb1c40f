"""A job: rows worked through with chat models over one journal, a bounded number of them at a time."""

import asyncio
import gc
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from math import ceil
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from ..console.errors import UserError
from . import wire
from .batch import Batches, Deferred
from .client import Client, connect
from .cost import Ledger
from .endpoint import NO_KEY, Endpoint
from .journal import Journal
from .limits import Patience
from .request import Request
from .result import Answer, Result

_log = logging.getLogger(__name__)
# Rows that wait for a slot: half as many as there are slots keep them full (with fewer rows than slots they run in
# lockstep), and more than this many only take memory.
MOST_WAITING = 64
# Seconds that calls under way have to come in when a run stops: they may have been paid for.
DRAIN_S = 15.0

Asking = Literal["all", "failed", "nothing"]
R = TypeVar("R")
T = TypeVar("T")


@dataclass
class _Row:
    """What belongs to the row that the current task works on.

    Attributes:
        mending: a call of it had failed before and was asked again; what follows from that may be asked too.
        usd: what its calls cost when they were made, None where a model has no price.
    """

    mending: bool = False
    usd: float | None = 0.0


_row: ContextVar[_Row | None] = ContextVar("row", default=None)


class Job:
    """What belongs together: one journal, one ledger, and the endpoints that the work needs.

    Use as ``async with Job(journal) as job``; endpoints are closed at its end, the journal is the caller's.

    Args:
        journal: where answers go to and come from.
        ledger: counts and limits what is spent; one without limit if None.
        asking: ``all`` asks whatever the journal has no answer to; ``failed`` (``--retry-failed``) only what failed
            before and what follows from it; ``nothing`` serves the journal alone and makes no call.
        patience: how often and how long to try.
        batch: ask through the Batch API, see ``batch.py``.
        notice: is given words for the user, rarely; the log if None.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger | None = None,
        asking: Asking = "all",
        patience: Patience | None = None,
        batch: bool = False,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self.journal = journal
        self.ledger = ledger or Ledger(journal)
        self.asking: Asking = asking
        self.patience = patience or Patience()
        self.flights: dict[str, asyncio.Future[Result | None]] = {}
        # Enough for any sample, and bounded for a run over millions of rows.
        self.row_costs: deque[float | None] = deque(maxlen=10_000)
        self.batches = Batches(self) if batch else None
        self.notice = notice or _log.warning
        self._clients: dict[Endpoint, Client] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped: UserError | None = None
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A caller that left ``each`` early has left rows under way.
        await self._wind_up(self._tasks)
        for client in self._clients.values():
            await client.api.close()
        if self.batches is not None:
            self.batches.close()

    def connect(self, endpoint: Endpoint) -> Client:
        """A client for an endpoint; the same one for the same endpoint. No call is made yet.

        Raises:
            UserError: the endpoint wants a key and the environment has none.
        """
        if endpoint not in self._clients:
            key = endpoint.key() if self.asking != "nothing" else NO_KEY
            self._clients[endpoint] = Client(self, endpoint, connect(endpoint, key))
        return self._clients[endpoint]

    def stop(self, error: UserError) -> UserError:
        """Stop the run: calls that wait end with ``error`` at once, those under way may still come in."""
        if self._stopped is None:
            self._stopped = error
            self._stopping.set()
            for client in self._clients.values():
                client.limiter.stop(error)
        return self._stopped

    def raise_if_stopped(self) -> None:
        """Raise what the run was stopped with, if it was."""
        if self._stopped is not None:
            raise self._stopped

    async def pause(self, seconds: float) -> None:
        """Wait, outside of any slot; ends at once with the error if the run is stopped meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        self.raise_if_stopped()

    def replay(self, request: Request) -> Result | None:
        """What the journal has for a request: judged anew, since the journal may come from elsewhere.

        Raises:
            UserError: it has nothing, and this job makes no calls.
        """
        call = self.journal.answer(request.key)
        if call is None:
            if self.asking == "nothing":
                raise UserError(
                    f"{self.journal.path.name} has no answer to a request of stage {request.stage} "
                    f"({request.key[:12]}…)",
                    "the same command with an endpoint, so that it can be asked",
                )
            return None
        result = wire.judge(request, call.text or "", call.finish_reason or "", call.model or "", call.usage)
        self.ledger.replayed[request.stage, request.model] += 1
        self.count(request, result, call.batch)
        return replace(result, replayed=True) if isinstance(result, Answer) else result

    def may_ask(self, request: Request) -> bool:
        """Whether a request that the journal has no answer to may be sent."""
        if self.asking == "all":
            return True
        row = _row.get() or _Row()
        if self.journal.outcome(request.key) is not None:
            row.mending = True
        return row.mending

    def count(self, request: Request, result: Result, batch: bool = False) -> None:
        """Add what a call cost to its row."""
        row = _row.get()
        if row is not None and row.usd is not None and result.usage is not None:
            cost = self.ledger.cost(result.usage, result.model, request.model, batch=batch)
            row.usd = None if cost is None else row.usd + cost

    @property
    def rows_at_once(self) -> int:
        """How many rows ``each`` has in memory: 1.5 × the slots of each connected endpoint, at most 64 over."""
        slots = [endpoint.concurrency for endpoint in self._clients]
        return max(1, sum(each + min(ceil(each / 2), MOST_WAITING) for each in slots))

    async def each(self, rows: Iterable[R] | AsyncIterable[R], work: Callable[[R], Awaitable[T]]) -> AsyncIterator[T]:
        """``work(row)`` for every row, yielded as they end; rows are drawn when there is room for them.

        ``work`` asks as often as it needs, one call after another or several at once; calls of many rows share the
        slots. Read a row's picture inside ``work``, so that pictures of rows that wait are not in memory. Connect the
        endpoints before.

        Raises:
            UserError: the run has to stop; answers that had come in are in the journal, and the same command again
                goes on from there.
        """
        if self.batches is None:
            async for _, result in self._through(enumerated(rows), work):
                yield result
            return
        if isinstance(rows, AsyncIterable) or iter(rows) is rows:
            raise TypeError("a job with batches goes through its rows several times: give a sequence, not an iterator")
        done: set[int] = set()
        more = True
        while more:
            left = ((number, row) for number, row in enumerate(rows) if number not in done)
            async for number, result in self._through(drawn(left), work):
                done.add(number)
                yield result
            more = await self.batches.finish_wave(list(self._clients.values()))

    async def _through(
        self, rows: AsyncIterator[tuple[int, R]], work: Callable[[R], Awaitable[T]]
    ) -> AsyncIterator[tuple[int, T]]:
        """Each row's result with its number as rows end; rows that wait for a batch give none."""
        ended: asyncio.Queue[asyncio.Task[tuple[int, T]]] = asyncio.Queue()
        running: set[asyncio.Task[tuple[int, T]]] = set()
        more = True
        try:
            while more or running:
                while more and len(running) < self.rows_at_once:
                    numbered = await anext(rows, None)
                    if numbered is None:
                        more = False
                        break
                    task = asyncio.create_task(self._work(work, *numbered))
                    task.add_done_callback(ended.put_nowait)
                    running.add(task)
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                if running:
                    task = await ended.get()
                    running.discard(task)
                    if not isinstance(task.exception(), Deferred):
                        yield task.result()
        finally:
            await self._wind_up(running)

    async def _work(self, work: Callable[[R], Awaitable[T]], number: int, row: R) -> tuple[int, T]:
        self.raise_if_stopped()
        mine = _Row()
        _row.set(mine)
        result = await work(row)
        self.row_costs.append(mine.usd)
        return number, result

    async def _wind_up(self, running: set[asyncio.Task[Any]]) -> None:
        """Let calls under way come in when the run was stopped; cancel what is left, and all of it otherwise."""
        tasks = list(running)
        if tasks and self._stopped is not None:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drawn(rows: Iterable[R] | AsyncIterable[R]) -> AsyncIterator[R]:
    """Rows one by one, from either kind of source."""
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row


async def enumerated(rows: Iterable[R] | AsyncIterable[R]) -> AsyncIterator[tuple[int, R]]:
    """Rows with their numbers, from 0."""
    number = 0
    async for row in drawn(rows):
        yield number, row
        number += 1


async def ask_all(
    job: Job, client: Client, requests: Iterable[tuple[T, Request]] | AsyncIterable[tuple[T, Request]]
) -> AsyncIterator[tuple[T, Result]]:
    """Every request's answer or failure with its tag, as they come in. Requests are drawn as slots fall free."""

    async def work(pair: tuple[T, Request]) -> tuple[T, Result]:
        return pair[0], await client.ask(pair[1])

    async for done in job.each(requests, work):
        yield done


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage less often: a sixth of a call's time goes into walking over what is loaded, for nothing."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop (asyncio's own loop where there is no uvloop)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with _rare_collections():
        return uvloop.run(main)
