"""Prompts from their files, data fenced in, answers by schema."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from ....schemas import schema, table
from ....store.hashes import canonical_json, sha256_bytes

HERE = Path(__file__).parent / "prompts"
_MARK = re.compile(r"<{2,}|>{2,}")


@cache
def _prompt(stage: str) -> tuple[dict[str, Any], jinja2.Template]:
    head, _, text = (HERE / f"{stage}.md").read_text(encoding="utf-8").partition("---\n")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - plain text
    return yaml.safe_load(head), environment.from_string(text.strip())


def render(stage: str, data: Mapping[str, str], **values: str) -> str:
    """A stage's prompt, filled in; ``data`` goes into the fence, ``values`` are words of ours."""
    return _prompt(stage)[1].render(data=fenced(data), **values)


def fenced(data: Mapping[str, str]) -> str:
    """Texts from elsewhere between marks that they can't contain: runs of angle brackets in them are thinned out.

    The marks end in a hash of the content, so that nobody can know them while writing it.
    """
    lines = [f"{name}: {_MARK.sub(lambda run: run[0][0], ' '.join(text.split()))}" for name, text in data.items()]
    mark = sha256_bytes(canonical_json(lines))[:12]
    return f"<<<data {mark}\n" + "\n".join(lines) + f"\n>>>data {mark}"


def prompt_versions() -> dict[str, str]:
    """sha256 of each prompt file and of the shapes of answers, by name, as the manifest states them."""
    files = [*sorted(HERE.glob("*.md")), HERE.with_name("shapes.json")]
    return {path.stem: sha256_bytes(path.read_bytes()) for path in files}


@cache
def answer_schema(stage: str) -> dict[str, Any]:
    """The JSON Schema of what a stage answers: closed, every field required, texts bounded."""
    import json

    fields = json.loads(HERE.with_name("shapes.json").read_text(encoding="utf-8"))[stage]
    return _object({name: _field(kind) for name, kind in fields.items()})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _field(kind: str | int) -> dict[str, Any]:
    """A field by its kind: a number is the most characters of a text."""
    shared = schema("common")["$defs"]
    match kind:
        case "boolean":
            return {"type": "boolean"}
        case "topic" | "domain":
            return {"type": "string", "enum": [*shared[kind]["enum"], "none"]}
        case "dimensions":
            return _object({name: {"type": "boolean"} for name in table("dimensions")})
        case int():
            return {"type": "string", "maxLength": kind}
    raise ValueError(f"no kind of field {kind!r}")
