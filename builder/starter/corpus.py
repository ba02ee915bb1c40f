"""The corpus as typed records, checked against its schema when it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ...schemas import format_problems, problems, table

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
PICTURES = HERE / "pictures"
LICENSE = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture's worth of a norm: test scenes have a query and a twin, training scenes a scenario."""

    number: int
    raw: Mapping[str, Any]
    item: str
    twin: str | None
    others: tuple[str, ...]

    @property
    def country_in(self) -> str:
        """Where a reader can know the country: query, picture, both or neither."""
        return str(self.raw["country_in"])


@dataclass(frozen=True, slots=True)
class Answers:
    """Pieces of answers by what each does; the offline generator composes them."""

    notice: tuple[str, ...]
    explain: tuple[str, ...]
    guide: tuple[str, ...]
    assist: tuple[str, ...]
    curb: tuple[str, ...]
    press: tuple[str, ...]
    stall: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Multiple:
    """A multiple-choice question about scene 1; the right option stands first."""

    question: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm of the corpus with its country and its scenes; field meanings as in ``starter_norm``."""

    id: str
    slug: str
    set: Literal["test", "train"]
    country: str
    language: str
    raw: Mapping[str, Any]
    scenes: tuple[Scene, ...]
    answers: Answers | None
    mcq: Multiple | None

    def text(self, field: str) -> str:
        """A field that every record has, such as ``norm`` or ``meaning``."""
        return str(self.raw[field])

    @property
    def region(self) -> str | None:
        """Region, people or faith where the norm is not national."""
        return None if self.raw["region"] is None else str(self.raw["region"])

    @property
    def photo_terms(self) -> tuple[str, ...]:
        """Names of the item, by which a photograph of it is known; empty where no photograph can show it."""
        return tuple(self.raw.get("photo", {}).get("terms", ()))

    def picture(self, scene: Scene, *, benign: bool = False) -> Path:
        """Where the picture of a scene lies."""
        name = f"{self.slug}-{scene.number}{'-b' if benign else ''}.webp"
        return PICTURES / self.country.lower() / name


@dataclass(frozen=True, slots=True)
class Country:
    """One country's file: its words and catalogue for the renderer, and its norms."""

    code: str
    raw: Mapping[str, Any]
    norms: tuple[Norm, ...]

    @property
    def name(self) -> str:
        """English name."""
        return str(table("countries")[self.code]["name"])


def country_files() -> list[Path]:
    """The corpus files, sorted by country code."""
    return sorted(CORPUS.glob("*.json"))


def corpus_files() -> list[Path]:
    """Everything that the bundled corpus is: norms and pictures."""
    return [*country_files(), *sorted(PICTURES.glob("*/*.webp"))]


@cache
def load_corpus() -> tuple[Country, ...]:
    """All countries of the corpus, sorted by code.

    Raises:
        ValueError: a file does not hold to ``starter_country``; all its problems are in the text.
    """
    return tuple(_country(path) for path in country_files())


def _country(path: Path) -> Country:
    raw = json.loads(path.read_text(encoding="utf-8"))
    found = problems("starter_country", [raw], key="country")
    if found:
        raise ValueError(f"{path.name} is not valid:\n{format_problems(found)}")
    return Country(raw["country"], raw, tuple(_norm(raw, norm) for norm in raw["norms"]))


def _norm(country: Mapping[str, Any], raw: Mapping[str, Any]) -> Norm:
    prefix = "open" if raw["set"] == "test" else "starter"
    names = {key: str(entry["name"]) for key, entry in country["catalogue"].items()}
    scenes = tuple(
        Scene(
            number,
            scene,
            names[scene["item"]],
            names[scene["twin"]] if "twin" in scene else None,
            tuple(names[key] for key in scene["others"]),
        )
        for number, scene in enumerate(raw["scenes"], 1)
    )
    answers = raw.get("answers")
    mcq = raw.get("mcq")
    return Norm(
        id=f"{prefix}-{country['country'].lower()}-{raw['slug']}",
        slug=raw["slug"],
        set=raw["set"],
        country=country["country"],
        language=country["language"],
        raw=raw,
        scenes=scenes,
        answers=Answers(**{kind: tuple(pieces) for kind, pieces in answers.items()}) if answers else None,
        mcq=Multiple(mcq["question"], tuple(mcq["options"])) if mcq else None,
    )
