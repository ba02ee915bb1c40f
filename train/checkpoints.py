"""The last checkpoint that is whole, after whatever ended the run before."""

import json
import re
import shutil
import zipfile
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
STATE = "trainer_state.json"


def checkpoints(out: Path) -> list[Path]:
    """Checkpoint folders in ``out``, by their step, whole or not."""
    found = [path for path in out.glob("checkpoint-*") if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.partition("-")[2]))


def is_complete(folder: Path, processes: int = 1) -> bool:
    """Is this checkpoint whole.

    The trainer writes ``trainer_state.json`` last of all, so it must be there and say this very step; the other
    processes write their random states beside it, so there must be one a process; and what torch wrote must be archives
    that have their ends.
    """
    try:
        state = json.loads((folder / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    random_states = list(folder.glob("rng_state*.pth"))
    archives = [*random_states, *folder.glob("*.pt"), *folder.glob("*.bin")]
    return (
        isinstance(state, dict)
        and f"checkpoint-{state.get('global_step')}" == folder.name
        and len(random_states) >= processes
        and all(zipfile.is_zipfile(path) for path in archives)
    )


def last_complete(out: Path, processes: int = 1) -> Path | None:
    """The newest whole checkpoint, or None."""
    return next((path for path in reversed(checkpoints(out)) if is_complete(path, processes)), None)


def drop_incomplete(out: Path, processes: int = 1) -> list[Path]:
    """Remove checkpoints that a kill left half-written, so that nobody takes them for whole; those removed."""
    broken = [path for path in checkpoints(out) if not is_complete(path, processes)]
    for path in broken:
        shutil.rmtree(path)
    return broken
