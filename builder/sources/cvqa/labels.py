"""Answers of CVQA from a file of the user's: the released rows hold none."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....console.errors import UserError

MAX_FILE = 64 * 1024 * 1024
_SHAPE = 'a CSV file with the columns ID and Label, or JSON lines like {"ID": "…", "Label": 2}, is wanted'


def read_labels(path: Path) -> dict[str, int]:
    """Labels by CVQA ID (0 is the first option) from CSV or JSON lines.

    Raises:
        UserError: no such file, a line of another shape, or an ID with two different labels.
    """
    if not path.is_file() or path.stat().st_size > MAX_FILE:
        raise UserError(f"--labels {path}: no such file, or larger than {MAX_FILE >> 20} MiB", _SHAPE)
    found: dict[str, int] = {}
    for number, name, label in _lines(path):
        if not isinstance(name, str) or not name or label is None or label < 0:
            raise UserError(f"{path}:{number}: {_SHAPE}; a Label is 0 or higher")
        if found.setdefault(name, label) != label:
            raise UserError(f"{path}:{number}: {name} has two different labels")
    return found


def _lines(path: Path) -> Iterator[tuple[int, Any, int | None]]:
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, *_parsed(line)
        return
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        yield number, row.get("ID"), _whole(row.get("Label"))


def _parsed(line: str) -> tuple[Any, int | None]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return None, None
    return (row.get("ID"), _whole(row.get("Label"))) if isinstance(row, dict) else (None, None)


def _whole(value: Any) -> int | None:
    """A whole number, written as one or given as one; anything else is no label."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(str(value).strip())
    except ValueError:
        return None
