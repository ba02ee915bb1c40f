"""The files of a version as they go up, and how they compare with what lies on the hub."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cards import Release, render_for_release
from ...store.hashes import sha256_bytes, sha256_file
from .answers import ANSWERS

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

OWN = ("manifest.json", "rejects.jsonl", "withdrawn.jsonl", "CHANGELOG.md")


@dataclass(frozen=True, slots=True)
class Item:
    """A file that goes up: ``source`` is where it lies or, if it was rendered, its bytes."""

    path: str
    source: Path | bytes
    size: int
    sha256: str
    blob: str

    def lies_at(self, remote: "RepoFile | None") -> bool:
        """Has the hub's file this content? LFS files are told by sha256, the others by git's hash."""
        if remote is None or remote.size != self.size:
            return False
        return remote.lfs.sha256 == self.sha256 if remote.lfs else remote.blob_id == self.blob


def payload(folder: Path, manifest: Mapping[str, Any], release: Release) -> list[Item]:
    """Everything that a version consists of, sorted by path; card and citation rendered for ``release``."""
    names = [*OWN, *(file["path"] for file in manifest["files"]), *([ANSWERS] if manifest.get("answers") else [])]
    sources: dict[str, Path | bytes] = {name: folder / name for name in names if (folder / name).is_file()}
    sources |= {name: text.encode() for name, text in render_for_release(manifest, release).items()}
    return [_item(path, sources[path]) for path in sorted(sources)]


def _item(path: str, source: Path | bytes) -> Item:
    if isinstance(source, bytes):
        return Item(path, source, len(source), sha256_bytes(source), _blob(source))
    size = source.stat().st_size
    with source.open("rb") as file:
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while block := file.read(1 << 20):
            digest.update(block)
    return Item(path, source, size, sha256_file(source), digest.hexdigest())


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def stale(remote: Mapping[str, "RepoFile"], items: list[Item]) -> list[str]:
    """Files of ours on the hub that this version does not have; what others put there stays."""
    here = {item.path for item in items}
    return sorted(path for path in remote if path not in here and (path.startswith("data/") or path == ANSWERS))


def equal(remote: Mapping[str, "RepoFile"], items: list[Item]) -> bool:
    """Tell whether the hub's tree holds this version, whole and with nothing of another."""
    return all(item.lies_at(remote.get(item.path)) for item in items) and not stale(remote, items)
