"""Pictures of a stream looked at in threads, in order: hashing and decoding let other threads run."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ....store.hashes import sha256_bytes
from ..pictures import Facts, Picture, PictureError, Spool, examine

T = TypeVar("T")
Seen = tuple[bytes, str, Facts | None]
Examined = tuple[bytes, str, Facts]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a row's picture can't be used."""

    reason: str
    detail: str


def with_pictures(rows: Iterable[T], cell: Callable[[T], Any], spool: Spool) -> Iterator[tuple[T, Picture | Unusable]]:
    """Each row with its picture, in order; few rows are held at a time, and a content is decoded once.

    Args:
        rows: the stream.
        cell: gives a row's picture as ``{"bytes": …, "path": …}`` or None.
        spool: where pictures are kept.
    """
    workers = os.cpu_count() or 1
    claims: dict[str, object] = {}
    waiting: deque[tuple[T, Future[Seen | Unusable]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for row in rows:
            waiting.append((row, pool.submit(_look, cell(row), claims)))
            if len(waiting) > 2 * workers:
                yield _settled(*waiting.popleft(), spool)
        while waiting:
            yield _settled(*waiting.popleft(), spool)


def _look(cell: Any, claims: dict[str, object]) -> Seen | Unusable:
    """Hash a picture, and decode it where no row before it has claimed that content."""
    data = cell.get("bytes") if isinstance(cell, dict) else None
    if not data:
        return Unusable("picture_missing", "image")
    sha256, claim = sha256_bytes(data), object()
    return _examined(data, sha256) if claims.setdefault(sha256, claim) is claim else (data, sha256, None)


def _examined(data: bytes, sha256: str) -> Examined | Unusable:
    try:
        return data, sha256, examine(data)
    except PictureError as error:
        return Unusable(error.reason, str(error))


def _settled(row: T, found: Future[Seen | Unusable], spool: Spool) -> tuple[T, Picture | Unusable]:
    """The row with its picture, held in the spool; a content that was refused before is refused again."""
    seen = found.result()
    if isinstance(seen, Unusable):
        return row, seen
    data, sha256, facts = seen
    known = spool.known(sha256)
    if known is not None:
        return row, known
    if facts is not None:
        return row, spool.add(data, sha256, facts)
    again = _examined(data, sha256)
    return row, again if isinstance(again, Unusable) else spool.add(*again)
