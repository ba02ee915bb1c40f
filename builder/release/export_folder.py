"""A folder that is whole or absent: written beside its place, flushed to disk, then put there by renaming."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...console.errors import UserError
from ...store.atomic import sync_folder

MARK = "export.json"


@contextmanager
def whole_folder(out: Path, *, replace: bool) -> Iterator[Path]:
    """An empty folder to write in, which takes the place of ``out`` when the block ends without an error.

    What an interrupted run left behind is removed by the next one.

    Raises:
        UserError: something is in the way, and either ``replace`` is not set or it is no export of ours.
    """
    parent = out.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    partial, replaced = parent / f".{out.name}.partial", parent / f".{out.name}.replaced"
    if replaced.exists() and not out.exists():
        replaced.rename(out)  # a kill between the two renames below
    _check_place(out, replace)
    _clear(partial)
    partial.mkdir()
    try:
        yield partial
        for folder in [*(path for path in partial.rglob("*") if path.is_dir()), partial]:
            sync_folder(folder)
        _clear(replaced)
        if out.exists():
            out.rename(replaced)
        partial.rename(out)
        sync_folder(parent)
        _clear(replaced)
    finally:
        _clear(partial)


def _check_place(out: Path, replace: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MARK).is_file():
        raise UserError(f"{out} is in the way, and it is no export of ours: it has no {MARK}", "another --out")
    if not replace:
        raise UserError(f"{out} holds an export already", "the same command with --replace, or another --out")


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def write_file(path: Path, data: bytes) -> None:
    """Write a file and flush it to disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
