"""Rows in CVQA's shape with real JPEG pictures: any number, all 39 subsets, several questions a picture, seeded.

Run: python benchmarks/cvqa_shape.py FOLDER [rows, default 1000] [mean KB of a picture, default 480] [seed]
The folder then holds data/test-*.parquet and a card, as the hub's repository does. Questions are plain templates; a
share of the answers names things that the bundled corpus has a norm or a harmless twin for, so that every route of the
builder is walked.
"""

import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cross_safety.builder.starter.corpus import load_corpus
from cross_safety.schemas import schema, table
from PIL import Image

SHARD_ROWS = 1000
LICENSES = ("CC BY-SA", "CC BY 2.0", "CC BY-SA 4.0", "CC0", "Public domain", "CC BY-NC 2.0", "All rights reserved")
LICENSE_WEIGHTS = (0.35, 0.15, 0.2, 0.1, 0.08, 0.07, 0.05)
PLAIN = ("a harbour at dusk", "a tiled roof", "a river bridge", "a market hall", "a brass band", "a mountain pass")
Row = dict[str, Any]


def features(*, string_options: bool = False) -> datasets.Features:
    """Columns as the hub's card has them; options as one string in older revisions."""
    text = datasets.Value("string")
    several = text if string_options else datasets.features.Sequence(text)
    names = ("ID", "Subset", "Question", "Translated Question")
    rest = ("Category", "Image Type", "Image Source", "License")
    return datasets.Features(
        {"image": datasets.Image()}
        | dict.fromkeys(names, text)
        | {"Options": several, "Translated Options": several, "Label": datasets.Value("int64")}
        | dict.fromkeys(rest, text)
    )


def photograph(seed: int, mean_kb: float) -> bytes:
    """A JPEG of smooth colour under grain; width and grain vary, so that sizes spread about the mean."""
    rng = np.random.default_rng(seed)
    side = np.sqrt(mean_kb / 480) * rng.choice([1100, 1400, 1600, 1800, 2000])
    width, height = max(32, int(side)), max(24, int(side * rng.choice([0.67, 0.75, 1.0])))
    small = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = np.resize(_grain(), (height, width, 1))
    pixels = np.clip(smooth + np.roll(grain, int(rng.integers(0, 4096))), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


@cache
def _grain() -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.random.default_rng(1).normal(0, 5, 999_983).astype(np.int16)


def _things(country: str) -> list[str]:
    """What the corpus knows how to use in a photograph of this country: norms' items and harmless twins."""
    norms = [norm for each in load_corpus() if each.code == country for norm in each.norms]
    twins = [term for norm in norms for term in norm.raw.get("photo", {}).get("twin_terms", ())]
    return [term for norm in norms for term in norm.photo_terms] + twins


def row(number: int, seed: int, *, labelled: bool, per_picture: int = 2, string_options: bool = False) -> Row:
    """Row ``number`` without its picture, which is that of ``number // per_picture``."""
    rng = np.random.default_rng([seed, number])
    pairs = table("cvqa_subsets")["pairs"]
    language, country, _, code = pairs[(number // per_picture) % len(pairs)]
    known = _things(code)
    answer = str(rng.choice(known)) if known and rng.random() < 0.25 else f"{rng.choice(PLAIN)} no. {number}"
    options = [answer, *(f"{each} no. {number + i}" for i, each in enumerate(rng.choice(PLAIN, 3), 1))]
    order = rng.permutation(4)
    shuffled = [options[i] for i in order]
    own = bool(rng.random() < 0.3)
    listed: Any = repr(shuffled) if string_options else shuffled
    return {
        "ID": f"{59_000_000_000 + number // per_picture}_{number % per_picture}",
        "Subset": f"('{language.replace(' ', '_')}', '{country}')",
        "Question": f"[{language}] What does picture {number // per_picture} show? ",
        "Translated Question": "What does the picture show? ",
        "Options": listed,
        "Translated Options": listed,
        "Label": int(np.flatnonzero(order == 0)[0]) if labelled else -1,
        "Category": str(rng.choice(schema("common")["$defs"]["category"]["enum"])),
        "Image Type": "Self" if own else "External",
        "Image Source": "Self-open" if own else f"https://example.org/photo/{number // per_picture}",
        "License": str(rng.choice(LICENSES, p=LICENSE_WEIGHTS)),
    }


def make(
    folder: Path,
    rows: int,
    *,
    seed: int = 0,
    mean_kb: float = 480,
    labelled: bool = True,
    per_picture: int = 2,
    string_options: bool = False,
) -> Path:
    """Write the folder, shard by shard, with a file of labels beside it (``labels.jsonl``)."""
    (folder / "data").mkdir(parents=True)
    shape = features(string_options=string_options).arrow_schema
    shards = -(-rows // SHARD_ROWS)
    with ProcessPoolExecutor() as pool, (folder / "labels.jsonl").open("w", encoding="utf-8") as labels:
        for shard in range(shards):
            numbers = range(shard * SHARD_ROWS, min(rows, (shard + 1) * SHARD_ROWS))
            path = folder / "data" / f"test-{shard:05d}-of-{shards:05d}.parquet"
            with pq.ParquetWriter(path, shape, use_dictionary=False) as writer:
                for part in _parts(numbers, pool, seed, mean_kb, per_picture):
                    lines = [row(n, seed, labelled=True, per_picture=per_picture) for n, _ in part]
                    labels.writelines(json.dumps({"ID": e["ID"], "Label": e["Label"]}) + "\n" for e in lines)
                    made = [
                        row(n, seed, labelled=labelled, per_picture=per_picture, string_options=string_options)
                        | {"image": {"bytes": data, "path": f"{n // per_picture}.jpg"}}
                        for n, data in part
                    ]
                    writer.write_batch(pa.RecordBatch.from_pylist(made, schema=shape))
    card = {"dataset_info": {"features": features(string_options=string_options)._to_yaml_list()}}
    configs = [{"config_name": "default", "data_files": [{"split": "test", "path": "data/test-*"}]}]
    (folder / "README.md").write_text(f"---\n{json.dumps(card | {'configs': configs})}\n---\n", "utf-8")
    return folder


def _parts(
    numbers: range, pool: ProcessPoolExecutor, seed: int, mean_kb: float, per_picture: int
) -> Iterator[list[tuple[int, bytes]]]:
    """Hundred rows at a time with their pictures; a picture is made once for the questions about it."""
    for start in range(numbers.start, numbers.stop, 100):
        part = range(start, min(start + 100, numbers.stop))
        wanted = sorted({n // per_picture for n in part})
        pictures = dict(
            zip(
                wanted,
                pool.map(photograph, [seed * 1_000_003 + w for w in wanted], [mean_kb] * len(wanted), chunksize=8),
                strict=True,
            )
        )
        yield [(n, pictures[n // per_picture]) for n in part]


def main() -> None:
    """Make the folder and tell what is in it."""
    folder = Path(sys.argv[1])
    numbers = [int(word) for word in sys.argv[2:]]
    rows, mean_kb, seed = (*numbers, *(1000, 480, 0)[len(numbers) :])
    make(folder, rows, mean_kb=mean_kb, seed=seed)
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    print(f"{rows:,} rows, {size / 1e6:,.0f} MB in {folder}")


if __name__ == "__main__":
    main()
