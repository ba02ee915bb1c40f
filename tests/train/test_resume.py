"""A run that was killed goes on from its last whole checkpoint, to the weights of an undisturbed one."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cross_safety.train.checkpoints import checkpoints, drop_incomplete, is_complete, last_complete
from trainhelp import QUICK, Here, differ, record

# Kills its own process in the middle of writing the checkpoint of step 4: after the weights and before the optimizer,
# or with half of trainer_state.json on disk.
KILLER = """
import os, signal, sys
from pathlib import Path
from transformers import Trainer, TrainerState
how = sys.argv.pop(1)
save, state_to_json = Trainer._save_optimizer_and_scheduler, TrainerState.save_to_json
def killed_before_optimizer(self, folder):
    if self.state.global_step == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    save(self, folder)
def killed_in_state(self, path):
    state_to_json(self, path)
    if self.global_step == 4:
        whole = Path(path).read_bytes()
        Path(path).write_bytes(whole[: len(whole) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
if how == "optimizer":
    Trainer._save_optimizer_and_scheduler = killed_before_optimizer
else:
    TrainerState.save_to_json = killed_in_state
from cross_safety.cli import main
main()
"""


@pytest.mark.parametrize(("method", "how", "lora"), [("sft", "state", False), ("dpo", "optimizer", True)])
def test_killed_while_saving(
    here: Here, few: Path, idefics3: Path, tmp_path: Path, method: str, how: str, lora: bool
) -> None:
    def words(out: Path) -> list[str]:
        told = ["train", method, "--data", few / f"safety-{method}", "--model", idefics3, "--out", out, *QUICK[:-2]]
        told += ["--save_steps", "2", "--max_steps", "5", "--learning_rate", "1e-2"]
        return [str(word) for word in [*told, *(["--use_peft"] if lora else [])]]

    straight, killed = tmp_path / "straight", tmp_path / "killed"
    done = here(*words(straight))
    assert done.code == 0, done.err
    died = subprocess.run(
        [sys.executable, "-c", KILLER, how, *words(killed)], capture_output=True, text=True, timeout=120, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert [path.name for path in checkpoints(killed)] == ["checkpoint-2", "checkpoint-4"]
    assert last_complete(killed) == killed / "checkpoint-2"
    assert record(killed)["status"] == "running"
    on = here(*words(killed))
    assert on.code == 0, on.err
    assert f"going on from {killed / 'checkpoint-2'}" in on.err
    assert "checkpoint-4: half-written, removed" in on.err
    name = "adapter_model.safetensors" if lora else "model.safetensors"
    assert (killed / name).read_bytes() == (straight / name).read_bytes()
    assert lora or differ(idefics3, killed)
    assert record(killed)["status"] == "finished"


def checkpoint(folder: Path, step: int, *, processes: int = 1) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    names = ["optimizer.pt", *(f"rng_state_{i}.pth" for i in range(processes))]
    for name in names:
        with zipfile.ZipFile(made / name, "w") as file:
            file.writestr("data", "x" * 100)
    return made


def test_what_is_whole(tmp_path: Path) -> None:
    checkpoint(tmp_path, 2, processes=2)
    ten = checkpoint(tmp_path, 10)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-2", "checkpoint-10"]
    assert last_complete(tmp_path) == ten
    # the random state of the second process is missing
    assert last_complete(tmp_path, processes=2) == tmp_path / "checkpoint-2"
    (ten / "optimizer.pt").write_bytes((ten / "optimizer.pt").read_bytes()[:50])
    assert not is_complete(ten)
    assert drop_incomplete(tmp_path) == [ten]
    two = tmp_path / "checkpoint-2"
    (two / "trainer_state.json").write_text(json.dumps({"global_step": 3}))
    assert not is_complete(two)
    (two / "trainer_state.json").write_text("[]")
    assert not is_complete(two)
    assert last_complete(tmp_path) is None


def test_a_kill_while_merging_leaves_an_adapter_or_a_model(
    few: Path, idefics3: Path, here: Here, tmp_path: Path
) -> None:
    """Merged files are moved in one by one; at any of these moments the next start makes the model whole."""
    from cross_safety.train import merge

    out = tmp_path / "o"
    words = [
        "train",
        "sft",
        "--data",
        few / "safety-sft",
        "--model",
        idefics3,
        "--out",
        out,
        *QUICK,
        "--max_steps",
        "1",
    ]
    assert here(*words, "--use_peft").code == 0
    merge.merge_adapter(out, out / ".merged")
    (out / "adapter").mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (out / name).replace(out / "adapter" / name)
    (out / ".merged" / "config.json").replace(out / "config.json")
    merge.merge_in_place(out)
    assert (out / "model.safetensors").is_file() and not (out / ".merged").exists()
    assert list((out / "adapter").iterdir())
