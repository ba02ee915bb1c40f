"""Shared by the builder's tests: folders in CVQA's shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.cvqa_rows import write_folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(rows)`` → the folder."""

    def make(rows: list[dict[str, Any]], name: str = "cvqa") -> Path:
        return write_folder(tmp_path / name, rows)

    return make
