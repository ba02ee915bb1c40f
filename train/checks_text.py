"""The outcome of a check, and of a run, as text for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
            "--out runs/NAME",
        ]
    )


def serve_command(out: Path) -> str:
    """The command that serves a trained model to `cross-safety eval`: a whole model, or an adapter beside its base."""
    import json

    adapter = out / "adapter_config.json"
    if not adapter.is_file():
        return f"vllm serve {out}"
    base = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
    return f"vllm serve {base} --enable-lora --lora-modules {out}={out}"
