"""The wheel holds all that the package needs, and works away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(root)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return next(out.glob("*.whl"))


ROOMS = ("builder", "cards", "console", "eval", "inference", "schemas", "store", "train")


def test_every_file_of_the_rooms_travels(wheel: Path, root: Path) -> None:
    packed = {name.removeprefix("cross_safety/") for name in zipfile.ZipFile(wheel).namelist()}
    there = {
        path.relative_to(root).as_posix()
        for room in ROOMS
        for path in (root / room).rglob("*")
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts)
    }
    assert there - packed == set()
    assert {"cli.py", "py.typed", "constraints.txt"} <= packed
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in packed)


def test_build_and_check_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "site"
    words = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run(words, check=True, capture_output=True)
    env = os.environ | {"PYTHONPATH": str(place)}
    code = (
        "import cross_safety, sys; assert cross_safety.__file__.startswith(sys.argv.pop(1));"
        "from cross_safety.cli import main; main()"
    )
    for command in (["build"], ["check", "cross"], ["check", "safety-sft"], ["check", "safety-dpo"]):
        done = subprocess.run(
            [sys.executable, "-c", code, str(place), *command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
