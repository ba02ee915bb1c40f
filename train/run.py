"""One training run: TRL's trainer over the rows, from the last whole checkpoint, with the record of what was done."""

import contextlib
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console import Output, UserError
from .checkpoints import drop_incomplete, last_complete
from .data import Source, load_table
from .merge import merge_in_place
from .model import Model
from .record import describe, differing, read_record, write_record
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run needs to know."""

    source: Source
    model: Model
    settings: Settings
    out: Path
    recipe: str | None = None
    merge: bool = False


def is_main() -> bool:
    """Is this the one process that writes and talks (rank 0, or the only one)."""
    return int(os.environ.get("RANK", "0")) == 0


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def carry_out(plan: Plan, output: Output) -> dict[str, Any]:
    """Train, or go on from the last whole checkpoint in ``plan.out``; the record, which is also in ``training.json``.

    Raises:
        UserError: ``plan.out`` holds another run.
    """
    record = describe(
        plan.source.described() | {"method": plan.source.method},
        plan.model.described(),
        _resolved(plan.settings),
        plan.recipe,
        processes(),
    )
    before = _prepare(plan, record, output)
    if before is not None and before["status"] == "finished":
        output.say(f"{plan.out}: this run is finished; --replace trains it again")
        return before
    with _talk_on_stderr():
        metrics = _train(plan, output)
    if is_main():
        if plan.merge:
            merge_in_place(plan.out)
        record |= {"status": "finished", "metrics": metrics}
        _finish(plan.out, record)
    _leave()
    return record


def _finish(out: Path, record: dict[str, Any]) -> None:
    """The card first, the record last: what says "finished" must be the last thing written."""
    from ..cards.model import render_model_card
    from ..store.atomic import write_text

    write_text(out / "README.md", render_model_card(record))
    write_record(out, record)


def _prepare(plan: Plan, record: dict[str, Any], output: Output) -> dict[str, Any] | None:
    """Make ``out`` ours, and clear what a kill left in it; the record that was there."""
    if not is_main():
        before = read_record(plan.out)
        return before if before and before["run_id"] == record["run_id"] else None
    before = check_out(plan.out, record)
    if before is None:
        write_record(plan.out, record)
    elif before["status"] != "finished":
        for path in drop_incomplete(plan.out, processes()):
            output.say(f"{path}: half-written, removed")
    return before


def check_out(out: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """The record of this same run in ``out``, or None where ``out`` is free.

    Raises:
        UserError: ``out`` holds another run, or files that are none of ours.
    """
    before = read_record(out)
    if before is None:
        _refuse_others(out)
        return None
    if before["run_id"] != record["run_id"]:
        told = ", ".join(differing(record, before)[:8]) or "something"
        raise UserError(f"{out}: holds another run ({told} differ)", "another --out, or --replace to remove that run")
    return before


def clear(out: Path) -> None:
    """Remove a run, for ``--replace``.

    Raises:
        UserError: ``out`` is no training run.
    """
    if out.exists() and is_main():
        if read_record(out) is None:
            _refuse_others(out)
        shutil.rmtree(out)


def _refuse_others(out: Path) -> None:
    """Files that are none of ours stay; a dot before a name is what a kill leaves of a write."""
    if out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir()):
        raise UserError(f"{out}: not empty, and no training run; nothing there is touched", "another --out")


def _resolved(settings: Settings) -> dict[str, Any]:
    """Every setting that is in force, tokens left out by transformers itself."""
    model = {key: value for key, value in vars(settings.model).items() if key != "model_name_or_path"}
    training = {key: value for key, value in settings.training.to_dict().items() if not key.endswith("token")}
    return training | model


def _train(plan: Plan, output: Output) -> dict[str, Any]:
    import torch

    trainer = make_trainer(plan)
    checkpoint = last_complete(plan.out, processes())
    if checkpoint is not None and is_main():
        output.say(f"going on from {checkpoint}")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    done = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trainer.save_model(str(plan.out))
    return _metrics(trainer, done)


def make_trainer(plan: Plan) -> Any:
    """TRL's SFTTrainer or DPOTrainer, ready to train. Loads the weights."""
    import trl

    training, model = plan.settings.training, plan.settings.model
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        **(training.model_init_kwargs or {}),
    }
    held = plan.source.selection.eval_split if training.eval_strategy != "no" else None
    with training.main_process_first(local=False, desc="reading the rows"):
        tables = {
            "train_dataset": load_table(plan.source, plan.source.selection.split),
            "eval_dataset": load_table(plan.source, held) if held else None,
        }
    kind = trl.DPOTrainer if plan.source.method == "dpo" else trl.SFTTrainer
    return kind(
        model=plan.model.name,
        args=training,
        processing_class=plan.model.processor,
        quantization_config=trl.get_quantization_config(model),
        peft_config=trl.get_peft_config(model),
        **tables,
    )


def _metrics(trainer: Any, done: Any) -> dict[str, Any]:
    """What was measured: TRL's means of batch means, the speed, and the most memory that tensors took on this GPU."""
    import torch

    history = trainer.state.log_history
    last = {key: value for entry in history for key, value in entry.items() if isinstance(value, int | float)}
    kept = {key: value for key, value in last.items() if key.startswith(("eval_", "rewards/", "num_tokens"))}
    found = {"steps": trainer.state.global_step, **done.metrics, **kept}
    if torch.cuda.is_available():
        found["peak_gpu_bytes"] = torch.cuda.max_memory_allocated()
    return found


@contextlib.contextmanager
def _talk_on_stderr() -> Iterator[None]:
    """The trainers print their logs to stdout, which belongs to the command's result.

    What TRL and transformers deprecate in each other's calls is nothing that a user here can mend.
    """
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _leave() -> None:
    """Leave the process group in good order; without this torch complains, and a rank may hang at its exit."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
