"""Where words and data go: data to stdout, talk to stderr, in one of three modes."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

import click
from tqdm import tqdm

Mode = Literal["human", "json", "quiet"]
T = TypeVar("T")


class Output:
    """What every command prints through.

    ``human``: tables and talk; ``json``: one JSON value on stdout, talk on stderr; ``quiet``: data lines alone.
    """

    def __init__(self, mode: Mode = "human") -> None:
        self.mode: Mode = mode

    def say(self, text: str) -> None:
        """Talk: to stderr, left out when quiet."""
        if self.mode != "quiet":
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """A warning: to stderr in every mode."""
        click.echo(f"warning: {text}", err=True)

    def result(self, data: Any, text: str, brief: str = "") -> None:
        """The command's result: ``data`` as JSON, ``text`` for people, or ``brief`` when quiet."""
        match self.mode:
            case "json":
                click.echo(json.dumps(data, ensure_ascii=False, indent=2))
            case "human":
                click.echo(text)
            case "quiet" if brief:
                click.echo(brief)

    def progress(self, items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        """``items`` with a bar on stderr: rate and time left; only for people at a terminal."""
        off = True if self.mode != "human" else None
        yield from tqdm(items, desc=what, total=total, unit="row", disable=off, leave=False)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A plain text table: left-aligned columns, numbers to the right."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    numeric = [all(row[i].replace(",", "").replace(".", "").isdigit() for row in rows) for i in range(len(header))]

    def line(row: list[str]) -> str:
        padded = (c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join(line(row) for row in cells)
