"""``cross-safety eval …`` and ``cross-safety report``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..console import Output, UserError
from ..console.errors import Exit
from ..console.options import common_options
from ..inference.options import InferenceOptions, inference_options
from .preference_command import preference
from .review_commands import FILE, FOLDER, opened, review

if TYPE_CHECKING:
    from ..inference import Endpoint

C = TypeVar("C", bound=Callable[..., Any])
BYS = ("country", "region", "domain", "language", "source", "run")
EFFORT = click.Choice(["minimal", "low", "medium", "high"])


@click.group("eval")
def eval_() -> None:
    """Ask a model the questions of `cross`, judge its answers, and let people judge the judge.

    \b
    Start with:
      cross-safety eval run cross --model MODEL --base-url http://localhost:8000/v1 --judge JUDGE --out runs/mine
      cross-safety report runs/mine
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def model_options(command: C) -> C:
    """The options of every command that asks a model under test, beside those of the inference room."""
    for option in reversed(
        [
            click.option("--out", type=FOLDER, required=True, help="Folder of the run, such as runs/NAME."),
            click.option("--replace", is_flag=True, help="Put this run in the place of another in --out."),
            click.option("--temperature", type=click.FloatRange(0), help="[default: the server's own]"),
            click.option("--max-tokens", type=click.IntRange(1), help="Longest answer.  [default: the server's own]"),
            click.option("--reasoning-effort", type=EFFORT, help="How much the model is to reason, where it can."),
        ]
    ):
        command = option(command)
    return command


@eval_.command("run")
@click.argument("data")
@inference_options
@model_options
@click.option("--judge", "judges", multiple=True, required=True, help="Judge; several make a panel.")
@click.option("--judge-base-url", help="The judges' endpoint.  [default: that of --base-url]")
@click.option("--judge-api-key-env", help="Variable that holds its key.  [default: that of --api-key-env]")
@click.option("--config", help="Config of the dataset.  [default: the dataset's own]")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(["test", "benign"]), help="[default: all there are]"
)
@click.option("--runs", type=click.IntRange(1, 20), default=3, show_default=True, help="Times each row is asked.")
@click.option("--protocol", default="cross-1", show_default=True, help="Judge protocol.")
@click.option("--one-call", is_flag=True, help="All four dimensions in one call, a quarter of the cost.")
@click.option(
    "--reasoning-judge", is_flag=True, help="Send the judge no temperature and no token limit, as reasoners want it."
)
@click.option("--blind", is_flag=True, help="Ask without the picture: how much does it matter?")
@click.option("--shuffle-images", is_flag=True, help="Ask with the picture of another row.")
@click.option("--limit", type=click.IntRange(1), help="Only so many pairs, spread over countries, for a first look.")
@common_options
def run(
    output: Output,
    data: str,
    judges: tuple[str, ...],
    judge_base_url: str | None,
    judge_api_key_env: str | None,
    config: str | None,
    splits: tuple[str, ...],
    runs: int,
    protocol: str,
    one_call: bool,
    reasoning_judge: bool,
    blind: bool,
    shuffle_images: bool,
    limit: int | None,
    inference: InferenceOptions,
    **model: Any,
) -> int:
    """Ask a model every question of DATA (NAME[@REV]) and have its answers judged.

    Everything is kept in --out as it comes in: interrupt at any moment, and the same command goes on from there.
    Judging begins while answers still come in. A verdict that a judge fails to give is counted and never scored; more
    than 2 % of them give exit code 3.

    \b
    Examples:
      cross-safety eval run cross --model A --judge B --base-url http://localhost:8000/v1 --limit 10 --out runs/try
      cross-safety eval run someone/cross@1.0.0 --model A --judge B --judge C --judge D --out runs/a
      cross-safety eval run cross --config open-multilingual --model A --judge B --out runs/a-languages
      cross-safety eval run cross --model A --judge B --blind --out runs/a-blind
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .asking import Subject
    from .protocols import load_protocol
    from .rows import select
    from .run import Judge, Plan

    if blind and shuffle_images:
        raise UserError("--blind and --shuffle-images: one control at a time", code=Exit.USAGE)
    if len(set(judges)) < len(judges):
        raise UserError("a judge is named twice; a panel is made of different judges", code=Exit.USAGE)
    dataset = opened(data, "cross", output)
    chosen = config or dataset.default_config
    has = dataset.manifest["configs"].get(chosen, {}).get("splits", {})
    if not has:
        raise UserError(f"{data}: no config {chosen}; it has {', '.join(dataset.manifest['configs'])}", code=Exit.USAGE)
    wanted = splits or tuple(split for split in ("test", "benign") if split in has)
    endpoint = inference.endpoint()
    plan = Plan(
        dataset=dataset,
        config=chosen,
        selection=select(dataset, chosen, wanted, limit),
        subject=Subject(inference.need_model(), _sampling(model)),
        endpoint=endpoint,
        judges=tuple(Judge(name, _judged_at(endpoint, judge_base_url, judge_api_key_env)) for name in judges),
        protocol=load_protocol(protocol, one_call=one_call, reasoning_judge=reasoning_judge),
        runs=runs,
        one_call=one_call,
        control="blind" if blind else "shuffled" if shuffle_images else None,
    )
    return _carried_out(plan, data, model, inference, output)


def _estimated(plan: Any, out: Path, inference: InferenceOptions, output: Output) -> int:
    from .session import sampled_cost

    found = sampled_cost(plan, out, output, inference)
    told = "unknown: a model has no price; give --prices FILE"
    if found.usd is not None:
        interval = "" if found.low is None else f" [{found.low:.2f}, {found.high:.2f}]"
        told = f"${found.usd:.2f}{interval}"
    data = {"calls": plan.calls, "usd": found.usd, "low": found.low, "high": found.high, "sampled": found.sampled}
    output.result(data, f"{plan.calls:,} calls, about {told} (from {found.sampled} of {found.rows} answers)", told)
    return Exit.DONE


def _carried_out(plan: Any, reference: str, model: dict[str, Any], inference: InferenceOptions, output: Output) -> int:
    """Carry out, then show the report on this one run; or tell what it would cost."""
    from .session import conduct

    out = model["out"]
    if inference.estimate:
        return _estimated(plan, out, inference, output)
    conduct(plan, out, reference, output, inference, replace_run=model["replace"])
    output.say(f"{out}: finished; `cross-safety report {out}` shows it again, with --by and beside other runs")
    return _reported(output, [out], bys=())


@eval_.command("cvqa")
@click.argument("data")
@inference_options
@model_options
@click.option("--runs", type=click.IntRange(1, 20), default=1, show_default=True, help="Times each row is asked.")
@common_options
def cvqa(output: Output, data: str, runs: int, inference: InferenceOptions, **model: Any) -> int:
    """Multiple-choice accuracy on DATA, a `safety-sft` (NAME[@REV]): pictures that no training split holds.

    An answer that names no single letter is counted as a failure, not as wrong; the bounds say what it could change.

    \b
    Example:
      cross-safety eval cvqa safety-sft --model MODEL --base-url http://localhost:8000/v1 --out runs/mine-cvqa
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from .asking import Subject
    from .cvqa import Plan, select

    dataset = opened(data, "safety-sft", output)
    subject = Subject(inference.need_model(), _sampling(model))
    plan = Plan(dataset, select(dataset), subject, inference.endpoint(), runs)
    return _carried_out(plan, data, model, inference, output)


