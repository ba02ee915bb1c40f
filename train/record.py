"""``training.json``: what was trained, on what, with which settings; it alone says whether a run is finished."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..console import UserError
from ..store.atomic import write_text
from ..store.hashes import canonical_json, sha256_bytes

FILE = "training.json"
_PACKAGES = ("torch", "trl", "transformers", "peft", "accelerate", "datasets")
# Settings that change neither the weights nor which rows are seen: a run may go on with others.
_FREE = frozenset(
    {
        "output_dir", "logging_dir", "logging_steps", "logging_first_step", "logging_strategy", "report_to",
        "run_name", "disable_tqdm", "save_steps", "save_strategy", "save_total_limit", "log_level",
        "log_level_replica", "local_rank", "dataloader_num_workers", "dataloader_pin_memory",
        "dataloader_prefetch_factor", "resume_from_checkpoint", "eval_steps", "eval_strategy", "eval_delay",
        "eval_on_start", "do_eval", "per_device_eval_batch_size", "eval_accumulation_steps", "project",
        "trackio_space_id", "push_to_hub", "hub_model_id", "hub_token", "dataset_num_proc",
        "overwrite_output_dir", "ddp_timeout", "skip_memory_metrics",
    }
)  # fmt: skip


def describe(
    source: Mapping[str, Any], model: Mapping[str, Any], settings: Mapping[str, Any], recipe: str | None, world: int
) -> dict[str, Any]:
    """The record of a run that begins. All values are JSON."""
    told = {
        "cross_safety": __version__,
        "status": "running",
        "data": dict(source),
        "model": dict(model),
        "recipe": recipe,
        "settings": dict(settings),
        "processes": world,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    plain["run_id"] = run_id(plain)
    return plain


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def run_id(record: Mapping[str, Any]) -> str:
    """A hash over everything that the weights depend on; runs that share it can go on from each other's checkpoints."""
    data = {key: value for key, value in record["data"].items() if key not in {"reference", "eval_split"}}
    settings = {key: value for key, value in record["settings"].items() if key not in _FREE}
    kept = {"data": data, "model": record["model"], "settings": settings, "processes": record["processes"]}
    return sha256_bytes(canonical_json(kept))[:16]


def read_record(out: Path) -> dict[str, Any] | None:
    """The record in ``out``, or None where there is none.

    Raises:
        UserError: the file is not what this package writes.
    """
    try:
        read = json.loads((out / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        read = None
    if not isinstance(read, dict) or not isinstance(read.get("run_id"), str):
        raise UserError(f"{out / FILE}: not a record of a training run", "another --out")
    return read


def write_record(out: Path, record: Mapping[str, Any]) -> None:
    """Write the record, whole or not at all."""
    write_text(out / FILE, json.dumps(record, ensure_ascii=False, indent=2, sort_keys=False) + "\n")


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of what two runs do differently, for the words of an error."""
    found = [f"data.{key}" for key in one["data"] if one["data"][key] != other["data"].get(key)]
    found += [key for key in ("model", "processes") if one[key] != other.get(key)]
    names = sorted((one["settings"].keys() | other["settings"].keys()) - _FREE)
    return found + [name for name in names if one["settings"].get(name) != other["settings"].get(name)]
