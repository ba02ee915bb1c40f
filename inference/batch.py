"""Half the price: the same work through the OpenAI Batch API, over the same journal.

A job with batches goes through its rows in waves. In a wave every request without an answer is written to a file and
its row is laid aside (``Deferred``). Then the files are uploaded as batches, and when those have ended their answers
are in the journal and the rows that were laid aside run again, each a step further, until no row is left. All that has
to be remembered is on disk: a process may be ended while batches run, and the same command, hours later, goes on.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console.errors import UserError
from . import spool, trouble, wire
from .journal import Call
from .request import Request
from .result import Failure, Result
from .spool import Line, Open, Sent, Spool
from .wire import NoCompletionError, Reply

if TYPE_CHECKING:
    from .client import Client
    from .job import Job

MOST_LINES = 50_000
# The limit is 200 MB; what a server counts beside the lines is left free.
MOST_BYTES = 190_000_000
POLL_S = 30.0
_MARK = "cross_safety"
_ENDED = ("completed", "expired", "cancelled", "failed")


class Deferred(Exception):
    """Raised by ``Client.ask`` in a job with batches: the request is in a batch now, and the row runs again later."""


class Batches:
    """The batches of a job.

    Args:
        job: whose they are.
        most_lines, most_bytes: limits of one file.
        poll_s: seconds between looks at batches that run.
    """

    def __init__(
        self, job: "Job", most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES, poll_s: float = POLL_S
    ) -> None:
        self._job = job
        self._most_lines, self._most_bytes, self._poll_s = most_lines, most_bytes, poll_s
        self._spool = Spool(job.journal)
        self._spool.clear_unsent()
        for batch in self._spool.pending():
            job.ledger.release(-batch.usd)
        self._open: dict[tuple[str, str], Open] = {}
        self._failed: dict[str, Failure] = {}

    def defer(self, client: "Client", request: Request) -> Result:
        """Put a request into a batch, once.

        Returns:
            The failure it came to in a batch of this run: it is not tried in another one.

        Raises:
            Deferred: in every other case.
            UserError: the money set aside for batches would pass ``--max-usd``; nothing of this wave was sent.
        """
        failed = self._failed.get(request.key)
        if failed is not None:
            return failed
        place = (client.endpoint.url, request.model)
        file = self._open.get(place)
        if not (file and request.key in file.requests) and not self._spool.has(request.key):
            self._write(client, request, self._set_aside(request))
        raise Deferred

    def _set_aside(self, request: Request) -> float:
        try:
            return self._job.ledger.commit(request)
        except UserError as error:
            # Half a wave is of no use to anybody.
            self._forget_open()
            self._spool.clear_unsent()
            raise self._job.stop(error) from None

    def _write(self, client: "Client", request: Request, usd: float) -> None:
        place, manners = (client.endpoint.url, request.model), client.manners[request.model]
        line = spool.line(request, wire.body(request, manners))
        file = self._open.get(place)
        if file and (len(file.requests) >= self._most_lines or file.bytes + len(line) > self._most_bytes):
            self._spool.keep(file)
            file = None
        if file is None:
            file = self._open[place] = Open(self._spool.folder, *place, manners)
        file.add(request, line, usd)

    async def finish_wave(self, clients: list["Client"]) -> bool:
        """Send what was written, wait until all batches have ended, put their answers into the journal.

        Returns:
            Whether there were any, so that another wave is needed.

        Raises:
            UserError: the endpoint refused a batch.
        """
        for file in self._open.values():
            self._spool.keep(file)
        self._open.clear()
        sent = [(client, batch) for client in clients for batch in self._spool.pending(client.endpoint.url)]
        for client, batch in sent:
            if batch.batch_id is None:
                await self._send(client, batch)
        if sent:
            count = sum(batch.lines for _, batch in sent)
            self._job.notice(
                f"{count:,} requests in {len(sent)} batches; this may take up to 24 hours. It is safe to stop here: "
                "the same command goes on later"
            )
        for client in clients:
            for batch in self._spool.pending(client.endpoint.url):
                await self._collect(client, batch)
        return bool(sent)

    async def _send(self, client: "Client", batch: Sent) -> None:
        """Upload the file and make the batch, unless an earlier process was killed after it had done so."""
        import openai

        try:
            file_id, batch_id = batch.file_id, None
            if file_id is None:
                with self._spool.path(batch.name).open("rb") as file:
                    uploaded = await client.api.files.create(file=(f"{batch.name}.jsonl", file), purpose="batch")
                file_id = uploaded.id
                self._spool.note(batch.name, file_id, None)
            else:
                batch_id = await self._made_before(client, batch)
            if batch_id is None:
                made = await client.api.batches.create(
                    input_file_id=file_id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={_MARK: batch.name},
                )
                batch_id = made.id
            self._spool.note(batch.name, file_id, batch_id)
        except (openai.OpenAIError, FileNotFoundError) as error:
            raise self._job.stop(self._refused(client, batch, error)) from None

    async def _made_before(self, client: "Client", batch: Sent) -> str | None:
        async for other in client.api.batches.list(limit=100):
            if (other.metadata or {}).get(_MARK) == batch.name:
                return other.id
        return None

    def _refused(self, client: "Client", batch: Sent, error: Exception) -> UserError:
        import openai

        self._drop(batch)
        if isinstance(error, openai.OpenAIError):
            met = trouble.of_error(error, None, client.endpoint)
            return UserError(
                f"{client.endpoint.url} took no batch ({met.detail})",
                "the same command without --batch, where the endpoint has no Batch API; else the same command again",
            )
        return UserError(f"the file of batch {batch.name} is gone", "the same command again writes it anew")

    def _forget_open(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _drop(self, batch: Sent) -> None:
        self._spool.drop(batch.name)
        self._job.ledger.release(batch.usd)

    def close(self) -> None:
        """Let other processes at the batches; what was not sent is written again another time."""
        self._forget_open()
        self._spool.close()

    async def _collect(self, client: "Client", batch: Sent) -> None:
        ended = await self._wait_for(client, batch)
        if ended.status == "failed":
            told = " ".join(str(e.message) for e in (ended.errors.data if ended.errors else None) or [])
            self._drop(batch)
            detail = trouble.scrub(told, None, client.endpoint)
            raise self._job.stop(
                UserError(f"{client.endpoint.url} refused a batch of {batch.lines:,} requests ({detail})",
                          "the same command again, when what it names is mended or other batches have ended")
            )  # fmt: skip
        lines = self._spool.lines(batch.name)
        with tempfile.TemporaryDirectory(dir=self._spool.folder) as folder:
            for file_id in filter(None, (ended.output_file_id, ended.error_file_id)):
                path = await self._download(client, file_id, Path(folder))
                self._take(client, batch, lines, path)
        gone = Reply(Failure("api_error", f"no result in a batch that ended as {ended.status}"), "", "")
        self._job.journal.write([self._call(line, batch.model, gone) for line in lines.values()])
        self._drop(batch)

    async def _wait_for(self, client: "Client", batch: Sent) -> Any:
        import openai

        lost = 0
        while True:
            try:
                found = await client.api.batches.retrieve(batch.batch_id or "")
                lost = 0
            except openai.OpenAIError as error:
                lost += 1
                if lost >= self._job.patience.tries:
                    met = trouble.of_error(error, None, client.endpoint)
                    told = UserError(f"{client.endpoint.url} does not tell of a batch ({met.detail})", "the same again")
                    raise self._job.stop(told) from None
                await self._job.pause(self._job.patience.pause(lost))
                continue
            if found.status in _ENDED:
                return found
            await self._job.pause(self._poll_s)

    async def _download(self, client: "Client", file_id: str, folder: Path) -> Path:
        path = folder / "results.jsonl"
        async with client.api.files.with_streaming_response.content(file_id) as response:
            await response.stream_to_file(path)
        return path

    def _take(self, client: "Client", batch: Sent, lines: dict[str, Line], path: Path) -> None:
        """Put the results of a file into the journal, some hundred a transaction; what was taken leaves ``lines``."""
        calls = []
        for told in spool.read_lines(path):
            known = lines.pop(str(told.get("custom_id")), None)
            if known is None:
                continue
            reply = self._reply(client, batch, known, told)
            if reply is None:
                continue
            calls.append(self._call(known, batch.model, reply))
            if len(calls) == 500:
                self._job.journal.write(calls)
                calls = []
        self._job.journal.write(calls)

    def _reply(self, client: "Client", batch: Sent, line: Line, told: dict[str, Any]) -> Reply | None:
        """What a line came to; None where it is to be asked again in the way that the endpoint wants."""
        match told:
            case {"response": {"status_code": 200, "body": body}}:
                try:
                    return wire.read_parsed(Request(batch.model, (), schema=line.schema), body)
                except NoCompletionError as error:
                    return Reply(Failure("api_error", str(error)), "", "")
            case {"response": {"status_code": int() as status, "body": {"error": dict() as error}}}:
                met = trouble.of_line(status, error)
                news = {"no_schema": not batch.manners.plain_json, "no_max_tokens": not batch.manners.completion_limit}
                if news.get(met.kind):
                    client.learn(met.kind, batch.model)
                    return None
                return Reply(Failure("refused" if met.kind == "refused" else "api_error", met.detail), "", "")
            case {"error": {"code": "batch_expired"}}:
                return Reply(Failure("timeout", "the batch ended before this was answered"), "", "")
            case _:
                return Reply(Failure("api_error", "no response in the batch"), "", "")

    def _call(self, line: Line, model: str, reply: Reply) -> Call:
        self._job.ledger.settle(reply.result.usage, reply.result.model, model)
        if isinstance(reply.result, Failure):
            self._failed[line.key] = reply.result
        return replace(wire.recorded(line.key, line.stage, model, reply), batch=True)
