"""Small versions of a dataset to publish, and the release file of somebody who may."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cross_safety.builder.release.manifest import describe_config
from cross_safety.cards import render_local
from cross_safety.store.dataset import iter_rows
from cross_safety.store.hashes import sha256_file

RELEASE = """
owner = "someone"
address = "https://example.org/cross-safety"
contact = "https://example.org/cross-safety/issues"
[[authors]]
name = "The testers"
"""


def change(
    folder: Path, version: str, keep: Callable[[dict], bool] = lambda row: True, words: str | None = None
) -> Path:
    """Make another version of a dataset folder: rows for which ``keep`` holds, ``words`` a norm in open/test."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"version": version, "files": [_rewritten(folder, file, keep, words) for file in manifest["files"]]}
    return described(folder, manifest)


def described(folder: Path, manifest: dict[str, Any]) -> Path:
    """Write manifest, card and changelog for the data files that ``manifest`` lists."""
    for name in manifest["configs"]:
        own = [file for file in manifest["files"] if file["config"] == name]
        rows = [(file["split"], row) for file in own for row in iter_rows(folder / file["path"])]
        manifest["configs"][name] = describe_config([split for split, _ in rows], [row for _, row in rows])
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    log = folder / "CHANGELOG.md"
    log.write_text(
        log.read_text().replace("\n## ", f"\n## {manifest['version']} (2026-01-02)\n\nChanged in a test.\n\n## ", 1)
    )
    for name, text in render_local(manifest).items():
        (folder / name).write_text(text)
    return folder


def _rewritten(folder: Path, file: dict, keep: Callable[[dict], bool], words: str | None) -> dict:
    old = folder / file["path"]
    table = pq.read_table(old)
    rows = [row for row in table.to_pylist() if keep(row)]
    if words and (file["config"], file["split"]) == ("open", "test"):
        rows[0]["norm"] = words
    if rows == table.to_pylist():
        return file
    new = old.with_suffix(".tmp")
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), new)
    sha256 = sha256_file(new)
    path = old.with_name(f"{file['split']}-00000-of-00001-{sha256[:12]}.parquet")
    old.unlink()
    new.rename(path)
    return file | {
        "path": path.relative_to(folder).as_posix(),
        "sha256": sha256,
        "rows": len(rows),
        "bytes": path.stat().st_size,
    }
