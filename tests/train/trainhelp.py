"""What tests of training share: a command's outcome, datasets of a few rows, and what a run left behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cross_safety.schemas import table
from cross_safety.store.hashes import sha256_bytes

Row = dict[str, Any]
Edit = Callable[[list[Row], str], list[Row]]
Here = Callable[..., "Done"]
NEGATIVE_TYPES = tuple(table("negative_types"))
QUICK = ["--no-check", "--bf16", "false", "--per_device_train_batch_size", "2", "--save_strategy", "no"]


class Done:
    """The outcome of a command: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def remake(folder: Path, out: Path, edit: Edit, **manifest: Any) -> Path:
    """A copy of a dataset folder with the rows of its default config as ``edit(rows, split)`` gives them."""
    described = json.loads((folder / "manifest.json").read_text("utf-8"))
    config = described["default_config"]
    described["files"] = [dict(f) for f in described["files"] if f["config"] == config]
    described["configs"] = {config: described["configs"][config]}
    for file in described["files"]:
        read = pq.read_table(folder / file["path"])
        rows = edit(read.to_pylist(), file["split"])
        columns = [n for n in read.schema.names if not rows or n in rows[0]]
        schema = pa.schema([read.schema.field(n) for n in columns])
        path = out / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        data = path.read_bytes()
        named = path.with_name(f"{path.stem[:-12]}{sha256_bytes(data)[:12]}.parquet")
        path.rename(named)
        file |= {"path": str(named.relative_to(out)), "sha256": sha256_bytes(data), "rows": len(rows)}
    (out / "manifest.json").write_text(json.dumps(described | manifest), "utf-8")
    return out


def prompts(rows: list[Row], count: int) -> list[Row]:
    """The rows of the first ``count`` prompts."""
    kept = list(dict.fromkeys(row["prompt_id"] for row in rows))[:count]
    return [row for row in rows if row["prompt_id"] in kept]


def record(out: Path) -> dict[str, Any]:
    """What a run wrote down."""
    return json.loads((out / "training.json").read_text("utf-8"))


def differ(one: Path, other: Path) -> bool:
    """Have two models other weights."""
    from safetensors.torch import load_file

    a, b = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert a.keys() == b.keys()
    return any(not bool((a[name] == b[name]).all()) for name in a)
