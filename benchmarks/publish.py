"""What a new version of a dataset costs on the wire, when one row in a hundred has another norm.

Run: python benchmarks/publish.py data/cross
Publishes the folder, and a version with changed rows, to a hub on loopback with the real client, and prints the bytes
that LFS uploads, the share of bytes whose content-defined chunks the first version has (what storage by chunks, the
hub's Xet, need not send; the loopback hub speaks LFS alone, so this is counted here and not seen on the wire), and the
bytes that ``diff`` of the two versions fetches.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cross_safety.builder.release.writing import ROW_GROUP, _compression
from cross_safety.console.output import table
from cross_safety.store.hashes import sha256_file

from build import shared

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from loopback.hub import Hub
from loopback.small import RELEASE, described

REPO = "someone/cross"


def rewritten(folder: Path, version: str, every: int) -> Path:
    """The folder as another version, written as a build writes, with ``every`` n-th norm changed; 0: none."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for file in manifest["files"]:
        old = folder / file["path"]
        read = pq.read_table(old)
        norms = read["norm"].to_pylist()
        norms = [f"Once more: {norm}" if every and n % every == 50 else norm for n, norm in enumerate(norms)]
        read = read.set_column(read.schema.get_field_index("norm"), read.schema.field("norm"), pa.array(norms))
        aside = old.with_suffix(".tmp")
        options = {"compression": _compression(read.schema), "use_content_defined_chunking": True}
        with pq.ParquetWriter(aside, read.schema, write_page_index=True, store_schema=False, **options) as writer:
            writer.write_table(read, row_group_size=ROW_GROUP)
        old.unlink()
        digest = sha256_file(aside)
        new = aside.rename(old.with_name(f"{file['split']}-00000-of-00001-{digest[:12]}.parquet"))
        file |= {"path": new.relative_to(folder).as_posix(), "sha256": digest, "bytes": new.stat().st_size}
    return described(folder, manifest | {"version": version})


def main() -> None:
    """Publish twice and count."""
    with tempfile.TemporaryDirectory() as name, Hub() as hub:
        work = Path(name)
        (work / "release.toml").write_text(RELEASE)
        env = os.environ | hub.env(work / "home") | {"SOURCE_DATE_EPOCH": "1767225600"}
        command = [sys.executable, "-c", "from cross_safety.cli import main; main()"]
        rows = []
        for version, every in (("1.0.0", 0), ("2.0.0", 100)):
            place = rewritten(shutil.copytree(sys.argv[1], work / version / "cross"), version, every)
            before, start = hub.uploaded, time.perf_counter()
            words = ["publish", str(place), "--repo", REPO, "--output", "quiet"]
            subprocess.run([*command, *words], cwd=work, env=env, check=True)
            size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
            seconds = time.perf_counter() - start
            rows.append([version, f"{size:,}", f"{hub.uploaded - before:,}", f"{seconds:.1f}"])
        hub.sent.clear()
        subprocess.run(
            [*command, "diff", f"{REPO}@1.0.0", f"{REPO}@2.0.0"], env=env | {"HF_HOME": f"{work}/x"}, check=False
        )
        fetched = sum(sent for path, sent in hub.sent.items() if path.endswith(".parquet"))
        by_chunk, by_file = shared(work / "1.0.0", work / "2.0.0")
    sys.stdout.write(table(["version", "parquet bytes", "uploaded by LFS", "seconds"], rows) + "\n")
    sys.stdout.write(f"shared with 1.0.0: {by_chunk:.1%} by chunks, {by_file:.1%} by whole files\n")
    sys.stdout.write(f"diff of both versions fetched {fetched:,} bytes of parquet\n")


if __name__ == "__main__":
    main()
