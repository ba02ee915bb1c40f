"""``export``: rows of a dataset as files that other tools train on, with what traces and credits them."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from ... import __version__
from ...console.errors import UserError
from ...store.hashes import sha256_file
from ...store.opened import Opened
from .export_folder import MARK, whole_folder, write_file
from .export_shapes import SHAPES, LeftOutError, Picture, dataset_info, picture

FORMATS = tuple(SHAPES)
_CREDITS = ("image_source", "image_license", "text_license", "attribution")
# OpenAI: at least 10 examples, at most 50,000 with pictures (fine-tuning guides), 512 MB a file (API reference).
_OPENAI_ROWS = (10, 50_000)
_OPENAI_FILE = 512_000_000


@dataclass(slots=True)
class Exported:
    """What one export wrote: rows and bytes by file, pictures, rows left out by reason, and what to know before use."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows over all files."""
        return sum(file["rows"] for file in self.files.values())


class Lines:
    """A JSON-lines file that is written line by line, hashed on the way and flushed to disk at the end."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows, self.bytes, self._digest = path, 0, 0, hashlib.sha256()

    def __enter__(self) -> Self:
        """Open the file."""
        self._file = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush the file to disk and close it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def add(self, value: Mapping[str, Any]) -> None:
        """Write one line."""
        line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
        self._file.write(line)
        self._digest.update(line)
        self.rows += 1
        self.bytes += len(line)

    def told(self) -> dict[str, Any]:
        """Rows, bytes and sha256, as ``export.json`` has them."""
        return {"rows": self.rows, "bytes": self.bytes, "sha256": self._digest.hexdigest()}


def export(
    opened: Opened,
    form: str,
    out: Path,
    *,
    config: str | None = None,
    split: str | None = None,
    replace: bool = False,
    progress: Callable[[Iterable[Any], str, int], Iterator[Any]] = lambda items, _what, _total: iter(items),
) -> Exported:
    """Write the rows of one config in the shape of another tool, a file a split, in constant memory.

    Args:
        opened: the dataset; its files have been proved against the manifest.
        form: one of ``FORMATS``.
        out: folder to make; it appears when it is complete.
        config: the dataset's default where None.
        split: all splits of the config where None.
        replace: put the export in the place of an earlier one.
        progress: wraps the rows of a split: items, what they are, how many.

    Raises:
        UserError: no such config or split, test rows for a training format, or something in the way.
    """
    chosen = config or opened.default_config
    splits = _splits(opened, form, chosen, split)
    found = Exported()
    with whole_folder(out, replace=replace) as folder:
        if form != "openai":
            (folder / "images").mkdir()
        _write_splits(opened, form, folder, chosen, splits, found, progress)
        if found.rows == 0:
            raise UserError(f"{opened.reference}: no row is left for {form} ({_counted(found.left_out)})")
        if form == "llama-factory":
            _write_json(folder / "dataset_info.json", _dataset_info(opened, chosen, splits))
        found.warnings = warnings(opened, form, found)
        _write_json(folder / MARK, _record(opened, form, chosen, found))
    return found


def _splits(opened: Opened, form: str, config: str, split: str | None) -> dict[str, int]:
    """Splits to write, with their rows."""
    if opened.name == "cross" and form != "jsonl":
        raise UserError(
            f"{opened.reference}: cross is a test set, and {form} is a format to train on",
            "cross-safety export safety-sft --format … , or --format jsonl to read its rows elsewhere",
        )
    configs = opened.manifest["configs"]
    if config not in configs:
        raise UserError(f"{opened.reference}: no config {config}; it has {', '.join(configs)}")
    has: dict[str, int] = configs[config]["splits"]
    if split is not None and split not in has:
        raise UserError(f"{opened.reference}: {config} has no split {split}; it has {', '.join(has)}")
    return {split: has[split]} if split is not None else has


def _write_splits(
    opened: Opened,
    form: str,
    folder: Path,
    config: str,
    splits: Mapping[str, int],
    found: Exported,
    progress: Callable[[Iterable[Any], str, int], Iterator[Any]],
) -> None:
    written: set[str] = set()
    with ExitStack() as stack:
        credit = stack.enter_context(Lines(folder / "credits.jsonl")) if form != "jsonl" else None
        left_out = stack.enter_context(Lines(folder / "left_out.jsonl"))
        for split, total in splits.items():
            with Lines(folder / f"{config}-{split}.jsonl") as lines:
                for row in progress(opened.rows(config, split), f"{config}/{split}", total):
                    try:
                        shown = picture(row)
                        lines.add(SHAPES[form](row, shown))
                    except LeftOutError as error:
                        found.left_out[str(error)] = found.left_out.get(str(error), 0) + 1
                        left_out.add({"id": row["id"], "reason": str(error)})
                        continue
                    if form != "openai":
                        _save(folder, shown, written)
                    if credit:
                        line = {"file": lines.path.name, "line": lines.rows, "id": row["id"]}
                        credit.add(line | {"image_sha256": row["image_sha256"]} | {key: row[key] for key in _CREDITS})
            found.files[lines.path.name] = lines.told()
    found.pictures = len(written)


def _save(folder: Path, shown: Picture, written: set[str]) -> None:
    if shown.name not in written:
        write_file(folder / shown.path, shown.data)
        written.add(shown.name)


def _dataset_info(opened: Opened, config: str, splits: Iterable[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for split in splits:
        name = f"{opened.name}-{config}-{split}".replace("-", "_")
        told |= dataset_info(name, f"{config}-{split}.jsonl", opened.name == "safety-dpo")
    return told


def warnings(opened: Opened, form: str, found: Exported) -> list[str]:
    """What a user of the export must know before using it."""
    told = []
    if opened.name == "safety-dpo":
        told.append(
            "the rejected answers are culturally unsafe on purpose: train preferences on them, never to imitate"
        )
    if opened.name == "cross":
        told.append("these are test rows: keep them out of training sets (each carries the canary)")
    if form != "openai":
        return told
    told.append("OpenAI takes no new users for fine-tuning; the shape is its documented one, and others read it too")
    if opened.name == "safety-dpo":
        told.append("OpenAI's guide says that its preference fine-tuning takes text alone; these rows have pictures")
    least, most = _OPENAI_ROWS
    for name, file in found.files.items():
        if not least <= file["rows"] <= most:
            told.append(f"{name} has {file['rows']:,} rows; OpenAI takes {least} to {most:,} with pictures")
        if file["bytes"] > _OPENAI_FILE:
            told.append(f"{name} has {file['bytes'] / 1e6:,.0f} MB; OpenAI takes 512 MB a file")
    return told


def _record(opened: Opened, form: str, config: str, found: Exported) -> dict[str, Any]:
    """``export.json``: what was exported from which version. No path of this machine."""
    return {
        "format": form,
        "builder": __version__,
        "dataset": opened.name,
        "version": opened.version,
        "build_id": opened.manifest["build_id"],
        "repo": opened.reference.repo,
        "revision": opened.reference.revision,
        "commit": opened.commit,
        "manifest_sha256": sha256_file(opened.folder / "manifest.json"),
        "config": config,
        "rows_sha256": opened.manifest["configs"][config]["rows_sha256"],
    } | asdict(found)


def _counted(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "the splits are empty"


def _write_json(path: Path, value: Any) -> None:
    write_file(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
