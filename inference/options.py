"""Options of every command that asks a chat model, as one decorator and one value."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from .cost import Ledger
from .endpoint import Endpoint
from .job import Asking, Job
from .journal import Journal
from .prices import read_prices

R = TypeVar("R")


@dataclass(frozen=True)
class InferenceOptions:
    """What the user wants of the endpoint; a field for each option."""

    model: str | None = None
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = 64
    timeout: float = 180.0
    max_usd: float | None = None
    prices: Path | None = None
    estimate: bool = False
    batch: bool = False
    retry_failed: bool = False
    journal: Path | None = None

    def need_model(self) -> str:
        """The model's name.

        Raises:
            click.UsageError: none was given.
        """
        if not self.model:
            raise click.UsageError("--model NAME is needed: the name that the endpoint knows the model by")
        return self.model

    def endpoint(self) -> Endpoint:
        """Where the model is.

        Raises:
            UserError: the address is none, or holds a key.
        """
        return Endpoint(self.base_url, self.api_key_env, self.concurrency, self.timeout)

    def job(self, journal: Journal, asking: Asking | None = None, notice: Callable[[str], None] | None = None) -> Job:
        """A job over a journal, with the limits that were given.

        Args:
            journal: where answers are kept.
            asking: what may be asked; as ``--retry-failed`` says if None.
            notice: is given words for the user (``Output.say``); the log if None.

        Raises:
            UserError: the file of prices is none, a limit is set and the model has no price, or the limit is reached.
        """
        ledger = Ledger(journal, read_prices(self.prices), self.max_usd)
        if self.max_usd is not None and self.model:
            ledger.require_price(self.model)
        wanted: Asking = asking or ("failed" if self.retry_failed else "all")
        return Job(journal, ledger, wanted, batch=self.batch, notice=notice)


def inference_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options; the command receives ``inference: InferenceOptions``."""

    @wraps(command)
    def wrapped(*args: Any, **options: Any) -> R:
        mine = {field.name: options.pop(field.name) for field in fields(InferenceOptions)}
        return command(*args, inference=InferenceOptions(**mine), **options)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_OPTIONS = [
    click.option("--model", metavar="NAME", help="The model, by the name that the endpoint knows it by."),
    click.option(
        "--base-url",
        metavar="URL",
        help="The endpoint, up to /v1: http://localhost:8000/v1 (vLLM), http://localhost:11434/v1 (Ollama). "
        "OpenAI's own if left out.",
    ),
    click.option(
        "--api-key-env",
        metavar="NAME",
        default="OPENAI_API_KEY",
        show_default=True,
        help="Environment variable that holds the key. The key itself is never an option.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 4096),
        default=64,
        show_default=True,
        help="Most calls at one time; fewer while the endpoint says that it is too much.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(1, 86_400),
        default=180.0,
        show_default=True,
        metavar="SECONDS",
        help="Deadline of one call.",
    ),
    click.option(
        "--max-usd",
        type=click.FloatRange(0, min_open=True),
        metavar="USD",
        help="Stop before the call that would pass this sum, over all calls in the journal.",
    ),
    click.option(
        "--prices",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help='Prices of your own: {"as_of": "2026-06-30", "models": {"NAME": {"input": 0.5, "output": 1.5}}}, '
        "USD per million tokens.",
    ),
    click.option(
        "--estimate", is_flag=True, help="Ask a sample of the rows, tell what all would cost, and stop there."
    ),
    click.option(
        "--batch", is_flag=True, help="Through OpenAI's Batch API: half the price, within 24 hours, resumable."
    ),
    click.option(
        "--retry-failed",
        is_flag=True,
        help="Ask again what failed before, and what follows from it; leave alone what was never asked.",
    ),
    click.option(
        "--journal",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Where answers are kept and found again (SQLite). In the output folder if left out.",
    ),
]
