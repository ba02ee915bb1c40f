"""The options of a question: a list of strings, or in older revisions one string that looks like a list."""

import ast
from typing import Any

MAX_OPTIONS = 20_000


def read_options(cell: Any) -> Any:
    """The list that a string spells out; any other cell as it is, for the schema to judge."""
    if not isinstance(cell, str) or len(cell) > MAX_OPTIONS:
        return cell
    try:
        found = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell
    return list(found) if isinstance(found, list | tuple) else cell
