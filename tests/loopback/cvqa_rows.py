"""Folders in CVQA's shape, with rows and pictures as a test wants them."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Row = dict[str, Any]


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


def write_folder(folder: Path, rows: list[Row]) -> Path:
    """The folder. The types of columns follow from the first row, as older revisions had others."""
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


THINGS = ("a clock", "scissors", "a white candle", "an umbrella", "a mirror", "a comb", "a bell", "a knife")
PAIRS = ("('Japanese', 'Japan')", "('Bulgarian', 'Bulgaria')", "('Telugu', 'India')")


def gifts(count: int) -> list[Row]:
    """Rows of which every third shows a gift, in three countries in turn."""
    return [
        row(
            number,
            Subset=PAIRS[number // 3 % 3],
            **{"Translated Options": [_shown(number), "a heron", "a ferry", "a lantern"]},
        )
        for number in range(count)
    ]


def _shown(number: int) -> str:
    """No two countries share a thing: (topic, item) may not stand in test and training, in any country."""
    place = PAIRS[number // 3 % 3][2:5]
    return f"gift {THINGS[number // 9 % len(THINGS)]} from {place}" if number % 3 == 0 else f"thing {number}"
