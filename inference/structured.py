"""JSON answers: how they are asked for, and how they are checked when they come.

A server is asked with ``response_format``; one that lacks it is found out once a model, and from then on the schema is
put into the prompt. Either way the answer is checked here with ``jsonschema``, so that a server that only pretends
changes nothing.
"""

import re
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry

from .request import Request
from .result import Failure

PLAIN = (
    "Answer with one JSON value and nothing else: no words around it, no code fence. It has to meet this JSON Schema:\n"
)
# What servers take in strict mode; with any other keyword the schema is sent without it.
_STRICT = {
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items", "properties", "required",
    "title", "type",
}  # fmt: skip
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def response_format(request: Request) -> dict[str, Any]:
    """The ``response_format`` of a request that has a schema."""
    shape = {"name": request.schema_name, "schema": request.schema, "strict": is_strict(request.schema)}
    return {"type": "json_schema", "json_schema": shape}


def in_words(schema: dict[str, Any]) -> str:
    """The same wish as text, for servers that lack ``response_format``."""
    return PLAIN + orjson.dumps(schema).decode()


def is_strict(schema: Any) -> bool:
    """Whether a schema may be sent as strict: closed objects, all fields required, simple keywords only."""
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    if not schema.keys() <= _STRICT:
        return False
    properties = schema.get("properties", {})
    is_object = schema.get("type") == "object" or bool(properties)
    all_required = set(schema.get("required", ())) == set(properties)
    if is_object and not (all_required and schema.get("additionalProperties") is False):
        return False
    parts = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    return all(is_strict(part) for part in [*parts, schema.get("items", True)])


def parse(text: str, schema: dict[str, Any]) -> tuple[Any, Failure | None]:
    """The JSON value that ``text`` holds, or why it holds none that meets the schema.

    A thought before the answer (``<think>…</think>``) and one code fence around it are forgiven, other words are not.
    """
    bare = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.match(bare)
    try:
        value = orjson.loads(fenced[1] if fenced else bare)
    except orjson.JSONDecodeError as error:
        return None, Failure("unparseable", f"no JSON: {error.msg} at character {error.pos} of {len(text)}")
    error_found = next(_validator(orjson.dumps(schema)).iter_errors(value), None)
    if error_found is not None:
        # The path and the keyword alone: the value is the model's text and has no place in a log.
        return None, Failure("off_schema", f"{error_found.json_path[:100]}: {error_found.validator}")
    return value, None


@lru_cache(maxsize=64)
def _validator(schema: bytes) -> Draft202012Validator:
    # An empty registry: a reference in a schema is never fetched.
    return Draft202012Validator(
        orjson.loads(schema), registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
