"""Parquet with embedded pictures: rows in id order, small row groups, content-defined chunks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...store.atomic import sync_file
from ...store.features import features
from ...store.hashes import sha256_file
from ...store.picturecells import picture_cell
from .rows import Placed

ROW_GROUP = 100


@dataclass(frozen=True, slots=True)
class DataFile:
    """One parquet file as the manifest lists it."""

    path: str
    config: str
    split: str
    sha256: str
    bytes: int
    rows: int


def arrow_schema(dataset: str) -> pa.Schema:
    """Columns of a dataset's parquet files, without the ``huggingface`` metadata that ties them to a version."""
    return features(dataset).arrow_schema.remove_metadata()


def write_split(folder: Path, dataset: str, config: str, split: str, rows: Sequence[Placed]) -> DataFile:
    """Write the rows of one split, in the order given, and name the file by its content."""
    place = folder / "data" / config
    place.mkdir(parents=True, exist_ok=True)
    aside = place / f".{split}.parquet"
    shape = arrow_schema(dataset)
    with pq.ParquetWriter(
        aside,
        shape,
        compression=_compression(shape),
        use_content_defined_chunking=True,
        write_page_index=True,
        store_schema=False,
    ) as writer:
        for batch in _ahead(_batches(rows, shape)):
            writer.write_batch(batch, row_group_size=ROW_GROUP)
    sync_file(aside)
    digest = sha256_file(aside)
    name = f"{split}-00000-of-00001-{digest[:12]}.parquet"
    aside.rename(place / name)
    size = (place / name).stat().st_size
    return DataFile(f"data/{config}/{name}", config, split, digest, size, len(rows))


def _compression(shape: pa.Schema) -> dict[str, str]:
    """Texts get zstd; pictures are compressed already."""
    paths = (path for field in shape for path in _leaves(field.name, field.type))
    return {path: "NONE" if path.endswith(".bytes") else "ZSTD" for path in paths}


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """Paths of a column's leaves as parquet names them."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path


def _batches(rows: Sequence[Placed], shape: pa.Schema) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), ROW_GROUP):
        part = [_cells(placed) for placed in rows[start : start + ROW_GROUP]]
        yield pa.RecordBatch.from_pylist(part, schema=shape)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, the next one made ready while the last is written."""
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(next, batches, None)
        while (batch := ready.result()) is not None:
            ready = pool.submit(next, batches, None)
            yield batch


def _cells(placed: Placed) -> dict[str, Any]:
    cell = picture_cell(placed.picture.read(), placed.picture.sha256, placed.picture.format)
    column: dict[str, Any] = {"image": cell} if "image" in placed.row else {"images": [cell]}
    return placed.row | column
