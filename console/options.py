"""Options that every command has."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from .output import Output

R = TypeVar("R")


def common_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add ``--output`` and ``--debug``; the command receives ``output: Output``."""

    @click.option(
        "--output",
        "mode",
        type=click.Choice(["human", "json", "quiet"]),
        default="human",
        show_default=True,
        help="human: tables; json: one value for scripts; quiet: the bare result.",
    )
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @wraps(command)
    def wrapped(*args: Any, mode: Any, debug: bool, **options: Any) -> R:
        return command(*args, output=Output(mode), **options)

    return wrapped
