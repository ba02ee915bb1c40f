"""The rows that a training run uses: one config of a dataset, by split, negative type and mix."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import UserError
from ..schemas import table
from ..schemas.loader import SCHEMA_VERSION
from ..store.dataset import NoDatasetError
from ..store.hashes import fraction, sha256_file
from ..store.opened import Opened, open_dataset
from ..store.reference import BadReferenceError

if TYPE_CHECKING:
    import datasets

METHODS = {"safety-sft": "sft", "safety-dpo": "dpo"}
COLUMNS = {
    "sft": ("id", "images", "prompt", "completion"),
    "dpo": ("id", "images", "prompt", "chosen", "rejected", "negative_type"),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are trained on.

    Attributes:
        config: of the dataset; None for its default.
        split, eval_split: names of splits; ``eval_split`` None where nothing is evaluated during training.
        negative_types: for preferences; empty for all.
        mix: relative weights of negative types; the heaviest keeps all its rows, the others their share of them.
        seed: decides which rows a share keeps.
    """

    config: str | None = None
    split: str = "train"
    eval_split: str | None = "validation"
    negative_types: tuple[str, ...] = ()
    mix: Mapping[str, float] = field(default_factory=dict)
    seed: int = 42


@dataclass(frozen=True, slots=True)
class Source:
    """An opened training dataset, with the config and the rows that were asked for."""

    opened: Opened
    method: str
    selection: Selection

    @property
    def config(self) -> str:
        """The config in use."""
        return self.selection.config or self.opened.default_config

    @property
    def types(self) -> tuple[str, ...]:
        """Negative types in use, in the order of the table; none for SFT."""
        if self.method == "sft":
            return ()
        return tuple(
            name for name in table("negative_types") if name in (self.selection.negative_types or _all_types())
        )

    def shares(self) -> dict[str, float]:
        """The share of each negative type's rows that is kept, 0 to 1."""
        weights = {name: self.selection.mix.get(name, 1.0) for name in self.types}
        return {name: weight / max(weights.values()) for name, weight in weights.items()}

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Is this row of the split trained on. ``row`` needs ``id`` and, for preferences, ``negative_type``."""
        if self.method == "sft":
            return True
        share = self.shares().get(row["negative_type"], 0.0)
        return share == 1 or fraction("mix", str(self.selection.seed), row["id"]) < share

    def described(self) -> dict[str, Any]:
        """What is trained on, for the record and the model card."""
        opened = self.opened
        return {
            "name": opened.name,
            "reference": str(opened.reference),
            "revision": opened.reference.revision,
            "commit": opened.commit,
            "version": opened.version,
            "build_id": opened.manifest["build_id"],
            "schema_version": opened.manifest["schema_version"],
            "manifest_sha256": sha256_file(opened.folder / "manifest.json"),
            "rows_sha256": opened.manifest["configs"][self.config]["rows_sha256"],
            "config": self.config,
            "split": self.selection.split,
            "eval_split": self.selection.eval_split,
            "negative_types": list(self.types),
            "mix": dict(self.selection.mix),
            "seed": self.selection.seed,
        }


def _all_types() -> tuple[str, ...]:
    return tuple(table("negative_types"))


def open_source(reference: str, selection: Selection, method: str | None = None) -> Source:
    """Find the dataset and make sure that it can be trained on in the way asked for. Reads no row's picture.

    Args:
        reference: ``NAME[@REV]``.
        selection: which rows.
        method: ``sft`` or ``dpo``; None for the one that the dataset is made for.

    Raises:
        UserError: no such dataset, one of another kind or schema version, no such config or split, an empty one, a
            column that is missing, or a negative type that does not exist.
    """
    opened = _opened(reference)
    made_for = METHODS.get(opened.name)
    if made_for is None or method not in {None, made_for}:
        wanted = next((name for name, way in METHODS.items() if way == method), "safety-sft or safety-dpo")
        raise UserError(f"{reference}: this is {opened.name}; `train {method or 'check'}` takes {wanted}")
    if opened.manifest.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{reference}: rows of schema version {opened.manifest.get('schema_version')}; this release of "
            f"cross-safety reads {SCHEMA_VERSION}",
            "build the dataset again, or install the release that it was made with",
        )
    source = Source(opened, made_for, selection)
    _check_types(source)
    for split in filter(None, (selection.split, selection.eval_split)):
        _check_split(source, split)
    return source


def _opened(reference: str) -> Opened:
    try:
        return open_dataset(reference)
    except (NoDatasetError, BadReferenceError) as error:
        raise UserError(
            str(error), "cross-safety build makes the datasets; cross-safety check DATA says what is wrong"
        ) from None


def _check_types(source: Source) -> None:
    named = [*source.selection.negative_types, *source.selection.mix]
    if source.method == "sft":
        if named:
            raise UserError("--negative-types and --mix are for safety-dpo; safety-sft has no rejected answers")
        return
    unknown = sorted(set(named) - set(_all_types()))
    if unknown:
        raise UserError(f"unknown negative type {', '.join(unknown)}; there are: {', '.join(_all_types())}")
    outside = sorted(set(source.selection.mix) - set(source.types))
    if outside:
        raise UserError(f"--mix weighs {', '.join(outside)}, which --negative-types leaves out")
    if any(weight < 0 for weight in source.selection.mix.values()) or not any(
        source.selection.mix.get(name, 1.0) for name in source.types
    ):
        raise UserError("--mix takes weights from 0 on, at least one of them above 0")


def _check_split(source: Source, split: str) -> None:
    """The split is there, has the columns that the trainer needs and at least one row that is kept."""
    import pyarrow.parquet as pq

    try:
        files = source.opened.files(source.config, split)
    except NoDatasetError as error:
        raise UserError(str(error)) from None
    for path in files:
        missing = sorted(set(COLUMNS[source.method]) - set(pq.read_schema(path).names))
        if missing:
            raise UserError(f"{path}: no column {', '.join(missing)}", f"cross-safety check {source.opened.reference}")
    columns = ["id"] if source.method == "sft" else ["id", "negative_type"]
    kept = Counter(source.keeps(row) for row in source.opened.rows(source.config, split, columns, batch=1024))
    if not kept[True]:
        of = f" of negative type {', '.join(source.types)}" if kept[False] else ""
        raise UserError(f"{source.opened.reference}: {source.config}/{split} has no row{of} to train on")


def load_table(source: Source, split: str, cache: Path | None = None) -> "datasets.Dataset":
    """The rows of a split as TRL takes them, pictures decoded when a batch is made.

    Withdrawn rows are left out. The table lies in datasets' own cache, found again by the names of the files, which
    name their content.
    """
    import datasets

    from ..store.features import features

    columns = list(COLUMNS[source.method])
    every = features(source.opened.name)
    rows = datasets.Dataset.from_parquet(
        [str(path) for path in source.opened.files(source.config, split)],
        features=datasets.Features({name: every[name] for name in columns}),
        columns=columns,
        cache_dir=str(cache) if cache else None,
    )
    known = rows.select_columns([name for name in ("id", "negative_type") if name in columns])
    gone = source.opened.withdrawn()
    keep = [i for i, row in enumerate(known) if row["id"] not in gone and source.keeps(row)]
    return rows if len(keep) == len(rows) else rows.select(keep)
