"""A CVQA-shaped folder for the chat generator: gifts that are no gifts, and photographs of nothing in particular."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from cvqa.conftest import Write, row, write  # noqa: F401 - a fixture of the other folder, and its rows

KEY = "sk-a-key-that-nobody-may-see"
THINGS = ("a clock", "scissors", "a white candle", "an umbrella", "a mirror", "a comb", "a bell", "a knife")
PAIRS = ("('Japanese', 'Japan')", "('Bulgarian', 'Bulgaria')", "('Telugu', 'India')")


def rows(count: int) -> list[dict[str, Any]]:
    """Every third row shows a gift, in three countries in turn."""
    return [
        row(
            number,
            Subset=PAIRS[number // 3 % 3],
            **{"Translated Options": [_shown(number), "a heron", "a ferry", "a lantern"]},
        )
        for number in range(count)
    ]


def _shown(number: int) -> str:
    """No two countries share a thing: (topic, item) may not stand in test and training, in any country."""
    place = PAIRS[number // 3 % 3][2:5]
    return f"gift {THINGS[number // 9 % len(THINGS)]} from {place}" if number % 3 == 0 else f"thing {number}"


@pytest.fixture
def build(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """``build(url, folder, "--out", …)``: the command with the chat generator and a key in the environment."""

    def call(url: str, folder: Path, *words: Any) -> Any:
        chat = ("--generator", "chat", "--model", "scripted", "--verify-model", "checker", "--base-url", url)
        source = ("--source", "cvqa", "--path", folder)
        return run("build", *source, *chat, "--timeout", "5", *words, env={"OPENAI_API_KEY": KEY})

    return call