eval_.add_command(review)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("--by", "bys", multiple=True, type=click.Choice(BYS), help="Break down by this too; repeatable.")
@click.option("--over-time", is_flag=True, help="Runs of one model in the order of their dates: what changed?")
@click.option("--authors", multiple=True, type=FILE, help="Result file of the paper's authors, to stand beside.")
@click.option("--general-before", multiple=True, type=FILE, help="MMMU, MME before training (lmms-eval, VLMEvalKit).")
@click.option("--general-after", multiple=True, type=FILE, help="The same after training.")
@common_options
def report(
    output: Output,
    runs: tuple[Path, ...],
    bys: tuple[str, ...],
    over_time: bool,
    authors: tuple[Path, ...],
    general_before: tuple[Path, ...],
    general_after: tuple[Path, ...],
) -> int:
    """Tables for finished RUNS, each figure with its 95 % interval, n, clusters and failures; several are compared.

    \b
    Examples:
      cross-safety report runs/mine --by country --by domain
      cross-safety report runs/before runs/after runs/after-cvqa
      cross-safety report runs/mine --output json > mine.json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    more = {"authors": authors, "general_before": general_before, "general_after": general_after}
    return _reported(output, list(runs), bys=bys, over_time=over_time, **more)


def _reported(output: Output, runs: list[Path], **options: Any) -> int:
    from .report import report as made
    from .summary import jsonable
    from .tables import report_text

    found = made(runs, **options)
    output.result(jsonable(found), report_text(found))
    for name in found["incomplete"]:
        output.warn(f"{name}: more than 2 % of the verdicts are missing")
    return Exit.INCOMPLETE if found["incomplete"] else Exit.DONE


def _judged_at(endpoint: "Endpoint", base_url: str | None, api_key_env: str | None) -> "Endpoint":
    """The judges' endpoint: the same as the model's (and its slots with it) but for what is said of it."""
    from dataclasses import replace

    elsewhere = replace(endpoint, base_url=base_url) if base_url else endpoint
    return replace(elsewhere, api_key_env=api_key_env) if api_key_env else elsewhere


def _sampling(model: dict[str, Any]) -> Any:
    from ..inference import Sampling

    return Sampling(
        temperature=model["temperature"], max_tokens=model["max_tokens"], reasoning_effort=model["reasoning_effort"]
    )


eval_.add_command(preference)
