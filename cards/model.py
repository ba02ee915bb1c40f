"""The card of a trained model, rendered from the record of its run."""

from collections.abc import Mapping
from typing import Any

from .render import render


def render_model_card(record: Mapping[str, Any]) -> str:
    """``README.md`` of a training run.

    Raises:
        jinja2.UndefinedError: the record lacks something that the card states.
    """
    return render("model.md.j2", {"r": record, "data": record["data"], "metrics": _shown(record["metrics"])})


def _shown(metrics: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in sorted(metrics.items())
    }
