"""A version as ``diff`` needs it: manifest, small files, and parquet columns, with no picture fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .dataset import NoDatasetError, parquet, read_manifest
from .opened import check_names, refused
from .reference import parse_reference


@dataclass(frozen=True, slots=True)
class Side:
    """One of two versions to compare; ``content``: a small file, empty where missing; ``data``: a data file, opened."""

    label: str
    manifest: dict[str, Any]
    content: Callable[[str], bytes]
    data: Callable[[str], pq.ParquetFile]


def side(text: str) -> Side:
    """The version that ``NAME[@REV]`` names.

    Raises:
        BadReferenceError: neither a folder nor a hub name.
        NoDatasetError: no readable manifest, or the hub refuses or can't be reached.
    """
    reference = parse_reference(text)
    if reference.folder is not None:
        return folder_side(reference.folder)
    return hub_side(str(reference.repo), reference.revision)


def folder_side(folder: Path) -> Side:
    """A dataset folder."""

    def content(name: str) -> bytes:
        path = folder / name
        return path.read_bytes() if path.is_file() else b""

    return Side(str(folder), read_manifest(folder), content, lambda name: parquet(folder / name))


def hub_side(repo: str, revision: str | None) -> Side:
    """A revision on the hub: small files are fetched, of data files only the columns that are read, by range requests.

    Raises:
        NoDatasetError: the hub refuses, can't be reached, or there is no readable manifest.
    """
    from huggingface_hub import HfApi, HfFileSystem, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    label = f"{repo}@{revision}" if revision else repo
    with refused(label):
        commit = str(HfApi().dataset_info(repo, revision=revision).sha)

    def fetch(name: str) -> Path:
        with refused(label):
            return Path(hf_hub_download(repo, name, repo_type="dataset", revision=commit))

    def content(name: str) -> bytes:
        try:
            return fetch(name).read_bytes()
        except EntryNotFoundError:
            return b""

    def data(name: str) -> pq.ParquetFile:
        # no read-ahead, which would fetch pictures; pyarrow joins neighbouring columns into one request
        with refused(label):
            file = HfFileSystem().open(f"datasets/{repo}@{commit}/{name}", cache_type="none")
            return pq.ParquetFile(file, pre_buffer=True)

    try:
        manifest = read_manifest(fetch("manifest.json").parent)
    except EntryNotFoundError:
        raise NoDatasetError(f"{label}: no manifest.json; this is no dataset of cross-safety") from None
    check_names(label, manifest)
    return Side(label, manifest, content, data)
