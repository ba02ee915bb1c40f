"""Shared: tiny models made offline, the command in this process, and datasets of a few rows."""

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).parent))

import pytest
from trainhelp import Done, Here, prompts, remake

# What the libraries below us warn of, and we can't change.
THEIRS = ("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            for each in THEIRS:
                item.add_marker(pytest.mark.filterwarnings(each))


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
    import tinymodels

    folder = tmp_path_factory.mktemp("models") / "idefics3"
    assert tinymodels.make_idefics3(folder) < 300_000
    return folder


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA from random weights. Read only."""
    import tinymodels

    folder = tmp_path_factory.mktemp("models") / "llava"
    assert tinymodels.make_llava(folder) < 300_000
    return folder


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """safety-sft and safety-dpo with eight prompts for training and three for validation, and all of cross beside."""
    out = tmp_path_factory.mktemp("few")
    for name in ("safety-sft", "safety-dpo"):
        remake(built / name, out / name, lambda rows, split: prompts(rows, 8 if split == "train" else 3))
    (out / "cross").symlink_to(built / "cross")
    return out
