"""The build command with the chat generator and a key in the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.author import KEY


@pytest.fixture
def build(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """``build(url, folder, "--out", …)``: the command with the chat generator and a key in the environment."""

    def call(url: str, folder: Path, *words: Any) -> Any:
        chat = ("--generator", "chat", "--model", "scripted", "--verify-model", "checker", "--base-url", url)
        source = ("--source", "cvqa", "--path", folder)
        return run("build", *source, *chat, "--timeout", "5", *words, env={"OPENAI_API_KEY": KEY})

    return call
