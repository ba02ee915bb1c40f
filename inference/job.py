"""A job: rows worked through with chat models over one journal, a bounded number of them at a time."""

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from .client import Client
from .endpoint import Endpoint
from .journal import Journal
from .request import Request
from .result import Result

# With fewer rows than slots the rows run in lockstep and slots stand empty; with 1.5 × they stay full.
ROWS_A_SLOT = 1.5

R = TypeVar("R")
T = TypeVar("T")


class Job:
    """What belongs together: one journal, one budget, and the endpoints that the work needs.

    Use as ``async with Job(journal) as job``; endpoints are closed at its end, the journal is the caller's.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._clients: dict[Endpoint, Client] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client._api.close()

    def connect(self, endpoint: Endpoint) -> Client:
        """A client for an endpoint; the same one for the same endpoint. No call is made yet.

        Raises:
            UserError: the endpoint wants a key and the environment has none.
        """
        from openai import AsyncOpenAI, DefaultAioHttpClient

        if endpoint not in self._clients:
            api = AsyncOpenAI(
                api_key=endpoint.key(), base_url=endpoint.url, max_retries=0, http_client=DefaultAioHttpClient()
            )
            self._clients[endpoint] = Client(endpoint, self.journal, api)
        return self._clients[endpoint]

    @property
    def rows_at_once(self) -> int:
        """How many rows ``each`` has in memory: 1.5 × the slots of the connected endpoints."""
        return math.ceil(ROWS_A_SLOT * sum(endpoint.concurrency for endpoint in self._clients))

    async def each(self, rows: Iterable[R] | AsyncIterable[R], work: Callable[[R], Awaitable[T]]) -> AsyncIterator[T]:
        """``work(row)`` for every row, yielded as they end; rows are drawn when there is room for them.

        ``work`` asks as often as it needs, one call after another or several at once; calls of many rows share the
        slots. Read a row's picture inside ``work``, so that pictures of rows that wait are not in memory. Connect the
        endpoints before.

        Raises:
            UserError: the run has to stop; answers that had come in are in the journal, and the same command again
                goes on from there.
        """
        queue: asyncio.Queue[asyncio.Task[T]] = asyncio.Queue()
        running: set[asyncio.Task[T]] = set()
        source = _drawn(rows)
        more = True
        try:
            while more or running:
                while more and len(running) < self.rows_at_once:
                    row = await anext(source, _END)
                    if row is _END:
                        more = False
                        break
                    task = asyncio.ensure_future(work(row))
                    task.add_done_callback(queue.put_nowait)
                    running.add(task)
                if not running:
                    break
                task = await queue.get()
                running.discard(task)
                yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


_END: Any = object()


async def _drawn(rows: Iterable[R] | AsyncIterable[R]) -> AsyncIterator[R]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row


async def ask_all(
    job: Job, client: Client, requests: Iterable[tuple[T, Request]] | AsyncIterable[tuple[T, Request]]
) -> AsyncIterator[tuple[T, Result]]:
    """Every request's answer or failure with its tag, as they come in. Requests are drawn as slots fall free."""

    async def work(pair: tuple[T, Request]) -> tuple[T, Result]:
        return pair[0], await client.ask(pair[1])

    async for done in job.each(requests, work):
        yield done


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop (asyncio's own loop where there is no uvloop)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
