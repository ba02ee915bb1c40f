"""The columns of a dataset, read off its schema, so that the two can't say different things."""

from typing import Any

import datasets

from ..schemas import schema
from ..schemas.loader import resolve

SCHEMA_OF = {"cross": "cross", "safety-sft": "safety_sft", "safety-dpo": "safety_dpo"}
_PLAIN = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}


def features(dataset: str) -> datasets.Features:
    """The ``datasets.Features`` of ``cross``, ``safety-sft`` or ``safety-dpo``."""
    properties = schema(SCHEMA_OF[dataset])["properties"]
    return datasets.Features({name: _feature(part) for name, part in properties.items()})


def _feature(part: dict[str, Any]) -> Any:
    """The feature for one schema part.

    Raises:
        ValueError: a part that has no column type.
    """
    if part.get("x-feature") == "image":
        return datasets.Image()
    if "$ref" in part:
        return _feature(resolve(part["$ref"]))
    if "anyOf" in part:
        return _feature(next(branch for branch in part["anyOf"] if branch.get("type") != "null"))
    if part.get("type") == "array":
        return datasets.List(_feature(part["items"])) if hasattr(datasets, "List") else [_feature(part["items"])]
    if part.get("type") == "object":
        return {name: _feature(inner) for name, inner in part["properties"].items()}
    if "enum" in part or "const" in part:
        return datasets.Value("string")
    if part.get("type") in _PLAIN:
        return datasets.Value(_PLAIN[part["type"]])
    raise ValueError(f"a schema part without a column type: {part}")
