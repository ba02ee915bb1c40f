"""A small dataset to publish, a hub to publish it to, and the release file of somebody who may."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback.hub import Hub
from loopback.small import RELEASE, change


@pytest.fixture(scope="session")
def small(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``cross`` with the rows of Japan alone. Read only: copy before changing."""
    folder = shutil.copytree(built / "cross", tmp_path_factory.mktemp("small") / "cross")
    return change(folder, "1.0.0", lambda row: row["country"] == "JP")


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy of the small dataset."""
    (tmp_path / "release.toml").write_text(RELEASE)
    return shutil.copytree(small, tmp_path / "cross")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def to_hub(hub: Hub, tmp_path: Path, run: Callable) -> Callable:
    """The command line against the hub; HF_HOME is a folder of this test."""
    return lambda *words, **more: run(*words, env=hub.env(tmp_path / "home") | more, cwd=tmp_path)
