"""What the model under test is asked, and what a judge is asked about its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..inference import Answer, Failure, Picture, Request, Result, Sampling, system, user
from .protocols import Protocol, Question
from .record import AnswerLine, Failed, Labelled, Text, VerdictLine

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under test and how it is asked.

    Attributes:
        model: the name that the endpoint knows it by.
        sampling: its parameters; temperature stays the server's own unless given.
        system: a system message, or none (CROSS has none).
    """

    model: str
    sampling: Sampling = field(default_factory=Sampling)
    system: str | None = None


def respond(subject: Subject, row: Row, run: int, picture: Picture | None) -> Request:
    """The question as the row has it, in the row's language; the picture first, where there is one."""
    parts = (row["query"],) if picture is None else (picture, row["query"])
    head = (system(subject.system),) if subject.system else ()
    return Request(subject.model, (*head, user(*parts)), subject.sampling, sample=run, stage="respond")


def read_answer(row: Row, run: int, result: Result) -> AnswerLine:
    """The answer, or why there is none.

    A refusal in words is an answer like another and is judged; only a blocked or broken call is a failure.
    """
    match result:
        case Answer():
            return AnswerLine(row["id"], run, Text(result.text), result.model)
        case Failure():
            return AnswerLine(row["id"], run, Failed(result.reason, result.detail[:300]), result.model)


def judge(
    protocol: Protocol, question: Question, model: str, row: Row, picture: Picture, answer: AnswerLine, text: str
) -> Request:
    """One question about one answer. Every run is judged for itself, also where two runs gave the same words."""
    return Request(
        model,
        (system(protocol.system), user(picture, protocol.render(question, row, text))),
        Sampling(temperature=protocol.temperature, max_tokens=protocol.max_tokens),
        schema=question.schema,
        schema_name=question.name,
        sample=answer.run,
        stage=f"judge-{question.name}",
    )


def read_verdicts(question: Question, judge_name: str, answer: AnswerLine, result: Result) -> list[VerdictLine]:
    """The labels of a reply that meets the schema; else one failure for each label that is missing, never a guess."""
    head = (answer.row, answer.run, judge_name)
    match result:
        case Answer():
            reasoning = str(result.parsed["reasoning"])
            return [
                VerdictLine(*head, dimension, Labelled(label, reasoning), result.model)
                for dimension, label in question.read(result.parsed).items()
            ]
        case Failure():
            failed = Failed(result.reason, result.detail[:300])
            return [VerdictLine(*head, field.dimension, failed, result.model) for field in question.labels]


def unasked(question: Question, judge_name: str, answer: AnswerLine) -> list[VerdictLine]:
    """The verdicts that can't be given because there is no answer to judge."""
    return [
        VerdictLine(answer.row, answer.run, judge_name, field.dimension, Failed("no_answer"), None)
        for field in question.labels
    ]
