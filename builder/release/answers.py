"""The model's answers that a version stands on, as they lie in its folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...schemas import Problem
from ...store.hashes import sha256_bytes, sha256_file

ANSWERS = "journal.jsonl.zst"
MOST = 2**33


def describe_answers(data: bytes) -> dict[str, Any]:
    """How the manifest names the file: hash of the file, and of its lines, which no version of zstd changes."""
    return {
        "path": ANSWERS,
        "sha256": sha256_bytes(data),
        "content_sha256": content_sha256(pa.BufferReader(data)),
        "bytes": len(data),
    }


def content_sha256(source: Any) -> str:
    """sha256 of what a zstandard stream holds, read in pieces.

    Raises:
        OSError: no zstandard stream.
        ValueError: more than 8 GiB.
    """
    import hashlib

    digest, size = hashlib.sha256(), 0
    with pa.CompressedInputStream(source, "zstd") as stream:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > MOST:
                raise ValueError(f"more than {MOST >> 30} GiB of answers")
            digest.update(block)
    return digest.hexdigest()


def answers_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the file of answers, where the manifest names one."""
    told = manifest.get("answers")
    path = folder / ANSWERS
    if told is None:
        return
    if not path.is_file():
        yield Problem(ANSWERS, "$", "missing", "the file that the manifest names under answers")
    elif sha256_file(path) != told["sha256"]:
        yield Problem(ANSWERS, "$.sha256", "the file's content has changed", f"sha256 {told['sha256']}")
