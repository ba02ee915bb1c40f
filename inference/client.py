"""One endpoint: requests in, answers or failures out; tried again within bounds, and given up with a reason."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from . import stops, trouble, wire
from .cost import Purse
from .endpoint import Endpoint
from .limits import LONGEST_WAIT_S, Limiter, Pulse
from .request import Request
from .result import Answer, Failure, Result
from .trouble import Trouble
from .wire import Manners, NoCompletionError, Reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from .job import Job

# So many requests in a row that an endpoint does not take, and none that it took, are no accident.
_ALL_BAD = 8
# Bodies on their way out at one time: a server that reads slowly would have all of them in memory.
_SENDING = 32
# Troubles that only a living endpoint makes.
_ALIVE = ("rate_limited", "refused", "bad", "no_schema", "no_max_tokens")


def connect(endpoint: Endpoint, key: str) -> "AsyncOpenAI":
    """The openai client over aiohttp, with a pool as large as the concurrency and no retries of its own."""
    import sys

    import openai

    # The HTTP library that this version of openai stands on (its name changed); only its limits are needed.
    base = next(kind for kind in openai.DefaultAioHttpClient.__mro__ if kind.__name__ == "AsyncClient")
    http = sys.modules[base.__module__.partition(".")[0]]
    pool = http.Limits(max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency)
    # Only connecting has a time limit here: the deadline of a whole call is the client's own.
    patience = openai.Timeout(None, connect=10.0)
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=endpoint.url,
        max_retries=0,
        timeout=patience,
        http_client=openai.DefaultAioHttpClient(limits=pool, timeout=patience),
    )


class _Body:
    """A body that is let go as soon as it is sent: bytes would be held until the answer comes."""

    def __init__(self, content: bytes, sending: asyncio.Semaphore) -> None:
        self.headers = {"Content-Length": str(len(content))}
        self._content: bytes | None = content
        self._sending = sending

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content or b""
        self.let_go()

    def let_go(self) -> None:
        """Free the bytes and the place among those that are being sent."""
        if self._content is not None:
            self._content = None
            self._sending.release()


class Client:
    """Asks one endpoint, through the job's journal. Made by ``Job.connect``; use from many tasks at once."""

    def __init__(self, job: "Job", endpoint: Endpoint, api: "AsyncOpenAI") -> None:
        self.endpoint = endpoint
        self.api = api
        self.limiter = Limiter(endpoint.concurrency)
        self.manners: defaultdict[str, Manners] = defaultdict(Manners)
        self._job = job
        self._pulse = Pulse(job.patience)
        self._sending = asyncio.Semaphore(_SENDING)
        self._refused_in_a_row = 0
        self._took_one = False

    async def ask(self, request: Request) -> Result:
        """The answer from the journal, else from the model; on disk before it is returned.

        Waits for a free slot of the endpoint, retries what may pass, and gives a ``Failure`` for what does not. A
        request that another task is asking just now is not asked twice.

        Raises:
            UserError: the whole run has to stop (401, 403, 404, unknown model, budget, dead endpoint); the message
                says what to type next.
            Deferred: in a job with batches, the request was put into one; let it pass through.
        """
        job = self._job
        while True:
            job.raise_if_stopped()
            found = job.replay(request)
            if found is not None:
                return found
            flight = job.flights.get(request.key)
            if flight is None:
                break
            result = await asyncio.shield(flight)
            if result is not None:
                return result
        if not job.may_ask(request):
            return Failure("not_asked", "--retry-failed asks what failed before, and this was never asked")
        if job.batches is not None:
            return job.batches.defer(self, request)
        return await self._ask_now(request)

    async def _ask_now(self, request: Request) -> Result:
        flight: asyncio.Future[Result | None] = asyncio.get_running_loop().create_future()
        self._job.flights[request.key] = flight
        try:
            result = await self._converse(request)
            flight.set_result(result)
            return result
        finally:
            if not flight.done():
                flight.set_result(None)
            del self._job.flights[request.key]

    async def _converse(self, request: Request) -> Result:
        tries: Counter[str] = Counter()
        in_words = False
        while True:
            with await self._job.ledger.set_aside(request) as purse:
                outcome, sent, began = await self._try(request, in_words)
                took = time.monotonic() - began
                tries["all"] += 1
                if isinstance(outcome, Reply):
                    stands = await self._record(request, outcome, tries["all"], took, purse)
                    if not stands:
                        return self._job.replay(request) or outcome.result
                    if not self._wants_words(request, outcome, sent):
                        return outcome.result
                    in_words = True
                    tries.clear()
                    continue
                if outcome.kind in ("timeout", "broken"):
                    purse.take_all()
            failure = await self._after(outcome, request, tries, began)
            if failure is not None:
                await self._record(request, Reply(failure, "", ""), tries["all"], took, purse)
                return failure

    async def _try(self, request: Request, in_words: bool) -> tuple[Reply | Trouble, Manners, float]:
        """Send once, when a slot is free; gives what came, the manners that it was sent with, and when that was."""
        ticket = await self.limiter.acquire()
        began = time.monotonic()
        try:
            manners = replace(self.manners[request.model])
            manners.plain_json |= in_words
            outcome = await self._send(request, manners)
            if isinstance(outcome, Trouble) and outcome.kind == "rate_limited":
                # Before the slot is given on: whoever waits for it has to wait longer.
                self.limiter.crowded(ticket, outcome.wait_s)
        finally:
            self.limiter.release()
        if isinstance(outcome, Reply):
            self.limiter.good()
            self._took_one = True
        if isinstance(outcome, Reply) or outcome.kind in _ALIVE:
            self._pulse.good()
        return outcome, manners, began

    async def _send(self, request: Request, manners: Manners) -> Reply | Trouble:
        import aiohttp
        import openai

        await self._sending.acquire()
        body = _Body(wire.body(request, manners), self._sending)
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                raw = await self.api.post(
                    "/chat/completions",
                    content=body,
                    cast_to=bytes,
                    options={"headers": body.headers, "follow_redirects": False},
                )
            return wire.read(request, raw)
        except TimeoutError:
            return Trouble("timeout", f"no answer within {self.endpoint.timeout_s:g} s")
        except NoCompletionError as error:
            return Trouble("broken", str(error))
        except openai.OpenAIError as error:
            return self._learned(trouble.of_error(error, request, self.endpoint), request, manners)
        except aiohttp.ClientError:
            return Trouble("broken", "connection lost")
        finally:
            body.let_go()

    async def _record(self, request: Request, reply: Reply, tries: int, seconds: float, purse: Purse) -> bool:
        """Put what came on disk; False where another process's answer stands."""
        result = reply.result
        call = replace(wire.recorded(request.key, request.stage, request.model, reply), tries=tries, seconds=seconds)
        if reply.finish_reason or reply.text:
            self._job.ledger.note(request, result.usage, result.model, purse)
        stands = await self._job.journal.record(call)
        self._job.count(request, result)
        return stands

    def _wants_words(self, request: Request, reply: Reply, sent: Manners) -> bool:
        """Whether to ask once more with the schema in words, since the server may only pretend to know the other way.

        So it is while no answer has met a schema yet. Where words then bring what the schema did not, they are used
        from there on.
        """
        manners = self.manners[request.model]
        if request.schema is None or manners.proved:
            return False
        if isinstance(reply.result, Answer):
            manners.proved, manners.plain_json = True, sent.plain_json
            return False
        return reply.result.reason in ("unparseable", "off_schema") and not sent.plain_json

    async def _after(self, met: Trouble, request: Request, tries: Counter[str], began: float) -> Failure | None:
        """What follows from trouble: None after the wait before the next try, or the failure to give up with."""
        match met.kind:
            case "stop":
                raise self._job.stop(await stops.explain(met, request, self))
            case "no_schema" | "no_max_tokens":
                return None
            case "refused":
                return Failure("refused", met.detail)
            case "rate_limited":
                return await self._after_rate_limit(met, tries)
            case "timeout" | "broken" | "unreachable":
                return await self._after_loss(met, tries, began)
            case _:
                self._refused_in_a_row += 1
                if self._refused_in_a_row >= _ALL_BAD and not self._took_one:
                    raise self._job.stop(stops.all_bad(met, self.endpoint, _ALL_BAD))
                return Failure("api_error", met.detail)

    def learn(self, kind: str, model: str) -> None:
        """Note what the endpoint wants of requests for a model (``no_schema``, ``no_max_tokens``)."""
        if kind == "no_schema":
            self.manners[model].plain_json = True
        else:
            self.manners[model].completion_limit = True

    def _learned(self, met: Trouble, request: Request, sent: Manners) -> Trouble:
        """Learn from a refusal; where the request had been sent as the endpoint wants, it is just not taken."""
        news = {
            "no_schema": request.schema is not None and not sent.plain_json,
            "no_max_tokens": request.sampling.max_tokens is not None and not sent.completion_limit,
        }.get(met.kind)
        if news:
            self.learn(met.kind, request.model)
        return replace(met, kind="bad") if news is False else met

    async def _after_rate_limit(self, met: Trouble, tries: Counter[str]) -> Failure | None:
        tries["rate_limited"] += 1
        if met.wait_s and met.wait_s > LONGEST_WAIT_S:
            raise self._job.stop(stops.long_wait(met, self.endpoint))
        if tries["rate_limited"] >= self._job.patience.rate_limited:
            return Failure("rate_limited", f"still, after {tries['rate_limited']} tries: {met.detail}")
        if met.wait_s is None:
            await self._job.pause(self._job.patience.pause(tries["rate_limited"]))
        return None

    async def _after_loss(self, met: Trouble, tries: Counter[str], began: float) -> Failure | None:
        patience = self._job.patience
        if self._pulse.is_dead_after_bad():
            raise self._job.stop(stops.dead(met, self.endpoint, patience.dead_after_s, self._job.journal.path))
        if self._pulse.bad == patience.dead_after:
            told = f"{met.detail}, {self._pulse.bad} times in a row; giving it {patience.dead_after_s:g} s"
            self._job.notice(f"{self.endpoint.url}: {told}")
        if met.kind == "timeout":
            tries["timeout"] += 1
            if tries["timeout"] >= patience.timeouts:
                return Failure("timeout", f"{met.detail}, {tries['timeout']} times")
            return None
        # While nobody can reach the endpoint, no single call is to blame: the pulse decides when to give up.
        if met.kind == "broken" or self._pulse.good_since(began):
            tries["lost"] += 1
        if tries["lost"] >= patience.tries:
            return Failure("api_error", f"{met.detail}, {tries['lost']} times")
        await self._job.pause(met.wait_s or patience.pause(max(1, tries["lost"])))
        return None
