"""The chat generator behind ``build``: settings from options or from a manifest, the job, the totals."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..console.errors import UserError
from ..console.output import Output
from ..inference import Endpoint, Job, Journal, run
from ..inference.carry import export_answers, load_answers
from ..inference.options import InferenceOptions
from ..store.hashes import fraction
from .release.answers import ANSWERS, content_sha256
from .sources.items import TrainItem
from .stages import Prepare
from .stages.chat import Asker, Generated, Settings, generate, prompt_versions

SAMPLE = 12


class EstimateOnly(Exception):
    """What all items would cost; raised once a sample of them was asked."""

    def __init__(self, sampled: int, rows: int, usd: float | None) -> None:
        super().__init__(f"{sampled} of {rows} items asked")
        self.sampled, self.rows, self.usd = sampled, rows, usd


def chat_prepare(options: InferenceOptions, verify_model: str | None, out: Path, output: Output) -> Prepare:
    """The generator that asks ``options.model``; answers go through a journal in ``out``.

    Raises:
        click.UsageError: no model was named.
        UserError: no key, no price for a limit, or an address that is none.
    """
    model = options.need_model()
    settings = Settings(model, verify_model or model)
    endpoint = options.endpoint()
    endpoint.key()
    if settings.verify_model == model:
        output.warn(f"{model} checks its own texts; --verify-model names another")

    def prepare(items: Sequence[TrainItem]) -> Generated:
        journal = Journal(options.journal or out / "journal.sqlite")
        try:
            job = options.job(journal)
            chosen = _sample(items) if options.estimate else items
            output.say(f"asking {model} about {len(chosen):,} items; answers are kept in {journal.path}")
            made = run(_generate(job, endpoint, settings, chosen))
            output.say(job.ledger.text())
            if options.estimate:
                raise _estimated(job, len(chosen), len(items))
            return _finished(made, job, settings)
        finally:
            journal.close()

    return prepare


def replay_prepare(recipe: dict[str, Any], folder: Path) -> Prepare:
    """The generator that asks nobody: it serves the answers which the version was made of.

    Raises:
        UserError: the answers are not beside the manifest, or are others.
    """
    path = folder / ANSWERS
    told = next(each["sha256"] for each in recipe["inputs"] if each["source"] == "answers")
    if not path.is_file():
        raise UserError(f"{path}: missing; {recipe['name']} {recipe['version']} was made of these answers")
    if content_sha256(str(path)) != told:
        raise UserError(f"{path}: not the answers that {recipe['name']} {recipe['version']} was made of")
    generator = recipe["generators"][0]
    own = generator["parameters"]
    settings = Settings(generator["name"], own["verify_model"], own["temperature"])

    def prepare(items: Sequence[TrainItem]) -> Generated:
        with tempfile.TemporaryDirectory() as place:
            journal = Journal(Path(place) / "journal.sqlite")
            try:
                load_answers(path, journal)
                job = Job(journal, asking="nothing")
                return _finished(run(_generate(job, Endpoint(), settings, items)), job, settings)
            finally:
                journal.close()

    return prepare


async def _generate(job: Job, endpoint: Endpoint, settings: Settings, items: Sequence[TrainItem]) -> Generated:
    async with job:
        return await generate(job, Asker(job.connect(endpoint), settings), items)


def _finished(made: Generated, job: Job, settings: Settings) -> Generated:
    """With what the manifest says of the model, and the answers to carry along."""
    made.generators = [{"name": settings.model, "parameters": settings.parameters, "prompts": prompt_versions()}]
    made.work = job.ledger.summary()["lines"]
    made.answers = export_answers(job.journal, made.keys)
    return made


def _sample(items: Sequence[TrainItem]) -> list[TrainItem]:
    return sorted(items, key=lambda item: fraction("estimate", item.id))[:SAMPLE]


def _estimated(job: Job, sampled: int, rows: int) -> EstimateOnly:
    known = [cost for cost in job.row_costs if cost is not None]
    whole = len(known) == len(job.row_costs)
    return EstimateOnly(sampled, rows, sum(known) / sampled * rows if whole and sampled else None)
