"""All pictures that the corpus asks for, one job each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....schemas.loader import CANARY
from .compose import compose
from .render import draw, encode


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to be drawn."""

    country: Mapping[str, Any]
    norm: Mapping[str, Any]
    number: int
    benign: bool

    @property
    def code(self) -> str:
        """The country's folder."""
        return str(self.country["country"]).lower()

    @property
    def name(self) -> str:
        """The picture's id inside the country's folder."""
        return f"{self.norm['slug']}-{self.number}" + ("-b" if self.benign else "")


def norm_id(country: Mapping[str, Any], norm: Mapping[str, Any]) -> str:
    """The id of a norm, by which its scenes are seeded: the one that `starter.corpus` gives it."""
    prefix = "open" if norm["set"] == "test" else "starter"
    return f"{prefix}-{country['country'].lower()}-{norm['slug']}"


def jobs(country: Mapping[str, Any]) -> Iterator[Job]:
    """All pictures of a country."""
    for norm in country["norms"]:
        for number, scene in enumerate(norm["scenes"], 1):
            yield Job(country, norm, number, benign=False)
            if "twin" in scene:
                yield Job(country, norm, number, benign=True)


def render(job: Job) -> bytes:
    """The file of a picture; those of the test set carry the canary, those to train on must not."""
    scene = job.norm["scenes"][job.number - 1]
    page = compose(job.country, norm_id(job.country, job.norm), scene, job.number, benign=job.benign)
    return encode(draw(page), canary=CANARY if job.norm["set"] == "test" else None)


def tried(job: Job) -> tuple[Job, bytes, str]:
    """A picture or what is wrong with its scene: one bad scene must not hide the others."""
    try:
        return job, render(job), ""
    except (ValueError, KeyError, RuntimeError) as error:
        return job, b"", f"{type(error).__name__}: {error}"
