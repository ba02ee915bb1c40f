"""Shared: tiny models made offline, the command in this process, and datasets of a few rows made from the built ones."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).parent))

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cross_safety.schemas import table
from cross_safety.store.hashes import sha256_bytes

Row = dict[str, Any]
Edit = Callable[[list[Row], str], list[Row]]
Here = Callable[..., "Done"]
# What the libraries below us warn of, and we can't change.
THEIRS = ("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            for each in THEIRS:
                item.add_marker(pytest.mark.filterwarnings(each))


class Done:
    """The outcome of a command: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Here:
    """The command line in this process, so that torch is imported once."""
    from cross_safety.cli import _run

    def call(*words: object) -> Done:
        capfd.readouterr()
        code = _run([str(word) for word in words])
        return Done(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def idefics3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Idefics3 from random weights. Read only."""
    import models

    folder = tmp_path_factory.mktemp("models") / "idefics3"
    assert models.make_idefics3(folder) < 300_000
    return folder


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA from random weights. Read only."""
    import models

    folder = tmp_path_factory.mktemp("models") / "llava"
    assert models.make_llava(folder) < 300_000
    return folder


def remake(folder: Path, out: Path, edit: Edit, **manifest: Any) -> Path:
    """A copy of a dataset folder whose rows of the default config went through ``edit(rows, split)``, hashes mended."""
    described = json.loads((folder / "manifest.json").read_text("utf-8"))
    config = described["default_config"]
    described["files"] = [dict(f) for f in described["files"] if f["config"] == config]
    described["configs"] = {config: described["configs"][config]}
    for file in described["files"]:
        read = pq.read_table(folder / file["path"])
        rows = edit(read.to_pylist(), file["split"])
        columns = [n for n in read.schema.names if not rows or n in rows[0]]
        schema = pa.schema([read.schema.field(n) for n in columns])
        path = out / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        data = path.read_bytes()
        named = path.with_name(f"{path.stem[:-12]}{sha256_bytes(data)[:12]}.parquet")
        path.rename(named)
        file |= {"path": str(named.relative_to(out)), "sha256": sha256_bytes(data), "rows": len(rows)}
    (out / "manifest.json").write_text(json.dumps(described | manifest), "utf-8")
    return out


def prompts(rows: list[Row], count: int) -> list[Row]:
    """The rows of the first ``count`` prompts."""
    kept = list(dict.fromkeys(row["prompt_id"] for row in rows))[:count]
    return [row for row in rows if row["prompt_id"] in kept]


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """safety-sft and safety-dpo with eight prompts for training and three for validation, and the whole cross beside."""
    out = tmp_path_factory.mktemp("few")
    for name in ("safety-sft", "safety-dpo"):
        remake(built / name, out / name, lambda rows, split: prompts(rows, 8 if split == "train" else 3))
    (out / "cross").symlink_to(built / "cross")
    return out


NEGATIVE_TYPES = tuple(table("negative_types"))
