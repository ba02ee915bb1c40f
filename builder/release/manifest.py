"""The manifest of a version: what it holds, what it was made from and by what."""

import importlib.metadata
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ... import __version__
from ...schemas import CANARY, SCHEMA_VERSION
from ...store.hashes import canonical_json, rows_sha256, sha256_bytes
from ..sources.items import Input, Reject
from .rows import Placed
from .writing import DataFile

PACKAGES = ("datasets", "huggingface_hub", "jsonschema", "numpy", "pillow", "pyarrow")
COUNTED = (
    "country",
    "language",
    "domain",
    "topic",
    "category",
    "negative_type",
    "source",
    "image_license",
    "text_license",
)
DEFAULTS = {"cross": "open", "safety-sft": "exclusive", "safety-dpo": "exclusive"}


@dataclass(frozen=True, slots=True)
class Made:
    """What is common to all folders of one build."""

    version: str
    created: str
    configuration: Mapping[str, Any]
    inputs: Sequence[Input]
    notes: Sequence[str]
    leakage: Mapping[str, Any]
    generators: Sequence[Mapping[str, Any]] = ()
    work: Sequence[Mapping[str, Any]] = ()
    answers: Mapping[str, Any] | None = None

    def build_id(self, placed: Sequence[Placed]) -> str:
        """16 hexadecimal digits that stand for everything this build was made of and made."""
        recipe = {
            "version": self.version,
            "configuration": self.configuration,
            "inputs": [asdict(each) for each in self.inputs],
            "builder": __version__,
            "rows": rows_sha256(row.row for row in placed),
        }
        return sha256_bytes(canonical_json(recipe))[:16]


def creation_time() -> str:
    """``SOURCE_DATE_EPOCH`` where it is set, else now; UTC, to the second."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def builder_commit() -> str | None:
    """The commit that the builder runs from, ``-dirty`` where files differ; None outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        return f"{head}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *words: str) -> str:
    ran = subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return ran.stdout.strip()


def make_manifest(
    dataset: str,
    made: Made,
    build_id: str,
    placed: Sequence[Placed],
    files: Sequence[DataFile],
    rejects: Sequence[Reject],
    parent: str | None,
) -> dict[str, Any]:
    """The manifest of one dataset folder, as its schema has it."""
    training = dataset != "cross"
    configs = _configs(placed)
    flags = Counter(flag for each in placed for flag in each.row.get("flags", ()))
    return {
        "name": dataset,
        "version": made.version,
        "build_id": build_id,
        "schema_version": SCHEMA_VERSION,
        "created": made.created,
        "builder": {"version": __version__, "commit": builder_commit()},
        "configuration": dict(made.configuration),
        "inputs": [asdict(each) for each in made.inputs],
        "generators": list(made.generators) if training or made.answers else [],
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "default_config": DEFAULTS[dataset] if DEFAULTS[dataset] in configs else next(iter(configs)),
        "configs": configs,
        "files": [asdict(each) for each in files],
        "rejects": _ordered(Counter(each.reason for each in rejects)),
        "flags": _ordered(flags),
        "notes": list(made.notes),
        "leakage": dict(made.leakage),
        "canary": None if training else CANARY,
        "parent": parent,
    } | ({"answers": dict(made.answers), "work": list(made.work)} if made.answers else {})


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: counts[key] for key in sorted(counts)}


def _configs(placed: Sequence[Placed]) -> dict[str, Any]:
    names = sorted({each.config for each in placed})
    return {
        name: describe_config(
            [e.split for e in placed if e.config == name], [e.row for e in placed if e.config == name]
        )
        for name in names
    }


def describe_config(splits: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows a split, hashes and counts of one config; ``rows`` in the order of splits and ids.

    ``rows_sha256`` leaves ``added_in`` out: it tells of earlier versions, which a regeneration need not have at hand.
    """
    return {
        "splits": _ordered(Counter(splits)),
        "rows_sha256": rows_sha256({k: v for k, v in row.items() if k != "added_in"} for row in rows),
        "ids_sha256": sha256_bytes("".join(f"{row['id']}\n" for row in rows).encode()),
        "counts": {
            field: _ordered(Counter(str(row[field]) for row in rows if row[field] is not None))
            for field in COUNTED
            if field in rows[0]
        },
    }
