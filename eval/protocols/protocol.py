"""Reading a protocol folder, rendering what the judge is asked, and reading labels off its reply."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...console import UserError
from ...store.hashes import sha256_tree
from .fence import fence

_HERE = Path(__file__).parent
_EXPLAINED = frozenset({"education", "helpfulness", "all"})


@dataclass(frozen=True, slots=True)
class Field:
    """Where a dimension's label stands in a reply; ``inverted``: the label is one minus it."""

    dimension: str
    field: str
    inverted: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One call to the judge: its name, the schema of the reply and the labels that the reply holds."""

    name: str
    schema: dict[str, Any]
    labels: tuple[Field, ...]

    def read(self, reply: Mapping[str, Any]) -> dict[str, int]:
        """The labels by dimension of a reply that is valid against ``schema``."""
        return {
            label.dimension: 1 - int(reply[label.field]) if label.inverted else int(reply[label.field])
            for label in self.labels
        }


@dataclass(frozen=True, slots=True)
class Protocol:
    """How answers are judged; ``sha256`` is over all files of its folder."""

    name: str
    sha256: str
    temperature: float | None
    max_tokens: int | None
    system: str
    by_split: dict[str, tuple[Question, ...]]
    folder: Path

    def render(self, question: Question, row: Mapping[str, Any], answer: str, *, pictured: bool = True) -> str:
        """What the judge reads beside the picture; everything that others wrote stands in a fence.

        Education and helpfulness are given the row's meaning and alternative where it has them.
        """
        return (
            _environment(self.folder)
            .get_template(f"{question.name}.j2")
            .render(
                query=row["query"],
                norm=row["norm"],
                meaning=row.get("meaning"),
                alternative=row.get("alternative"),
                country_name=" ".join(str(row["country_name"]).split())[:80],
                benign=row["split"] == "benign",
                explained=question.name in _EXPLAINED,
                answer=answer,
                pictured=pictured,
            )
        )


def protocol_names() -> list[str]:
    """The protocols that come with the package."""
    return sorted(path.parent.name for path in _HERE.glob("*/config.json"))


def load_protocol(name: str, *, one_call: bool = False, reasoning_judge: bool = False) -> Protocol:
    """A protocol by name.

    Args:
        name: its folder's name.
        one_call: all four dimensions of an answer in one reply.
        reasoning_judge: temperature and token limit are left to the server; models that reason refuse the one and use
            up the other before they reply.

    Raises:
        UserError: there is no such protocol.
    """
    if name not in protocol_names():
        raise UserError(f"{name}: no such judge protocol; there are {', '.join(protocol_names())}")
    folder = _HERE / name
    config = json.loads((folder / "config.json").read_text("utf-8"))
    labels = [Field(dimension, **where) for dimension, where in config["labels"].items()]
    return Protocol(
        name=config["name"],
        sha256=sha256_tree(folder, [path for path in folder.iterdir() if path.is_file()]),
        temperature=None if reasoning_judge else config["temperature"],
        max_tokens=None if reasoning_judge else config["max_tokens"],
        system=(folder / "system.md").read_text("utf-8").strip(),
        by_split={
            "test": _questions(folder, config["test_one_call" if one_call else "test"], labels),
            "benign": _questions(folder, config["benign"], labels),
        },
        folder=folder,
    )


def _questions(folder: Path, names: Sequence[str], labels: Sequence[Field]) -> tuple[Question, ...]:
    schemas = {name: json.loads((folder / f"{name}.schema.json").read_text("utf-8")) for name in names}
    return tuple(
        Question(name, schema, tuple(label for label in labels if label.field in schema["properties"]))
        for name, schema in schemas.items()
    )


@cache
def _environment(folder: Path) -> Environment:
    made = Environment(  # noqa: S701 - plain text for a model, not HTML
        loader=FileSystemLoader(folder), undefined=StrictUndefined, keep_trailing_newline=False, auto_reload=False
    )
    made.globals["fence"] = fence
    return made
