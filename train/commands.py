"""``cross-safety train …``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..console import Output, UserError
from ..console.errors import Exit
from ..console.options import common_options
from ..console.output import table

if TYPE_CHECKING:
    from .run import Plan

C = TypeVar("C", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path, file_okay=False)
PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


@click.group()
def train() -> None:
    """Train a vision-language model on `safety-sft` or `safety-dpo` with TRL, checked before the GPU.

    \b
    Start with:
      cross-safety train check --data safety-sft --model MODEL
      cross-safety train sft   --data safety-sft --model MODEL --out runs/sft --config-file paper/sft
      cross-safety train dpo   --data safety-dpo --model runs/sft --out runs/dpo --config-file paper/dpo
      cross-safety eval preference safety-dpo --config overlapped --model runs/dpo --base MODEL
    Needs the extra: pip install 'cross-safety[train]'
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def run_options(command: C) -> C:
    """The options of every command that looks at rows and a model."""
    for option in reversed(
        [
            click.option("--data", required=True, metavar="NAME[@REV]", help="Folder, or OWNER/NAME on the hub."),
            click.option("--model", "model_name", help="Folder or hub id; also the recipe's `model`."),
            click.option("--config", help="Config of the dataset.  [default: the dataset's own]"),
            click.option("--split", default="train", show_default=True, help="Split to train on."),
            click.option("--eval-split", default="validation", show_default=True, help="Split for --eval_strategy."),
            click.option("--negative-types", help="all, or names with commas between; for safety-dpo.  [default: all]"),
            click.option("--mix", help="Weights of negative types, as in violating=2,unaware=1; the rest weigh 1."),
            click.option("--config-file", metavar="RECIPE", help="YAML file, or a recipe by name (`train recipes`)."),
            click.option("--cross", metavar="NAME[@REV]", help="Test set to hold the rows against.  [default: beside]"),
        ]
    ):
        command = option(command)
    return command


def training_options(command: C) -> C:
    """The options of the commands that train."""
    for option in reversed(
        [
            click.option("--out", type=FOLDER, required=True, help="Folder of the run; it goes on where it was."),
            click.option(
                "--merge", is_flag=True, help="Put LoRA adapters into the weights; the adapter is kept beside."
            ),
            click.option("--no-check", is_flag=True, help="Train without `train check` first."),
            click.option("--replace", is_flag=True, help="Remove the run in --out and begin anew."),
        ]
    ):
        command = option(command)
    return command


@train.command("sft", context_settings=PASS_ON)
@run_options
@training_options
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@common_options
def sft(output: Output, flags: tuple[str, ...], **options: Any) -> int:
    """Supervised fine-tuning on `safety-sft`; every flag of TRL's SFTConfig and ModelConfig is taken too.

    Interrupt at any moment: the same command goes on from the last whole checkpoint. Several GPUs: put
    `accelerate launch` or `torchrun --nproc_per_node N` before the full path of this command.

    \b
    Examples:
      cross-safety train sft --data safety-sft --model MODEL --out runs/sft --use_peft --learning_rate 1e-4 --merge
      cross-safety train sft --data safety-sft --config cvqa-mcq --model MODEL --out runs/mcq
      cross-safety train sft --data someone/safety-sft@1.0.0 --out runs/sft --config-file qwen3-vl/sft-lora
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    return _trained("sft", flags, options, output)


@train.command("dpo", context_settings=PASS_ON)
@run_options
@training_options
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@common_options
def dpo(output: Output, flags: tuple[str, ...], **options: Any) -> int:
    """Preference tuning on `safety-dpo`; every flag of TRL's DPOConfig and ModelConfig is taken too.

    \b
    Examples:
      cross-safety train dpo --data safety-dpo --model MODEL --out runs/dpo --config-file paper/dpo
      cross-safety train dpo --data safety-dpo --model runs/sft --out runs/dpo --negative-types violating,unaware
      cross-safety train dpo --data safety-dpo --model runs/sft --out runs/dpo --mix violating=2 --beta 0.05
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    return _trained("dpo", flags, options, output)


