"""Datasets built elsewhere that training rows of this build must not repeat."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...console.errors import UserError
from ...store.dataset import parquet, read_manifest
from ...store.likeness import look
from .leakage import Footprint


def read_against(folders: Sequence[Path]) -> tuple[list[Footprint], list[dict[str, Any]]]:
    """Footprints of the rows of ``cross`` datasets, and how the manifest names these datasets.

    Raises:
        UserError: a folder that holds another dataset than ``cross``.
        NoDatasetError: a folder that holds none.
    """
    footprints, named = [], []
    for folder in folders:
        manifest = read_manifest(folder)
        if manifest["name"] != "cross":
            raise UserError(f"--against {folder}: holds {manifest['name']}; a folder of cross is wanted")
        hashes = {name: config["rows_sha256"] for name, config in manifest["configs"].items()}
        named.append({"name": "cross", "version": manifest["version"], "rows_sha256": hashes})
        footprints += [print_ for file in manifest["files"] for print_ in _footprints(folder / file["path"])]
    return footprints, named


def _footprints(path: Path) -> Iterator[Footprint]:
    columns = ["id", "image", "image_sha256", "scene", "norm", "topic", "item"]
    for batch in parquet(path).iter_batches(batch_size=32, columns=columns):
        for row in batch.to_pylist():
            scene = row["scene"]
            yield Footprint(
                row["id"],
                row["image_sha256"],
                None if scene else look(row["image"]["bytes"]),
                (scene["layout"], frozenset([row["item"] or "", *scene["others"]])) if scene else None,
                row["norm"],
                row["topic"],
                row["item"],
            )
