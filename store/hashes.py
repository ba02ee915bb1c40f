"""sha256 of bytes, files and rows; the canonical form of JSON that the hashes of rows stand on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal sha256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal sha256 of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(root: Path, paths: Iterable[Path]) -> str:
    """sha256 over the sorted lines ``sha256  relative/path`` of ``paths``, which lie under ``root``."""
    lines = sorted(f"{sha256_file(path)}  {path.relative_to(root).as_posix()}\n" for path in paths)
    return sha256_bytes("".join(lines).encode())


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no white space: equal values give equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def rows_sha256(rows: Iterable[Mapping[str, Any]]) -> str:
    """sha256 over the canonical JSON lines of rows, in their order; pictures must stand by their hash."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(canonical_json(row) + b"\n")
    return digest.hexdigest()


def fraction(*parts: str) -> float:
    """A number in [0, 1) that depends on ``parts`` alone, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
