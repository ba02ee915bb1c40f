"""Two processes train as one: the world has two, and the losses are those of one process at the same global batch."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from trainhelp import Here, record

SECONDS = 120


def losses(out: Path) -> list[float]:
    state = json.loads((out / "checkpoint-3" / "trainer_state.json").read_text("utf-8"))
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


def test_two_processes_by_torchrun(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    def words(out: Path, batch: int) -> list[str]:
        told = ["train", "sft", "--data", few / "safety-sft", "--model", idefics3, "--out", out, "--no-check"]
        told += [
            "--bf16",
            "false",
            "--max_steps",
            3,
            "--logging_steps",
            1,
            "--save_steps",
            3,
            "--learning_rate",
            "1e-3",
        ]
        return [str(word) for word in [*told, "--per_device_train_batch_size", batch]]

    one, two = tmp_path / "one", tmp_path / "two"
    assert here(*words(one, 4)).code == 0
    script = tmp_path / "cross_safety_main.py"
    script.write_text("from cross_safety.cli import main\nmain()\n")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    # A rank can hang at its exit, rarely: the whole group has a time limit and ends together.
    process = subprocess.Popen(
        [*torchrun, *words(two, 2), "--use_cpu", "true", "--ddp_backend", "gloo"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        told, _ = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, told
    assert record(two)["processes"] == 2
    assert len(list((two / "checkpoint-3").glob("rng_state_*.pth"))) == 2
    first, second = losses(one), losses(two)
    assert len(first) == len(second) == 3
    assert all(abs(a - b) < 2e-3 for a, b in zip(first, second, strict=True)), (first, second)
    assert first[0] - first[-1] > 0.05
