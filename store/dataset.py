"""Reading a dataset folder: its manifest, and its rows in constant memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .picturecells import describe_row


class NoDatasetError(ValueError):
    """A folder that holds no dataset of ours, or a manifest that can't be read."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The parsed ``manifest.json`` of a dataset folder.

    Raises:
        NoDatasetError: there is none, or it is no JSON object.
    """
    path = folder / "manifest.json"
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoDatasetError(f"{folder}: no manifest.json; this is no dataset folder of cross-safety") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NoDatasetError(f"{path}: not JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise NoDatasetError(f"{path}: not a JSON object")
    return parsed


def parquet(path: Path) -> pq.ParquetFile:
    """A parquet file to be read in constant memory.

    With ``pre_buffer``, pyarrow's default, a reader keeps every row group that it has passed: 400 MB where 24 MB do.
    """
    return pq.ParquetFile(path, pre_buffer=False)


def iter_rows(path: Path, batch: int = 64) -> Iterator[dict[str, Any]]:
    """The rows of one parquet file, with pictures as ``{sha256, format, width, height}``.

    Raises:
        NoDatasetError: the file is no readable parquet.
    """
    try:
        for part in parquet(path).iter_batches(batch_size=batch):
            for row in part.to_pylist():
                yield describe_row(row)
    except pa.ArrowInvalid as error:
        raise NoDatasetError(f"{path}: not readable as parquet ({str(error)[:120]})") from None


def iter_since(path: Path) -> Iterator[tuple[str, str]]:
    """Id and ``added_in`` of every row of one parquet file; nothing else is read.

    Raises:
        NoDatasetError: the file is no readable parquet, or lacks these columns.
    """
    try:
        table = pq.read_table(path, columns=["id", "added_in"])
        yield from zip(table["id"].to_pylist(), table["added_in"].to_pylist(), strict=True)
    except (pa.ArrowInvalid, KeyError) as error:
        raise NoDatasetError(f"{path}: not readable as parquet ({str(error)[:120]})") from None
