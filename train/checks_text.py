"""The outcome of a check, and of a run, as text for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..console.output import table
from .checks import Checks
from .memory import Memory


def checks_text(found: Checks) -> str:
    """Everything that `train check` found."""
    data = found.data
    types = f", negative types {', '.join(data['negative_types'])}" if data["negative_types"] else ""
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in found.rows.items())
    parts = [f"{data['name']} {data['version']}, {data['config']}: {rows}{types}"]
    parts += [f"{found.text_only:,} rows have no picture"] if found.text_only else []
    parts += [f"held against {found.compared}"] if found.compared else []
    longest = [
        [each.id, f"{each.total:,}", f"{each.prompt:,}", f"{each.answer:,}", f"{each.images}"]
        for each in found.longest
        if not each.trouble
    ]
    if longest:
        parts += ["", table(["longest rows", "tokens", "prompt", "answer", "pictures"], longest)]
    if found.memory:
        parts += ["", memory_text(found.memory)]
    parts += ["", *(f"warning: {each}" for each in found.warnings)] if found.warnings else []
    parts += ["", *(f"error: {each}" for each in found.errors)]
    parts += ["no error found"] if not found.errors else []
    return "\n".join(parts)


def memory_text(memory: Memory) -> str:
    """The estimate, a line for its parts and one for its sums."""
    share = 100 * memory.trainable / max(memory.parameters, 1)
    parts = ("weights", "gradients", "optimizer", "reference", "activations")
    told = ", ".join(f"{name} {_gib(getattr(memory, name))}" for name in parts if getattr(memory, name))
    return (
        f"memory (estimate): {memory.parameters:,} parameters, {share:.1f} % of them trained; {told}\n"
        f"on one GPU {_gib(memory.on(1))}; with FSDP or ZeRO-3 on each of 8 GPUs {_gib(memory.on(8))}, of 16 "
        f"{_gib(memory.on(16))}; CUDA takes 1 to 3 GiB more"
    )


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**29 else f"{count / 2**20:.1f} MiB"


def finished_text(out: Path, record: Mapping[str, Any]) -> str:
    """Where the result lies and what to do with it."""
    metrics = record["metrics"]
    return "\n".join(
        [
            f"{out}: trained {metrics['steps']:,} steps in {metrics['train_runtime']:.0f} s, "
            f"loss {metrics['train_loss']:.4f}",
            f"measure: cross-safety eval preference safety-dpo --model {out} --base {record['model']['name']}",
            f"serve:   {serve_command(out)}",
            f"then:    cross-safety eval run cross --model {out} --base-url http://localhost:8000/v1 --judge JUDGE "
            "--judge-base-url URL --out runs/NAME",
        ]
    )


def serve_command(out: Path) -> str:
    """The command that serves a trained model to `cross-safety eval`: a whole model, or an adapter beside its base."""
    adapter = out / "adapter_config.json"
    if not adapter.is_file():
        return f"vllm serve {out}"
    base = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
    return f"vllm serve {base} --enable-lora --lora-modules {out}={out}"
