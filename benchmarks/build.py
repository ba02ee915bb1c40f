"""How fast a build reads CVQA-shaped rows and writes datasets, and in how much memory, beside a plain pass of datasets.

Run: python benchmarks/build.py FOLDER [rows …, default 1000 3000 10374]
FOLDER holds CVQA-shaped parquet files; where it does not exist, it is made first (benchmarks/cvqa_shape.py; 5 GB for
10374 rows). The plain pass is what one would type without us: load_dataset, map (a prompt from question and options),
to_parquet. Ours reads the same rows, checks and hashes every picture, proves splits, validates every row and writes the
folders.
Then: what share of the bytes of two versions is the same where 1 % of the source's rows changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cross_safety.store.hashes import sha256_bytes

import cvqa_shape

OURS = """
from cross_safety.cli import main
main(["build", "--source", "cvqa", "--path", {path!r}, "--licenses", "all", "--out", {out!r}, "--output", "quiet"])
"""
PLAIN = """
import datasets
datasets.disable_progress_bars()
rows = datasets.load_dataset({path!r}, split="test", cache_dir={out!r})
def prompt(row):
    return {{"prompt": row["Translated Question"] + "\\n" + "\\n".join(row["Translated Options"])}}
rows.map(prompt).to_parquet({out!r} + "/out.parquet")
"""


def measured(code: str, path: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak resident MB of a process of its own."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code.format(path=str(path), out=str(out))])
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"failed with {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def shards(folder: Path, rows: int, place: Path) -> Path:
    """A folder with the first shards of another, by symbolic links."""
    (place / "data").mkdir(parents=True)
    shutil.copy(folder / "README.md", place)
    for path in sorted((folder / "data").glob("*.parquet"))[: -(-rows // cvqa_shape.SHARD_ROWS)]:
        (place / "data" / path.name).symlink_to(path.resolve())
    return place


def chunks(path: Path) -> Iterator[tuple[str, int]]:
    """Content-defined chunks of a file, 64 KiB on average: cut where a hash of 32 bytes begins with 16 zeros."""
    data = np.fromfile(path, dtype=np.uint8)
    gear = np.random.default_rng(0).integers(0, 2**32, 256, dtype=np.uint32)[data]
    rolled = np.zeros(len(data), dtype=np.uint32)
    for back in range(32):
        rolled[back:] += gear[: len(data) - back] << np.uint32(back)
    cuts = [0, *(np.flatnonzero(rolled >> np.uint32(16) == 0) + 1).tolist(), len(data)]
    for start, stop in pairwise(cuts):
        if stop > start:
            yield sha256_bytes(data[start:stop].tobytes()), stop - start


def changed(source: Path, place: Path) -> Path:
    """The same rows, every hundredth with another question."""
    (place / "data").mkdir(parents=True)
    shutil.copy(source / "README.md", place)
    for path in sorted((source / "data").glob("*.parquet")):
        with pq.ParquetWriter(place / "data" / path.name, pq.read_schema(path), use_dictionary=False) as writer:
            number = 0
            for batch in pq.ParquetFile(path).iter_batches(100):
                column = batch["Translated Question"].to_pylist()
                asked = [f"Once more: {text}" if (number + i) % 100 == 0 else text for i, text in enumerate(column)]
                number += len(asked)
                index = batch.schema.get_field_index("Translated Question")
                writer.write_batch(batch.set_column(index, "Translated Question", pa.array(asked)))
    return place


def shared(old: Path, new: Path) -> tuple[float, float]:
    """Share of the bytes of the new version's parquet files that stand in the old one, by chunks and by whole files."""
    known = {digest for path in old.rglob("*.parquet") for digest, _ in chunks(path)}
    names = {path.name for path in old.rglob("*.parquet")}
    found = [
        (digest in known, path.name in names, size) for path in new.rglob("*.parquet") for digest, size in chunks(path)
    ]
    total = sum(size for *_, size in found)
    return sum(size for hit, _, size in found if hit) / total, sum(size for _, hit, size in found if hit) / total


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    counts = [int(word) for word in sys.argv[2:]] or [1000, 3000, 10374]
    if not folder.exists():
        cvqa_shape.make(folder, max(counts))
    print("| rows | MB | pass | seconds | rows/s | peak RSS, MB | ours ÷ plain, rows/s |")
    print("|---:|---:|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        work = Path(temporary)
        for count in counts:
            source = shards(folder, count, work / f"source-{count}")
            size = sum(path.stat().st_size for path in source.rglob("*.parquet")) / 1e6
            took: dict[str, tuple[float, float]] = {}
            for name, code in (("plain", PLAIN), ("ours", OURS)):
                out = work / f"{name}-{count}"
                took[name] = measured(code, source, out)
                if (name, count) != ("ours", counts[0]):
                    shutil.rmtree(out)
            for name, (seconds, peak) in took.items():
                ratio = took["plain"][0] / seconds
                told = f"{ratio:.2f}" if name == "ours" else ""
                figures = f"{size:,.0f} | {name} | {seconds:.1f} | {count / seconds:.0f} | {peak:.0f} | {told}"
                print(f"| {count:,} | {figures} |", flush=True)
        again = work / "again"
        measured(OURS, changed(work / f"source-{counts[0]}", work / "changed"), again)
        by_chunk, by_file = shared(work / f"ours-{counts[0]}", again)
    told = f"{by_chunk:.1%} stand in chunks of the old version, {by_file:.1%} in files of it"
    print(f"\n{counts[0]:,} rows, 1 % of them changed; of the new version's bytes {told}.")


if __name__ == "__main__":
    main()
