"""Load a version back from the hub as a stranger would: in a process and a cache of its own.

``python -m cross_safety.builder.release.readback OWNER/NAME COMMIT`` prints what it found as one JSON object.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .retry import retrying


def read_back(repo: str, commit: str) -> dict[str, Any]:
    """Hashes of files and rows at a commit, read by ``datasets`` in a fresh cache, which is removed again.

    Returns:
        ``files`` (sha256 by path), ``rows`` (``rows_sha256`` by config) and ``errors`` (by config, or ``download``).
    """
    from huggingface_hub import constants

    with tempfile.TemporaryDirectory(prefix="cross-safety-readback-") as home:
        env = {key: value for key, value in os.environ.items() if not key.startswith("HF_DATASETS_")}
        env = {
            key: value for key, value in env.items() if key not in ("HF_HUB_CACHE", "HF_XET_CACHE", "HF_HUB_OFFLINE")
        }
        env |= {"HF_HOME": home, "HF_TOKEN_PATH": constants.HF_TOKEN_PATH, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        words = [sys.executable, "-m", __spec__.name, repo, commit]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return {"files": {}, "rows": {}, "errors": {"download": last[:200]}}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _found(repo: str, commit: str) -> dict[str, Any]:
    from huggingface_hub import snapshot_download

    from ...store.dataset import read_manifest
    from ...store.hashes import sha256_file

    folder = Path(retrying(lambda: snapshot_download(repo, repo_type="dataset", revision=commit)))
    files = {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}
    rows: dict[str, str] = {}
    errors: dict[str, str] = {}
    for config in read_manifest(folder)["configs"]:
        try:
            rows[config] = _rows_sha256(repo, commit, config)
        except Exception as error:  # noqa: BLE001 - whatever datasets raises is the finding
            errors[config] = f"{type(error).__name__}"
    return {"files": files, "rows": rows, "errors": errors}


def _rows_sha256(repo: str, commit: str, config: str) -> str:
    from datasets import load_dataset

    from ...store.hashes import rows_sha256

    loaded = retrying(lambda: load_dataset(repo, config, revision=commit))

    def rows() -> Iterator[Mapping[str, Any]]:
        from ...store.picturecells import describe_row

        for split in sorted(loaded):
            for part in loaded[split].with_format("arrow").iter(batch_size=32):
                for row in part.to_pylist():
                    yield {key: value for key, value in describe_row(row).items() if key != "added_in"}

    return rows_sha256(rows())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_found(sys.argv[1], sys.argv[2])) + "\n")
