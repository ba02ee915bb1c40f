"""Shared: the corpus built once a worker, and the command line as a function."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[1]
# Servers on loopback that tests of several rooms share: `from loopback.server import Loopback, Say`.
sys.path.insert(0, str(ROOT / "tests"))
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["SOURCE_DATE_EPOCH"] = "1767225600"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def run() -> Run:
    """The command line in a process of its own: ``run("build", "--out", "x", env={…})``."""

    def call(*words: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
        code = "from cross_safety.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | (env or {}),
            timeout=300,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """A folder with the three datasets of the bundled corpus. Read only: copy before changing."""
    out = tmp_path_factory.mktemp("built")
    done = run("build", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def manifests(built: Path) -> dict[str, dict[str, Any]]:
    return {
        name: json.loads((built / name / "manifest.json").read_text("utf-8"))
        for name in ("cross", "safety-sft", "safety-dpo")
    }


@pytest.fixture
def rows_of(built: Path, manifests: dict[str, dict[str, Any]]) -> Callable[[str, str], Iterator[dict[str, Any]]]:
    """Rows of one config as they are validated: pictures by hash."""
    from cross_safety.store.dataset import iter_rows

    def rows(dataset: str, config: str) -> Iterator[dict[str, Any]]:
        for file in manifests[dataset]["files"]:
            if file["config"] == config:
                yield from iter_rows(built / dataset / file["path"])

    return rows


@pytest.fixture(scope="session")
def target() -> Callable[[str], Draft202012Validator]:
    """A validator of a documented shape of another tool, by name (``tests/data/targets``)."""

    def load(name: str) -> Draft202012Validator:
        shape: dict[str, Any] = json.loads((ROOT / f"tests/data/targets/{name}.schema.json").read_text("utf-8"))
        return Draft202012Validator(shape)

    return load
