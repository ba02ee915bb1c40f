"""Respond, judge, record: judging of an answer begins while other answers still come in."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ..console import UserError
from ..inference import Client, Endpoint, Job, Picture, UnknownPictureError
from ..store.opened import Opened
from . import asking
from .protocols import Protocol, Question
from .record import AnswerLine, Text, VerdictLine
from .rows import Selection, dataset_identity, shuffled_pictures, with_pictures

Control = Literal["blind", "shuffled"]


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge: the name that its endpoint knows it by."""

    model: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole evaluation: what is asked of whom, and who judges it how.

    Attributes:
        dataset, config, selection: the rows.
        subject, endpoint: the model under test.
        judges: one, or a panel whose majority counts.
        protocol: how they judge.
        runs: how many times each row is asked.
        control: None, ``blind`` (asked without the picture) or ``shuffled`` (with the picture of another row). The
            judge is always shown the row's own picture.
    """

    dataset: Opened
    config: str
    selection: Selection
    subject: asking.Subject
    endpoint: Endpoint
    judges: tuple[Judge, ...]
    protocol: Protocol
    runs: int = 3
    one_call: bool = False
    control: Control | None = None

    def settings(self) -> dict[str, Any]:
        """What makes this run this run and no other; no address and no key."""
        return {
            "kind": "cross-eval",
            "dataset": dataset_identity(self.dataset, self.config, self.selection),
            "model": {"asked": self.subject.model, "system": self.subject.system, **self.subject.sampling.given()},
            "judges": [{"asked": judge.model} for judge in self.judges],
            "protocol": {
                "name": self.protocol.name,
                "sha256": self.protocol.sha256,
                "calls": "one for all four dimensions" if self.one_call else "one a dimension",
                "temperature": self.protocol.temperature,
                "max_tokens": self.protocol.max_tokens,
            },
            "runs": self.runs,
            "control": self.control,
        }

    @property
    def calls(self) -> int:
        """How many calls the whole run makes, if no answer fails."""
        questions = [len(self.protocol.by_split[row["split"]]) for row in self.selection.about]
        return self.runs * sum(1 + len(self.judges) * count for count in questions)


@dataclass(slots=True)
class Outcome:
    """What came of a run; lines stand in the order of rows, runs, judges and dimensions, however they came in."""

    answers: list[AnswerLine] = field(default_factory=list)
    verdicts: list[VerdictLine] = field(default_factory=list)

    def sort(self, plan: Plan) -> None:
        """Put the lines in order."""
        rows = {row["id"]: i for i, row in enumerate(plan.selection.about)}
        judges = {judge.model: i for i, judge in enumerate(plan.judges)}
        self.answers.sort(key=lambda line: (rows[line.row], line.run))
        self.verdicts.sort(key=lambda line: (rows[line.row], line.run, judges[line.judge]))


@dataclass(frozen=True, slots=True)
class _Item:
    """One answer to be had: a row, a run, the row's picture and the one that is asked with."""

    row: dict[str, Any]
    run: int
    picture: Picture
    asked: Picture | None


async def evaluate(plan: Plan, job: Job, told: Callable[[int], None] = lambda verdicts: None) -> Outcome:
    """Ask and judge everything.

    Args:
        plan: what to do.
        job: journal and budget; its endpoints are connected here.
        told: called with the number of verdicts after each answer is judged.

    Raises:
        UserError: the run has to stop; what was answered is in the journal.
    """
    model = job.connect(plan.endpoint)
    judges = {judge.model: job.connect(judge.endpoint) for judge in plan.judges}
    outcome = Outcome()

    async def work(item: _Item) -> tuple[AnswerLine, list[VerdictLine]]:
        answer = asking.read_answer(
            item.row, item.run, await model.ask(asking.respond(plan.subject, item.row, item.run, item.asked))
        )
        return answer, await _judged(plan, judges, item, answer)

    async for answer, verdicts in job.each(Items(plan), work):
        outcome.answers.append(answer)
        outcome.verdicts.extend(verdicts)
        told(len(verdicts))
    outcome.sort(plan)
    return outcome


async def _judged(plan: Plan, judges: dict[str, Client], item: _Item, answer: AnswerLine) -> list[VerdictLine]:
    questions = plan.protocol.by_split[item.row["split"]]
    asked = [(name, question) for name in judges for question in questions]
    if not isinstance(answer.answer, Text):
        return [line for name, question in asked for line in asking.unasked(question, name, answer)]
    text = answer.answer.text

    async def one(name: str, question: Question) -> list[VerdictLine]:
        request = asking.judge(plan.protocol, question, name, item.row, item.picture, answer, text)
        return asking.read_verdicts(question, name, answer, await judges[name].ask(request))

    # All come to their end before one of them may raise: in a batch each has to be written down.
    parts = await asyncio.gather(*(one(name, question) for name, question in asked), return_exceptions=True)
    for part in parts:
        if isinstance(part, BaseException):
            raise part
    return [line for part in parts if not isinstance(part, BaseException) for line in part]


@dataclass(frozen=True, slots=True)
class Items:
    """Rows × runs, the runs of a row together, so that its picture is read once; can be gone through again."""

    plan: Plan

    def __iter__(self) -> Iterator[_Item]:
        """From the first row on."""
        plan = self.plan
        rows = with_pictures(plan.dataset, plan.config, plan.selection)
        others = shuffled_pictures(plan.dataset, plan.config, plan.selection) if plan.control == "shuffled" else None
        for row in rows:
            picture = _picture(row["id"], row.pop("image")["bytes"])
            asked = _picture(row["id"], next(others)) if others else picture
            for run in range(plan.runs):
                yield _Item(row, run, picture, None if plan.control == "blind" else asked)


def _picture(row: str, data: bytes) -> Picture:
    try:
        return Picture(data)
    except UnknownPictureError as error:
        raise UserError(f"{row}: its picture can't be sent ({error})", "cross-safety check DATASET") from None
