"""All that is wrong with rows, in words: row id, JSON path, what is wrong, what is allowed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import ValidationError

from .loader import validator

SHOWN = 50
_LONGEST = 80


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing wrong with one row (``row`` is its id, or its number where it has none)."""

    row: str
    path: str
    what: str
    allowed: str

    def __str__(self) -> str:
        """One line, the four parts divided by middle dots."""
        return f"{self.row} · {self.path} · {self.what} · {self.allowed}"


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


def _type_name(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _properties(error: ValidationError) -> dict[str, Any]:
    shape: Any = error.schema
    return dict(shape.get("properties", {}))


def _what(error: ValidationError) -> str:
    instance: Any = error.instance
    keyword: Any = error.validator
    match keyword:
        case "required":
            return "missing"
        case "additionalProperties":
            return "not a known field"
        case "dependentRequired":
            return "incomplete pair of fields"
        case "type":
            return f"{_show(instance)} is of type {_type_name(instance)}"
        case "format":
            return f"{_show(instance)} is no {error.validator_value}"
        case "minItems" | "maxItems":
            return f"{len(instance)} items"
        case "uniqueItems":
            return "an item stands twice"
        case "minLength" | "maxLength":
            return f"{len(instance)} characters"
        case "not":
            return "a field that has no place here"
        case _:
            return _show(instance)


_ALLOWED = {
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "pattern": "text that matches {}",
    "format": "a {}",
    "minProperties": "at least {} fields",
}


def _allowed(error: ValidationError) -> str:
    value: Any = error.validator_value
    keyword: Any = error.validator
    match keyword:
        case "enum":
            return f"one of: {_listed(value)}"
        case "const":
            return f"exactly {_show(value)}"
        case "type":
            return f"type {value if isinstance(value, str) else ' or '.join(value)}"
        case "additionalProperties":
            return f"one of: {_listed(sorted(_properties(error)))}"
        case "required" | "dependentRequired":
            return error.message.replace(" is a required property", " is required")
        case "uniqueItems":
            return "each item once"
        case str() if keyword in _ALLOWED:
            return _ALLOWED[keyword].format(value)
        case _:
            return "leave it out"


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors that say most: for ``anyOf`` those of the branches that are not plain null."""
    inner = [e for e in error.context or () if e.validator_value != "null"]
    if error.validator != "anyOf" or not inner:
        yield error
        return
    for each in inner:
        yield from _leaves(each)


def _paths(error: ValidationError) -> list[str]:
    """Where an error is: one place, but a field each for fields that are missing or not known."""
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "required":
        return [f"{path}.{name}" for name in wanted if error.message.startswith(f"'{name}'")]
    if error.validator == "additionalProperties":
        return [f"{path}.{name}" for name in instance if name not in _properties(error)]
    return [path]


def problems(name: str, rows: Iterable[Mapping[str, Any]], *, key: str = "id") -> list[Problem]:
    """Everything in ``rows`` that the schema ``name`` does not allow, sorted by row and path.

    Args:
        name: the schema.
        rows: parsed rows; pictures as ``{sha256, format, width, height}``.
        key: the field that names a row; where it is missing the row's number stands, from 1.
    """
    check = validator(name)
    found = {
        Problem(_name(row, key, number), path, _what(leaf), _allowed(leaf))
        for number, row in enumerate(rows, 1)
        for error in check.iter_errors(row)
        for leaf in _leaves(error)
        for path in _paths(leaf)
    }
    return sorted(found)


def _name(row: Any, key: str, number: int) -> str:
    value = row.get(key) if isinstance(row, Mapping) else None
    return value if isinstance(value, str) and value else f"row {number}"


def format_problems(found: list[Problem]) -> str:
    """The problems, a line each, at most 50 of them, with the total at the end."""
    lines = [str(problem) for problem in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"… {len(found) - SHOWN} more")
    lines.append(f"{len(found)} problem{'' if len(found) == 1 else 's'}")
    return "\n".join(lines)
