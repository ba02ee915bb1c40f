"""kill -9 at random moments: what stands is the old version or the new one, whole; the next build ends the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.release.checking import check_folder
from loopback.cvqa_rows import row

KILLS = 20
CODE = "from cross_safety.cli import main; main()"


def start(folder: Path, out: Path, version: str) -> "subprocess.Popen[bytes]":
    words = ["build", "--source", "cvqa", "--path", folder, "--out", out, "--version", version, "--replace"]
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def standing(out: Path) -> dict[str, tuple[str, str]]:
    """Version and hash of rows of every folder that says it is a dataset; each must be whole."""
    found = {}
    for path in sorted(out.glob("*/manifest.json")):
        manifest, problems = check_folder(path.parent)
        assert problems == []
        found[path.parent.name] = (manifest["version"], json.dumps(manifest["configs"], sort_keys=True))
    return found


@pytest.fixture
def sources(write: Callable[..., Path]) -> tuple[Path, Path]:
    """Two versions of a source: the second has a row more."""
    rows: list[Any] = [row(n) for n in range(40)]
    return write(rows, "old"), write([*rows, row(40)], "new")


def test_killed_anywhere(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    wanted = {}
    for version, source in zip(("1.0.0", "1.1.0"), sources, strict=True):
        began = time.monotonic()
        assert start(source, tmp_path / version, version).wait(120) == 3
        took = time.monotonic() - began
        wanted[version] = standing(tmp_path / version)
    out, rng, seen = tmp_path / "out", random.Random(7), set()
    assert start(sources[0], out, "1.0.0").wait(120) == 3
    for number in range(KILLS):
        current = next(iter(standing(out).values()))[0]
        version = "1.1.0" if current == "1.0.0" else "1.0.0"
        child = start(sources[version == "1.1.0"], out, version)
        time.sleep(took * rng.uniform(0.5 if number % 2 else 0.0, 1.05))
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        now = standing(out)
        assert now in list(wanted.values()), f"kill {number}"
        seen.add((out / ".cross-safety-build").exists())
    assert True in seen, "no kill struck while a build was at work"
    assert start(sources[1], out, "1.1.0").wait(120) == 3
    assert standing(out) == wanted["1.1.0"]
    assert not os.path.lexists(out / ".cross-safety-build")
