"""Who publishes: ``release.toml`` at the root of the package, ``release.json`` in a published dataset."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..schemas import format_problems, problems

HUB = "https://huggingface.co"


class BadReleaseError(ValueError):
    """A ``release.toml`` that can't be published with; the text says what to fill in."""


@dataclass(frozen=True, slots=True)
class Author:
    """A person (``family_names`` and ``given_names``) or, with an empty ``given_names``, a group."""

    family_names: str
    given_names: str = ""
    orcid: str | None = None
    affiliation: str | None = None

    @property
    def name(self) -> str:
        """The name as one reads it: given names first."""
        return f"{self.given_names} {self.family_names}".strip()

    @property
    def inverted(self) -> str:
        """The name as indexes and BibTeX sort it: ``Family, Given``."""
        return f"{self.family_names}, {self.given_names}" if self.given_names else self.family_names


@dataclass(frozen=True, slots=True)
class Release:
    """Owner on the hub, address of the package's repository, contact, and authors in the order of citation."""

    owner: str
    address: str
    contact: str
    authors: tuple[Author, ...]
    repo: str | None = None

    def repository(self, dataset: str) -> str:
        """``OWNER/NAME`` on the hub that the dataset is published under."""
        return self.repo or f"{self.owner}/{dataset}"

    def page(self, dataset: str) -> str:
        """The dataset's page on the hub."""
        return f"{HUB}/datasets/{self.repository(dataset)}"

    def card_url(self, dataset: str, version: str) -> str:
        """The card of one version on the hub."""
        return f"{self.page(dataset)}/blob/{version}/README.md"

    def text(self) -> str:
        """``release.json``: what a reader needs to render the published card again."""
        told: dict[str, Any] = {"owner": self.owner, "address": self.address, "contact": self.contact}
        told |= {"repo": self.repo} if self.repo else {}
        told["authors"] = [_told(author) for author in self.authors]
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def read_release(path: Path) -> Release:
    """Read ``release.toml`` (or, by its ending, ``release.json``).

    Raises:
        BadReleaseError: not readable, off its schema, or a value that is still a ``<placeholder>``.
    """
    try:
        text = path.read_text(encoding="utf-8")
        parsed = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise BadReleaseError(f"{path}: there is no such file; it names owner, address, contact and authors") from None
    except ValueError as error:  # JSONDecodeError, TOMLDecodeError and UnicodeDecodeError are all of this kind
        raise BadReleaseError(f"{path}: not readable ({error})") from None
    open_ones = [f"{where} = {value!r}" for where, value in _strings(parsed) if value.startswith("<")]
    if open_ones:
        raise BadReleaseError(f"{path}: still a placeholder: {', '.join(open_ones)}")
    found = problems("release", [parsed], key="owner")
    if found:
        raise BadReleaseError(f"{path}:\n{format_problems(found)}")
    authors = tuple(_author(each) for each in parsed["authors"])
    return Release(parsed["owner"], parsed["address"], parsed["contact"], authors, parsed.get("repo"))


def _author(told: Mapping[str, str]) -> Author:
    if "name" in told:
        return Author(told["name"])
    return Author(told["family_names"], told["given_names"], told.get("orcid"), told.get("affiliation"))


def _told(author: Author) -> dict[str, str]:
    if not author.given_names:
        return {"name": author.name}
    told = {"family_names": author.family_names, "given_names": author.given_names}
    more = {"orcid": author.orcid, "affiliation": author.affiliation}
    return told | {key: value for key, value in more.items() if value}


def _strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _strings(each, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _strings(each, f"{where}[{number}]")
