"""What sources yield: rows of ``cross``, and items to make training rows from."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ...schemas import CANARY, table
from ..starter.corpus import Norm, Scene
from .pictures import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossRow:
    """One row of ``cross``; fields as in design §4, pictures by reference."""

    config: str
    split: Literal["test", "benign"]
    picture: Picture
    id: str
    pair_id: str
    norm_id: str
    wording: int = 0
    query: str
    query_english: str
    language: str
    source_language: str
    country: str
    country_in: str
    region: str | None = None
    domain: str | None = None
    domain_source: str | None = None
    topic: str | None = None
    item: str | None = None
    norm: str
    norm_context: str | None = None
    meaning: str | None = None
    alternative: str | None = None
    practice: str | None = None
    references: list[dict[str, str]] | None = None
    scene: dict[str, Any] | None = None
    source: str
    source_index: str
    source_revision: str
    image_source: str
    image_license: str
    image_license_source: str | None = None
    text_license: str
    attribution: str
    translation_check: str | None = None
    flags: list[str] = field(default_factory=list)

    def as_row(self, added_in: str) -> dict[str, Any]:
        """The row as the schema ``cross`` has it."""
        own = {name: getattr(self, name) for name in self.__slots__ if name not in ("config", "split", "picture")}
        return own | {
            "image": self.picture.described(),
            "country_name": table("countries")[self.country]["name"],
            "persona": None,
            "image_sha256": self.picture.sha256,
            "added_in": added_in,
            "canary": CANARY,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainItem:
    """A multiple-choice item over a picture, in CVQA's shape, to make training rows from.

    ``label`` is None where the answer is not known. A starter item carries its ``norm`` and ``scene``;
    for other sources extraction finds the norm. ``native`` is the BCP 47 tag of
    the language that the item was first asked in, where that is not English.
    """

    id: str
    picture: Picture
    country: str
    language: str
    question: str
    options: tuple[str, ...]
    label: int | None
    category: str
    norm: Norm | None = None
    scene: Scene | None = None
    source: str
    source_id: str
    source_revision: str
    image_source: str
    image_license: str
    image_license_source: str | None = None
    text_license: str
    attribution: str
    native: str | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out; ``detail`` never holds source text."""

    id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Input:
    """What a source read, as the manifest states it."""

    source: str
    revision: str
    sha256: str
    license: str


@dataclass(slots=True)
class SourceResult:
    """All that one source gives to a build; ``feeds`` are the datasets that its rejects are missing from."""

    inputs: list[Input] = field(default_factory=list)
    cross: list[CrossRow] = field(default_factory=list)
    train: list[TrainItem] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    feeds: tuple[str, ...] = ("cross", "safety-sft", "safety-dpo")
