"""Folders in CVQA's shape, with rows and pictures as a test wants them."""

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

Row = dict[str, Any]
Write = Callable[..., Path]


def photograph(seed: int, side: int = 96) -> Image.Image:
    """A small picture unlike that of any other seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)


@cache
def jpeg(seed: int) -> bytes:
    out = io.BytesIO()
    photograph(seed).save(out, "JPEG", quality=92)
    return out.getvalue()


def row(number: int, **change: Any) -> Row:
    """A row that nothing speaks against, about Japan; every number has a picture of its own."""
    return {
        "image": {"bytes": jpeg(number), "path": f"{number}.jpg"},
        "ID": f"59{number:04d}_0",
        "Subset": "('Japanese', 'Japan')",
        "Question": "これは何ですか。 ",
        "Translated Question": f"What is thing {number}? ",
        "Options": ["い", "ろ", "は", "に"],
        "Translated Options": [f"thing {number}", "a heron ", "a lantern", "a ferry"],
        "Label": 0,
        "Category": "Objects / materials / clothing",
        "Image Type": "Self",
        "Image Source": "Self-open",
        "License": "CC BY-SA 4.0",
    } | change


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(rows)`` → the folder. The types of columns follow from the first row, as older revisions had others."""

    def make(rows: list[Row], name: str = "cvqa") -> Path:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        table = pa.Table.from_pylist(rows)
        features = datasets.Features(datasets.Features.from_arrow_schema(table.schema) | {"image": datasets.Image()})
        if "image" not in table.column_names:
            del features["image"]
        table = table.cast(features.arrow_schema)
        pq.write_table(table, folder / "data" / "test-00000-of-00001.parquet", row_group_size=7)
        configs = [{"config_name": "default", "data_files": [{"split": "test", "path": "data/test-*"}]}]
        (folder / "README.md").write_text(f"---\n{json.dumps({'configs': configs})}\n---\n", "utf-8")
        return folder

    return make
