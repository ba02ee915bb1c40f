"""A dataset by name, ``NAME[@REV]``: found or fetched, proved against its manifest, its rows with pictures."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from .dataset import NoDatasetError, parquet, read_manifest
from .hashes import sha256_file
from .reference import Reference, parse_reference

Row = dict[str, Any]
_FILE = re.compile(r"data/[a-z-]+/[a-z]+-\d{5}-of-\d{5}-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True, slots=True)
class Opened:
    """A dataset whose files are at hand: ``folder`` holds them, ``commit`` is the hub's where it came from there."""

    reference: Reference
    folder: Path
    manifest: dict[str, Any]
    commit: str | None = None

    @property
    def name(self) -> str:
        """``cross``, ``safety-sft`` or ``safety-dpo``."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """The dataset version."""
        return str(self.manifest["version"])

    @property
    def default_config(self) -> str:
        """The config that ``load_dataset`` takes where none is named."""
        return str(self.manifest["default_config"])

    def files(self, config: str, split: str) -> list[Path]:
        """The parquet files of one split, in order.

        Raises:
            NoDatasetError: the dataset has no such config or split; the text lists those that it has.
        """
        found = [
            self.folder / f["path"] for f in self.manifest["files"] if (f["config"], f["split"]) == (config, split)
        ]
        if not found:
            has = ", ".join(sorted({f"{f['config']}/{f['split']}" for f in self.manifest["files"]}))
            raise NoDatasetError(f"{self.reference}: no {config}/{split}; it has {has}")
        return found

    def rows(self, config: str, split: str, columns: Sequence[str] | None = None, batch: int = 16) -> Iterator[Row]:
        """The rows of one split in constant memory; a picture is ``{"bytes": …, "path": …}``.

        Raises:
            NoDatasetError: no such split, or a file that is no readable parquet.
        """
        for path in self.files(config, split):
            try:
                for part in parquet(path).iter_batches(batch_size=batch, columns=columns):
                    yield from part.to_pylist()
            except pa.ArrowInvalid as error:
                raise NoDatasetError(f"{path}: not readable as parquet ({str(error)[:120]})") from None

    def withdrawn(self) -> frozenset[str]:
        """Ids that this version lists as withdrawn."""
        from .diff import withdrawn_ids

        return frozenset(withdrawn_ids(self.folder))


def open_dataset(text: str, *, verify: bool = True) -> Opened:
    """Find the dataset that ``NAME[@REV]`` names; from the hub it is fetched into the hub's own cache first.

    Args:
        text: a folder, or ``OWNER/NAME[@REV]`` on the hub.
        verify: hash every data file and compare with the manifest.

    Raises:
        BadReferenceError: neither a folder nor a hub name.
        NoDatasetError: no manifest, or a data file that is missing, oddly named or of another content than stated; or
            the hub refuses, can't be reached, or has no such repository or revision.
    """
    reference = parse_reference(text)
    folder, commit = (reference.folder, None) if reference.folder is not None else _fetch(reference)
    opened = Opened(reference, folder, read_manifest(folder), commit)
    if verify:
        _verify(opened)
    return opened


@contextmanager
def refused(label: str) -> Iterator[None]:
    """Refusals and faults of the hub inside become a ``NoDatasetError``; a file that is not there stays what it is."""
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except LocalEntryNotFoundError:
        raise NoDatasetError(f"{label}: the hub can't be reached, and nothing of it is in the cache") from None
    except EntryNotFoundError:
        raise
    except HfHubHTTPError as error:  # by its kind alone: the text repeats addresses and headers
        raise NoDatasetError(f"{label}: the hub refuses it ({type(error).__name__}); is it gated?") from None
    except cast(type[Exception], HfHubHTTPError.__bases__[0]) as error:  # no answer came
        raise NoDatasetError(f"{label}: the hub can't be reached ({type(error).__name__})") from None


def _fetch(reference: Reference) -> tuple[Path, str]:
    from huggingface_hub import snapshot_download

    with refused(str(reference)):
        path = Path(snapshot_download(str(reference.repo), repo_type="dataset", revision=reference.revision))
    return path, path.name


def check_names(label: str, manifest: dict[str, Any]) -> None:
    """Every file that a manifest lists is named as data files are, so that none lies outside the dataset.

    Raises:
        NoDatasetError: one is not.
    """
    for file in manifest.get("files", []):
        if not _FILE.fullmatch(str(file["path"])):
            raise NoDatasetError(
                f"{label}: the manifest lists {str(file['path'])[:80]!r}, which is no data file's name"
            )


def _verify(opened: Opened) -> None:
    """Every listed file is there, inside the folder, and has the content that the manifest states."""
    check_names(str(opened.reference), opened.manifest)
    for file in opened.manifest.get("files", []):
        name = str(file["path"])
        path = opened.folder / name
        if not path.is_file():
            raise NoDatasetError(f"{opened.reference}: {name} is missing")
        if sha256_file(path) != file["sha256"]:
            raise NoDatasetError(f"{opened.reference}: {name} has another content than the manifest states")
