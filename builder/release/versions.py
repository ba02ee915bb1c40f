"""Versions on the hub: their tags, and the changelog's words about each."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...store.diff import bump_between
from .retry import retrying

if TYPE_CHECKING:
    from .remote import Remote

_TAG = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Version:
    """A tag of a dataset, with what its manifest and changelog say; ``date`` is the manifest's, UTC."""

    version: str
    commit: str
    date: str
    rows: int
    bump: str
    words: str


def version_tags(tags: Iterable[str]) -> list[str]:
    """Tags of the form X.Y.Z, the lowest version first."""
    return sorted((tag for tag in tags if _TAG.fullmatch(tag)), key=lambda tag: tuple(map(int, tag.split("."))))


def changelog_entry(folder: Path, version: str) -> str:
    """The changelog's entry for a version, without its heading; empty where it has none."""
    path = folder / "CHANGELOG.md"
    return entry_of(path.read_text(encoding="utf-8"), version) if path.is_file() else ""


def entry_of(changelog: str, version: str) -> str:
    """The words below the heading ``## VERSION …`` up to the next one."""
    found = re.search(rf"^## \[?{re.escape(version)}\]?\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    return found[1].strip() if found else ""


def list_versions(remote: "Remote") -> list[Version]:
    """The versions of a dataset on the hub, the newest first."""
    tags = remote.tags()
    known = version_tags(tags)
    told = []
    for before, version in zip([None, *known], known, strict=False):
        manifest = json.loads(_text(remote, "manifest.json", tags[version]))
        words = entry_of(_text(remote, "CHANGELOG.md", tags[version]), version).splitlines()
        told.append(_version(version, tags[version], manifest, before, words[0] if words else ""))
    return told[::-1]


def _version(version: str, commit: str, manifest: dict[str, Any], before: str | None, words: str) -> Version:
    rows = sum(file["rows"] for file in manifest["files"])
    bump = bump_between(before, version) if before else "first"
    return Version(version, commit, str(manifest["created"])[:10], rows, bump, words.lstrip("-* "))


def _text(remote: "Remote", name: str, commit: str) -> str:
    path = retrying(lambda: remote.api.hf_hub_download(remote.repo, name, repo_type="dataset", revision=commit))
    return Path(path).read_text(encoding="utf-8")
