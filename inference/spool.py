"""What the Batch API is to be asked, on disk: requests as lines of files, and which batch has which request.

The files lie beside the journal, the tables in it, so that another process on another day goes on where this one ends.
"""

import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import orjson

from ..console.errors import UserError
from .journal import Journal
from .request import Request
from .wire import Manners

_TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    name TEXT PRIMARY KEY, url TEXT NOT NULL, model TEXT NOT NULL, lines INTEGER NOT NULL, file_id TEXT, batch_id TEXT,
    plain_json INTEGER NOT NULL, completion_limit INTEGER NOT NULL, usd REAL NOT NULL, made REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS batch_lines (
    key TEXT PRIMARY KEY, batch TEXT NOT NULL REFERENCES batches (name), stage TEXT NOT NULL, shape TEXT
);
CREATE TABLE IF NOT EXISTS batch_shapes (id TEXT PRIMARY KEY, schema TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that is not collected yet.

    Attributes:
        name: our own.
        url, model: where it goes.
        lines: how many requests.
        file_id, batch_id: the endpoint's names, once known.
        manners: how its requests were written.
        usd: what is set aside for them.
    """

    name: str
    url: str
    model: str
    lines: int
    file_id: str | None
    batch_id: str | None
    manners: Manners
    usd: float


@dataclass(frozen=True, slots=True)
class Line:
    """What is needed to judge an answer to a line: the request without its messages."""

    key: str
    stage: str
    schema: dict[str, Any] | None


class Open:
    """A file that takes lines until it is full."""

    def __init__(self, folder: Path, url: str, model: str, manners: Manners) -> None:
        self.name = uuid.uuid4().hex
        self.manners = replace(manners)
        self.url, self.model = url, model
        self.path = folder / f"{self.name}.jsonl"
        self.bytes = 0
        self.usd = 0.0
        self.requests: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self._file = self.path.open("wb")

    def add(self, request: Request, line: bytes, usd: float) -> None:
        """Write a line; ``usd`` is set aside for it."""
        self._file.write(line)
        self.usd += usd
        self.bytes += len(line)
        self.requests[request.key] = (request.stage, request.schema)

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


def line(request: Request, body: bytes) -> bytes:
    """A request as a line of a batch file."""
    told = {"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": orjson.Fragment(body)}
    return orjson.dumps(told) + b"\n"


class Spool:
    """The tables and files of batches that belong to a journal; for one process at a time.

    Raises:
        UserError: another process has them.
    """

    def __init__(self, journal: Journal) -> None:
        self.folder = journal.path.with_name(f"{journal.path.name}.batches")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._held: IO[bytes] | None = None
        self._lock()
        self._base = journal.base
        self._base.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")

    def has(self, key: str) -> bool:
        """Whether a request is in a batch that is not collected yet."""
        return self._base.execute("SELECT 1 FROM batch_lines WHERE key = ?", (key,)).fetchone() is not None

    def keep(self, file: Open) -> None:
        """A full file: its batch and lines go into the tables, in one transaction."""
        file.close()
        shapes = {orjson.dumps(schema).decode() for _, schema in file.requests.values() if schema is not None}
        with self._transaction() as base:
            wanted = (file.manners.plain_json, file.manners.completion_limit)
            row = (file.name, file.url, file.model, len(file.requests), None, None, *wanted, file.usd, time.time())
            base.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            base.executemany("INSERT OR IGNORE INTO batch_shapes VALUES (?, ?)", [(_id(s), s) for s in shapes])
            lines = [
                (key, file.name, stage, None if schema is None else _id(orjson.dumps(schema).decode()))
                for key, (stage, schema) in file.requests.items()
            ]
            base.executemany("INSERT INTO batch_lines VALUES (?, ?, ?, ?)", lines)

    def pending(self, url: str | None = None) -> list[Sent]:
        """Batches that are not collected yet, oldest first; of one endpoint if ``url`` is given."""
        query = "SELECT * FROM batches WHERE url = coalesce(?, url) ORDER BY made, name"
        found = self._base.execute(query, (url,)).fetchall()
        return [_sent(row) for row in found]

    def note(self, name: str, file_id: str | None, batch_id: str | None) -> None:
        """Write down what the endpoint calls a batch's file and the batch."""
        row = (file_id, batch_id, name)
        self._base.execute("UPDATE batches SET file_id = ?, batch_id = ? WHERE name = ?", row)

    def lines(self, name: str) -> dict[str, Line]:
        """The lines of a batch by key."""
        query = "SELECT key, stage, schema FROM batch_lines LEFT JOIN batch_shapes ON id = shape WHERE batch = ?"
        found = self._base.execute(query, (name,)).fetchall()
        return {r["key"]: Line(r["key"], r["stage"], orjson.loads(r["schema"]) if r["schema"] else None) for r in found}

    def path(self, name: str) -> Path:
        """The file of a batch."""
        return self.folder / f"{name}.jsonl"

    def drop(self, name: str) -> None:
        """Forget a batch that is collected or lost; its file goes too."""
        with self._transaction() as base:
            base.execute("DELETE FROM batch_lines WHERE batch = ?", (name,))
            base.execute("DELETE FROM batches WHERE name = ?", (name,))
        self.path(name).unlink(missing_ok=True)

    def clear_unsent(self) -> None:
        """Forget what was written and not sent: the rows write it again, under the limits that hold then."""
        for row in self._base.execute("SELECT name FROM batches WHERE file_id IS NULL").fetchall():
            self.drop(row["name"])
        known = {row["name"] for row in self._base.execute("SELECT name FROM batches")}
        for path in self.folder.glob("*.jsonl"):
            if path.stem not in known:
                path.unlink(missing_ok=True)

    def _lock(self) -> None:
        """One process at a time, until it ends; where there is no fcntl, that is left to the user."""
        try:
            import fcntl
        except ImportError:
            return
        self._held = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise UserError(
                f"another process works on the batches of {self.folder.name.removesuffix('.batches')}",
                "the same command when it has ended, or without --batch",
            ) from None

    def close(self) -> None:
        """Let other processes in."""
        if self._held is not None:
            self._held.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._base)


def _sent(row: sqlite3.Row) -> Sent:
    manners = Manners(bool(row["plain_json"]), bool(row["completion_limit"]))
    names = ("name", "url", "model", "lines", "file_id", "batch_id")
    return Sent(**{name: row[name] for name in names}, manners=manners, usd=row["usd"])


class _Transaction:
    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def __enter__(self) -> sqlite3.Connection:
        self._base.execute("BEGIN IMMEDIATE")
        return self._base

    def __exit__(self, kind: object, *_: object) -> None:
        self._base.execute("COMMIT" if kind is None else "ROLLBACK")


def _id(schema: str) -> str:
    import hashlib

    return hashlib.sha256(schema.encode()).hexdigest()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file of results; lines that are none are left out: their requests count as unanswered."""
    with path.open("rb") as file:
        for raw in file:
            try:
                told = orjson.loads(raw)
            except orjson.JSONDecodeError:
                continue
            if isinstance(told, dict):
                yield told
