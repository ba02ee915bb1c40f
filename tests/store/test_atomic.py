"""Folders are exchanged whole, from whatever point an exchange was cut off."""

from pathlib import Path

import pytest
from cross_safety.store import atomic


def tree(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): path.read_text() for path in sorted(out.rglob("*")) if path.is_file()}


def fill(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "file").write_text(text)


def prepared(out: Path) -> None:
    for name in ("a", "b", "c"):
        fill(out / name, f"old {name}")
    new = atomic.start_work(out)
    for name in ("a", "b", "c"):
        fill(new / name, f"new {name}")


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("cut", range(12))
def test_killed_at_every_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    prepared(tmp_path)
    calls = 0
    rename = Path.rename

    def cut_off(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls > cut:
            raise Killed
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut_off)
    try:
        atomic.commit_work(tmp_path)
    except Killed:
        monkeypatch.undo()
        assert atomic.recover(tmp_path)
    assert tree(tmp_path) == {f"{name}/file": f"new {name}" for name in ("a", "b", "c")}


def test_unfinished_work_leaves_the_old(tmp_path: Path) -> None:
    prepared(tmp_path)
    assert not atomic.recover(tmp_path)
    assert tree(tmp_path) == {f"{name}/file": f"old {name}" for name in ("a", "b", "c")}


def test_write_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "file"
    atomic.write_text(place, "one")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        atomic.write_text(place, "two")
    assert tree(tmp_path) == {"file": "one"}
