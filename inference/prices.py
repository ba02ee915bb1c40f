"""What tokens cost: a dated file that users can replace by their own.

A file of prices is JSON, in USD per million tokens (``cached`` defaults to ``input``, ``batch`` is the factor of the
Batch API and defaults to 1)::

    {"as_of": "2026-06-30", "models": {"my-model": {"input": 0.5, "cached": 0.1, "output": 1.5, "batch": 0.5}}}

A dated snapshot (``NAME-2025-08-07``) that has no price of its own costs what ``NAME`` costs.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console.errors import UserError
from .result import Usage

BUNDLED = Path(__file__).parent / "prices.json"
EXAMPLE = '{"as_of": "2026-06-30", "models": {"NAME": {"input": 0.5, "output": 1.5}}}'

_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; ``batch`` is the factor for calls through the Batch API."""

    input: float
    cached: float
    output: float
    batch: float = 1.0

    def cost(self, usage: Usage, batch: bool = False) -> float:
        """USD for the tokens of a call."""
        cached = min(usage.cached, usage.prompt)
        whole = (usage.prompt - cached) * self.input + cached * self.cached + usage.completion * self.output
        return whole / 1e6 * (self.batch if batch else 1.0)


@dataclass(frozen=True)
class Prices:
    """Prices by model, as of a date."""

    as_of: str
    models: dict[str, Price]
    file: str = "bundled"

    def of(self, *names: str | None) -> Price | None:
        """The price of the first name that has one (the model that came back, then the one asked for)."""
        for name in filter(None, names):
            price = self.models.get(name) or self.models.get(_DATED.sub("", name))
            if price is not None:
                return price
        return None


def read_prices(path: Path | None = None) -> Prices:
    """Prices from a file, the bundled one if None.

    Raises:
        UserError: the file is not of the form that the module's text shows.
    """
    file = path or BUNDLED
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        models = {name: _price(told) for name, told in content["models"].items()}
        return Prices(str(content["as_of"]), models, path.name if path else "bundled")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: no file of prices ({type(error).__name__}: {error}); the form is {EXAMPLE}") from None


def _price(told: dict[str, Any]) -> Price:
    if extra := told.keys() - {"input", "cached", "output", "batch"}:
        raise ValueError(f"{', '.join(sorted(extra))} is not known")
    values = {"cached": told["input"]} | told
    if not all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in values.values()):
        raise ValueError("a price is a number, 0 or more")
    return Price(**{name: float(value) for name, value in values.items()})
