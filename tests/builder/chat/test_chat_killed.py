"""kill -9 while a model is being asked; the full trial, 50 kills of 300 rows, is ``benchmarks/kill_chat.py``."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from loopback.cvqa_rows import gifts, write_folder


def load(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location("kill_chat", root / "benchmarks" / "kill_chat.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_chat"] = module
    spec.loader.exec_module(module)
    return module


def test_nothing_lost_torn_or_paid_twice(root: Path, tmp_path: Path) -> None:
    found = load(root).trial(write_folder(tmp_path / "cvqa", gifts(60)), tmp_path, kills=6)
    assert found.struck_while_asking >= 3
    assert (found.asked_again, found.problems, found.rows_differ) == ([], [], [])
    assert found.answers_in_journal <= found.calls