@train.command("check", context_settings=PASS_ON)
@run_options
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@common_options
def check(output: Output, flags: tuple[str, ...], **options: Any) -> int:
    """Tell what would go wrong in training, before weights are loaded or a GPU is needed.

    Placeholders and pictures, the longest rows in tokens, what --max_length would cut, schema, pictures and prompts
    shared by training and evaluation rows or with `cross`, and the memory that the settings ask of each GPU. Takes the
    flags and recipes that `train sft` and `train dpo` take.

    \b
    Example:
      cross-safety train check --data safety-dpo --model MODEL --config-file paper/dpo
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .checks import check as checked
    from .checks_text import checks_text

    plan, cross = _plan(None, flags, options)
    found = checked(plan, cross, output)
    output.result(found.as_json(), checks_text(found), "\n".join(found.errors))
    return Exit.FAILED if found.errors else Exit.DONE


@train.command("merge")
@click.argument("adapter", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="Folder for the whole model.")
@common_options
def merge(output: Output, adapter: Path, out: Path) -> int:
    """Put the LoRA adapter in the folder ADAPTER into its base model."""
    from .merge import merge_adapter

    merge_adapter(adapter, out)
    output.result({"out": str(out)}, f"{out}: merged", str(out))
    return Exit.DONE


@train.command("recipes")
@common_options
def recipes(output: Output) -> int:
    """List the recipes and `accelerate` configurations that travel with the package, with their paths.

    \b
    Example:
      accelerate launch --config_file PATH/accelerate/fsdp.yaml $(which cross-safety) train dpo …
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .settings import RECIPES, recipe_names

    names = [*recipe_names(), *(f"accelerate/{path.stem}" for path in sorted((RECIPES / "accelerate").glob("*.yaml")))]
    rows = [[name, str(RECIPES / f"{name}.yaml")] for name in names]
    output.result(dict(rows), table(["recipe", "file"], rows), "\n".join(names))
    return Exit.DONE


def _trained(method: str, flags: tuple[str, ...], options: dict[str, Any], output: Output) -> int:
    from .run import carry_out, clear, is_main

    plan, cross = _plan(method, flags, options)
    if options["replace"]:
        clear(plan.out)
    if is_main() and not options["no_check"]:
        _check_first(plan, cross, output)
    record = carry_out(plan, output)
    if is_main():
        from .checks_text import finished_text

        output.result(record, finished_text(plan.out, record), str(plan.out))
    return Exit.DONE


def _check_first(plan: "Plan", cross: str | None, output: Output) -> None:
    from .checks import check as checked
    from .checks_text import checks_text

    found = checked(plan, cross, output)
    output.say(checks_text(found))
    if found.errors:
        raise UserError(
            f"{len(found.errors)} problems, told above; nothing was loaded", "--no-check trains all the same"
        )


def _plan(method: str | None, flags: tuple[str, ...], options: dict[str, Any]) -> tuple["Plan", str | None]:
    """Everything that can be known without weights, the cheapest first."""
    from .data import Selection, open_source
    from .model import find_model
    from .run import Plan
    from .settings import OWN, read_recipe, read_settings, recipe_path

    recipe = read_recipe(recipe_path(options["config_file"])) if options["config_file"] else {}
    own = {name: recipe.pop(name, None) for name in OWN}
    selection = Selection(
        config=options["config"] or own["config"],
        split=options["split"],
        eval_split=options["eval_split"] or None,
        negative_types=_types(options["negative_types"] or own["negative_types"]),
        mix=_mix(options["mix"] or own["mix"]),
    )
    source = open_source(options["data"], selection, method)
    name = options["model_name"] or own["model"]
    if not name:
        raise UserError("--model is missing, and the recipe names none", code=Exit.USAGE)
    _need_extra()
    settings = read_settings(
        source.method, recipe, flags, output_dir=str(options.get("out") or "unused"), model_name_or_path=name
    )
    model = find_model(name, settings.model.model_revision, trust_remote_code=settings.training.trust_remote_code)
    out = options.get("out") or Path("unused")
    return Plan(source, model, settings, out, options["config_file"], options.get("merge", False)), options["cross"]


def _need_extra() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("torch", "trl", "transformers", "peft", "accelerate") if find_spec(name) is None]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}", "pip install 'cross-safety[train]'")


def _types(text: Any) -> tuple[str, ...]:
    """``all``, or names with commas between, or a recipe's list."""
    if not text or text == "all":
        return ()
    return tuple(text) if isinstance(text, list) else tuple(name.strip() for name in str(text).split(","))


def _mix(text: Any) -> dict[str, float]:
    """``name=weight`` with commas between, or a recipe's mapping."""
    if not text:
        return {}
    pairs = text.items() if isinstance(text, dict) else (part.partition("=")[::2] for part in str(text).split(","))
    try:
        return {name.strip(): float(weight) for name, weight in pairs}
    except (ValueError, TypeError):
        raise UserError(f"--mix {text}: names with weights are wanted, as in violating=2,unaware=1") from None
