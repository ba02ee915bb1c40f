"""A small training set with pictures of every kind, some of which a target can't hold."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cross_safety.builder.release.writing import arrow_schema
from cross_safety.store.hashes import sha256_bytes, sha256_file
from PIL import Image

Rows = list[dict[str, Any]]


def picture(kind: str = "PNG", mode: str = "RGB", colour: int = 0, side: int = 16) -> bytes:
    made = io.BytesIO()
    Image.new(mode, (side, side), colour).save(made, kind)
    return made.getvalue()


def row(number: int, data: bytes | None, text: str = "What of this?", answer: str = "That.") -> dict[str, Any]:
    """A row of safety-dpo over a picture; what export does not read is left null or plain."""
    say = {"role": "user", "content": text}
    return {
        "id": f"dpo-test-{number}",
        "prompt_id": f"test-{number}",
        "images": [{"bytes": data, "path": "../../outside.png"}],
        "prompt": [say],
        "chosen": [{"role": "assistant", "content": answer}],
        "rejected": [{"role": "assistant", "content": f"Not {answer}"}],
        "image_source": "self",
        "image_license": "CC-BY-4.0",
        "text_license": "CC-BY-4.0",
        "attribution": "A person",
        "image_sha256": sha256_bytes(data or b""),
    }


def write_dataset(folder: Path, rows: Rows, name: str = "safety-dpo") -> Path:
    """A dataset folder with one split, and a manifest with what ``open_dataset`` and export read of it."""
    place = folder / "data" / "exclusive"
    place.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(name)), place / "x", row_group_size=10)
    digest = sha256_file(place / "x")
    path = (place / "x").rename(place / f"train-00000-of-00001-{digest[:12]}.parquet")
    file = {"path": path.relative_to(folder).as_posix(), "config": "exclusive", "split": "train", "sha256": digest}
    manifest = {
        "name": name,
        "version": "1.0.0",
        "build_id": "0" * 16,
        "default_config": "exclusive",
        "configs": {"exclusive": {"splits": {"train": len(rows)}, "rows_sha256": "0" * 64}},
        "files": [file | {"bytes": path.stat().st_size, "rows": len(rows)}],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[[Rows], Path]:
    return lambda rows: write_dataset(tmp_path / "safety-dpo", rows)
