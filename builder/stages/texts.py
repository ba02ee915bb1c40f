"""What every generator hands over: the norm that an item touches, and the texts written for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..sources.items import CrossRow, Reject, TrainItem
from ..starter.corpus import Norm


@dataclass(frozen=True, slots=True)
class Known:
    """What rows say of a norm; fields as in the schemas. ``id`` is shared by all rows about the norm."""

    id: str
    norm: str
    meaning: str
    item: str
    topic: str | None
    domain: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one prompt: ``rejected`` by negative type; ``generator`` is a model's name or ``offline``."""

    scenario: str
    question: str
    chosen: str
    rejected: Mapping[str, str]
    generator: str = "offline"


@dataclass(slots=True)
class Prepared:
    """What a generator made of a build's items.

    Attributes:
        known: norms for training, by item id; an item that is not here gets no row but the multiple-choice one.
        texts: texts, for the ids in ``known``.
        cross: test rows made of photographs.
        cross_rejects: items that were meant for test and gave no row.
        rejects: items that were meant for training and gave no row, where that has another reason than a missing norm.
        generators: name, parameters and hashes of prompts, as the manifest has them.
        work: calls, retries, tokens and seconds by stage and model.
        answers: ``journal.jsonl.zst``, the model's answers that all this stands on; None where no model was asked.
    """

    known: dict[str, Known] = field(default_factory=dict)
    texts: dict[str, Texts] = field(default_factory=dict)
    cross: list[CrossRow] = field(default_factory=list)
    cross_rejects: list[Reject] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    generators: list[dict[str, Any]] = field(default_factory=list)
    work: list[dict[str, Any]] = field(default_factory=list)
    answers: bytes | None = None


Prepare: TypeAlias = Callable[[Sequence[TrainItem]], Prepared]


def known_of(norm: Norm) -> Known:
    """A norm of the corpus, as rows say it."""
    return Known(
        norm.id,
        norm.text("norm"),
        norm.text("meaning"),
        norm.text("item"),
        norm.text("topic"),
        norm.text("domain"),
        norm.region,
    )
