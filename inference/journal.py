"""Every answer on disk before it is used, so that nothing that was paid for is asked again.

The journal is one SQLite file, readable with the ``sqlite3`` program and everything that knows SQL. SQLite rather than
JSON lines, because a look-up needs no index in memory (a million answers cost no RAM), because two processes on one
file are safe and see each other's answers, and because a transaction cut off by a kill or a power failure leaves no
torn line to be guessed at. To be carried elsewhere it is exported as ``journal.jsonl.zst`` (``carry.py``).

One table, ``calls``, a row for each call that came to an end::

    sqlite3 journal.sqlite "SELECT stage, outcome, count(*), sum(prompt_tokens) FROM calls GROUP BY 1, 2"

``outcome`` is ``answer``, a failure's reason, or ``again`` (two processes had asked the same: the first answer
stands, the second's tokens are still counted). At most one row of a key is an ``answer``: that one is served. Failures
are kept for counting and for ``--retry-failed``; they are never served. Neither requests nor API keys are in it.

Limits: write-ahead logging wants a local file system, or a network one that a single host uses at a time.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..console.errors import UserError
from .result import Usage

FORMAT = 1
BUSY_S = 60

_TABLES = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    stage TEXT NOT NULL,
    asked_model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    model TEXT,
    finish_reason TEXT,
    text TEXT,
    detail TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cached_tokens INTEGER,
    tries INTEGER NOT NULL DEFAULT 1,
    batch INTEGER NOT NULL DEFAULT 0,
    seconds REAL,
    ended REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS answered ON calls (key) WHERE outcome = 'answer';
CREATE INDEX IF NOT EXISTS asked ON calls (key, id);
"""
_ANSWER = "SELECT * FROM calls WHERE key = ? AND outcome = 'answer'"
_SUMS = """
SELECT stage, asked_model, model, outcome, batch, count(*) AS calls, total(tries) - count(*) AS retries,
    count(*) - count(prompt_tokens) AS uncounted, coalesce(sum(prompt_tokens), 0) AS prompt,
    coalesce(sum(completion_tokens), 0) AS completion, coalesce(sum(cached_tokens), 0) AS cached,
    total(seconds) AS seconds
FROM calls WHERE tries > 0 GROUP BY stage, asked_model, model, outcome, batch
ORDER BY stage, asked_model, model, outcome, batch
"""
_LATEST = "SELECT outcome FROM calls WHERE key = ? ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came to an end, as a row of the journal.

    Attributes:
        key: the request's key.
        stage: what it was for.
        asked_model: the model name in the request.
        outcome: ``answer`` or a failure's reason.
        model: the model name that came back.
        finish_reason: as told by the server.
        text: what the model wrote, also where it was no use.
        detail: a failure in words.
        usage: tokens, None where unknown.
        tries: how often it was sent; 0 for an answer that was loaded from a file and is nobody's expense here.
        batch: whether it went through the Batch API (half price).
        seconds: how long it took.
        ended: when, in seconds since 1970.
    """

    key: str
    stage: str
    asked_model: str
    outcome: str
    model: str | None = None
    finish_reason: str | None = None
    text: str | None = None
    detail: str | None = None
    usage: Usage | None = None
    tries: int = 1
    batch: bool = False
    seconds: float | None = None
    ended: float = 0.0


_COLUMNS = (
    "key, stage, asked_model, outcome, model, finish_reason, text, detail, "
    "prompt_tokens, completion_tokens, cached_tokens, tries, batch, seconds, ended"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))
_INSERT = f"INSERT OR IGNORE INTO calls ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 - constants


def _to_row(call: Call) -> tuple[object, ...]:
    usage = call.usage
    tokens = (usage.prompt, usage.completion, usage.cached) if usage else (None, None, None)
    head = (call.key, call.stage, call.asked_model, call.outcome, call.model)
    said = (call.finish_reason, call.text, call.detail)
    return (*head, *said, *tokens, call.tries, int(call.batch), call.seconds, call.ended or time.time())


def _to_call(row: sqlite3.Row) -> Call:
    known = row["prompt_tokens"] is not None
    usage = Usage(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"]) if known else None
    names = ("key", "stage", "asked_model", "outcome", "model", "finish_reason", "text", "detail", "tries", "seconds")
    return Call(**{name: row[name] for name in names}, usage=usage, batch=bool(row["batch"]), ended=row["ended"])


class Journal:
    """The journal at ``path``; made where there is none. Use from one event loop, or without any.

    Raises:
        UserError: the file is no journal, or of a format that this version does not know.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._read = self._connect()
        self._write = self._connect()
        self._waiting: list[tuple[Call, asyncio.Future[bool]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._flush: asyncio.Task[None] | None = None

    def _connect(self) -> sqlite3.Connection:
        try:
            base = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            base.row_factory = sqlite3.Row
            base.execute("PRAGMA journal_mode = WAL")
            # FULL: a commit is on the disk, not in its cache, when it returns; power failures included.
            base.execute("PRAGMA synchronous = FULL")
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, FORMAT):
                raise UserError(f"{self.path}: a journal of format {version}; this version reads format {FORMAT}")
            base.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self.path}: cannot be used as a journal ({error})") from None
        return base

    def answer(self, key: str) -> Call | None:
        """The answer to a request, None where there is none yet."""
        row = self._read.execute(_ANSWER, (key,)).fetchone()
        return _to_call(row) if row else None

    def outcome(self, key: str) -> str | None:
        """How the latest call of a request ended; None where it was never asked."""
        row = self._read.execute(_LATEST, (key,)).fetchone()
        return row["outcome"] if row else None

    def write(self, calls: Iterable[Call]) -> set[str]:
        """Put calls on disk in one transaction; they are there when this returns.

        Returns:
            Keys that had an answer already, which stands.
        """
        stood = set()
        self._write.execute("BEGIN IMMEDIATE")
        try:
            for call in calls:
                values = _to_row(call)
                if not self._write.execute(_INSERT, values).rowcount:
                    self._write.execute(_INSERT, (*values[:3], "again", *values[4:]))
                    stood.add(call.key)
        except BaseException:
            self._write.execute("ROLLBACK")
            raise
        self._write.execute("COMMIT")
        return stood

    def write_missing(self, calls: Iterable[Call]) -> None:
        """Put answers from elsewhere on disk, those that are there already left out."""
        self._write.execute("BEGIN IMMEDIATE")
        self._write.executemany(_INSERT, [_to_row(call) for call in calls])
        self._write.execute("COMMIT")

    async def record(self, call: Call) -> bool:
        """Put a call on disk; returns when it is there. Calls that wait share one transaction.

        Returns:
            False where another process had put an answer to the same request there meanwhile: that one stands.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_waiting())
        return await done

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            stood: set[str] = set()
            error: BaseException | None = None
            try:
                stood = await loop.run_in_executor(self._thread, self.write, [call for call, _ in batch])
            except sqlite3.Error as problem:
                error = UserError(f"{self.path}: the journal cannot be written ({problem})")
            for call, done in batch:
                if done.cancelled():
                    continue
                done.set_exception(error) if error else done.set_result(call.key not in stood)

    def answers(self) -> Iterator[Call]:
        """All answers, by key."""
        for row in self._read.execute("SELECT * FROM calls WHERE outcome = 'answer' ORDER BY key"):
            yield _to_call(row)

    @property
    def base(self) -> sqlite3.Connection:
        """The database, for tables beside the calls."""
        return self._read

    def sums(self) -> Iterator[sqlite3.Row]:
        """Calls, tokens and seconds by stage, model asked for, model that came back, outcome and batch."""
        yield from self._read.execute(_SUMS)

    def close(self) -> None:
        """Close the file; what was recorded is on disk already."""
        self._thread.shutdown()
        self._write.close()
        self._read.close()
