"""Writes that are whole or absent, and the exchange of dataset folders that survives an interruption.

A build writes its folders under ``OUT/.cross-safety-build/new``. When all are complete the file ``ready`` is
written; from then on the exchange is only moved forward, also by the next start after a kill.
"""

import os
import shutil
from pathlib import Path

WORK = ".cross-safety-build"


def sync_folder(folder: Path) -> None:
    """Flush a folder's own entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Flush a file's content to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """``write_bytes`` of UTF-8 text with newlines as they stand."""
    write_bytes(path, text.encode())


def start_work(out: Path) -> Path:
    """Finish or clear what an interrupted build left in ``out``, then give an empty folder to build in."""
    recover(out)
    new = out / WORK / "new"
    new.mkdir(parents=True)
    return new


def commit_work(out: Path) -> None:
    """Put every folder that was built in ``OUT/.cross-safety-build/new`` in its place."""
    write_bytes(out / WORK / "ready", b"")
    recover(out)


def abandon_work(out: Path) -> None:
    """Remove a build that did not come to its end; the folders in place stay as they were."""
    if not (out / WORK / "ready").exists():
        shutil.rmtree(out / WORK, ignore_errors=True)


def recover(out: Path) -> bool:
    """Carry an exchange that had begun to its end, or clear an unfinished build.

    Returns:
        True where an interrupted exchange was completed.
    """
    work = out / WORK
    if not work.is_dir():
        return False
    done = (work / "ready").exists()
    if done:
        for folder in sorted((work / "new").iterdir()):
            _exchange(folder, out / folder.name, work / "old")
        sync_folder(out)
        (work / "ready").unlink()
    shutil.rmtree(work)
    return done


def _exchange(new: Path, place: Path, old: Path) -> None:
    if place.exists():
        old.mkdir(exist_ok=True)
        place.rename(old / f"{place.name}.{len(list(old.iterdir()))}")
    new.rename(place)
