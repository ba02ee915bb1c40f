"""A journal's answers as a file to be carried along: ``journal.jsonl.zst``, zstandard over one JSON object a line.

It holds what is needed to answer the same requests again and nothing that differs between two runs that got the same
answers: no times, no failures. ``zstd -dc journal.jsonl.zst | head -1`` shows the first line.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import orjson

from ..console.errors import UserError
from .journal import Call, Journal
from .result import Usage

FIELDS = ("key", "stage", "asked_model", "model", "finish_reason", "text", "prompt_tokens", "completion_tokens")
LONGEST_LINE = 16 << 20
_LOADED_AT_ONCE = 500


def export_answers(journal: Journal, keys: Collection[str] | None = None) -> bytes:
    """The answers of a journal, sorted by key, as the bytes of a ``journal.jsonl.zst``.

    Args:
        journal: where they are.
        keys: only these; all if None.

    Raises:
        KeyError: the journal has no answer to one of ``keys``.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    wanted = None if keys is None else set(keys)
    with pa.CompressedOutputStream(sink, "zstd") as out:
        for call in journal.answers():
            if wanted is None or call.key in wanted:
                out.write(orjson.dumps(_line(call)) + b"\n")
                if wanted is not None:
                    wanted.remove(call.key)
    if wanted:
        raise KeyError(f"{journal.path.name} has no answer to {min(wanted)}")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _line(call: Call) -> dict[str, Any]:
    usage = call.usage
    tokens = (usage.prompt, usage.completion) if usage else (None, None)
    known = (call.key, call.stage, call.asked_model, call.model, call.finish_reason, call.text)
    return dict(zip(FIELDS, (*known, *tokens), strict=True))


def load_answers(path: Path, journal: Journal) -> int:
    """Put the answers of a ``journal.jsonl.zst`` into a journal; gives how many. What the journal has stays.

    Tokens come along, calls do not: what was loaded counts as no call of this journal's owner (``tries`` is 0).

    Raises:
        UserError: the file is no such file; what stood before the broken line is loaded, and loading again is safe.
    """
    count = 0
    waiting: list[Call] = []
    for number, line in enumerate(_lines(path), 1):
        waiting.append(_call(line, path, number))
        count += 1
        if len(waiting) == _LOADED_AT_ONCE:
            journal.write_missing(waiting)
            waiting = []
    journal.write_missing(waiting)
    return count


def _lines(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    try:
        with pa.OSFile(str(path), "rb") as file, pa.CompressedInputStream(file, "zstd") as stream:
            left = b""
            while block := stream.read(1 << 20):
                *whole, left = (left + block).split(b"\n")
                yield from whole
                if len(left) > LONGEST_LINE:
                    raise UserError(f"{path}: a line of more than {LONGEST_LINE >> 20} MB")
    except OSError as error:
        raise UserError(f"{path}: cannot be read as zstandard ({error})") from None
    if left:
        # Cut off in mid-line: a whole file ends with a newline.
        raise UserError(f"{path}: ends within a line; it was cut off")


def _call(line: bytes, path: Path, number: int) -> Call:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path}, line {number}: no JSON ({error.msg})") from None
    match told:
        case {
            "key": str() as key, "stage": str() as stage, "asked_model": str() as asked, "model": str() as model,
            "finish_reason": str() | None as finish, "text": str() as text,
        } if len(key) == 64:  # fmt: skip
            tokens = (told.get("prompt_tokens"), told.get("completion_tokens"))
            usage = Usage(*tokens) if all(type(n) is int and n >= 0 for n in tokens) else None
            return Call(key, stage, asked, "answer", model, finish, text, usage=usage, tries=0)
    raise UserError(f"{path}, line {number}: not a line of a journal; the fields are {', '.join(FIELDS)}")
