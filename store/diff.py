"""What changed between two versions of a dataset, row by row, and the version bump that asks for (design §4)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .sides import Side, folder_side

Bump = Literal["none", "patch", "minor", "major"]
ANNOTATIONS = frozenset(
    {
        "attribution",
        "domain_source",
        "flags",
        "image_license",
        "image_license_source",
        "practice",
        "references",
        "text_license",
        "translation_check",
    }
)
_PICTURES = frozenset({"image", "images"})


@dataclass(frozen=True, slots=True)
class Diff:
    """Ids of rows by what became of them; ``changed`` and ``annotated`` with the fields that differ."""

    name: str
    old: str
    new: str
    added: list[str]
    removed: list[str]
    withdrawn: list[str]
    changed: dict[str, list[str]]
    annotated: dict[str, list[str]]
    schema_changed: bool
    other_files_differ: bool

    @property
    def rows_differ(self) -> bool:
        """Is any row not as it was."""
        return bool(self.added or self.removed or self.withdrawn or self.changed or self.annotated)

    @property
    def bump(self) -> Bump:
        """The least bump that semantic versions of datasets ask for.

        major: rows changed, or gone without being withdrawn, or the schema changed; minor: rows added, withdrawn or
        annotated; patch: manifest, card or documentation alone.
        """
        if self.changed or self.removed or self.schema_changed:
            return "major"
        if self.rows_differ:
            return "minor"
        return "patch" if self.other_files_differ else "none"


def describe(diff: Diff) -> str:
    """The difference in one sentence, as a changelog has it."""
    counts = {
        "added": len(diff.added),
        "withdrawn": len(diff.withdrawn),
        "removed": len(diff.removed),
        "changed": len(diff.changed),
        "annotated": len(diff.annotated),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "the same rows"
    listed = ", ".join(sorted({field for fields in (diff.changed | diff.annotated).values() for field in fields}))
    return f"since {diff.old}: {told}{f' ({listed})' if listed else ''}."


def bump_between(old: str, new: str) -> Bump:
    """The bump that two version numbers make; ``none`` where the new one is not higher."""
    before, after = (tuple(map(int, version.split("."))) for version in (old, new))
    if after <= before:
        return "none"
    kinds: tuple[Bump, ...] = ("major", "minor", "patch")
    return next(kind for kind, a, b in zip(kinds, before, after, strict=True) if a != b)


def _rows(side: Side, same: frozenset[tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    """Rows without their pictures' bytes; config and split as fields of the row. Files in ``same`` are not opened."""
    for file in side.manifest["files"]:
        if _key(file) in same:
            continue
        opened = side.data(file["path"])
        columns = [name for name in opened.schema_arrow.names if name not in _PICTURES]
        for batch in opened.iter_batches(batch_size=256, columns=columns):
            for row in batch.to_pylist():
                yield row | {"config": file["config"], "split": file["split"]}


def _key(file: Mapping[str, Any]) -> tuple[str, ...]:
    return (file["config"], file["split"], file["sha256"])


def withdrawn_ids(folder: Path) -> set[str]:
    """Ids that ``withdrawn.jsonl`` of a dataset folder lists."""
    path = folder / "withdrawn.jsonl"
    return _withdrawn(path.read_bytes()) if path.is_file() else set()


def _withdrawn(listed: bytes) -> set[str]:
    return {json.loads(line)["id"] for line in listed.decode().splitlines() if line}


def diff_folders(old: Path, new: Path) -> Diff:
    """Compare two dataset folders; pictures are compared by ``image_sha256``.

    Raises:
        NoDatasetError: one of them has no readable manifest.
        ValueError: they hold different datasets.
    """
    return diff_sides(folder_side(old), folder_side(new))


def diff_sides(old: Side, new: Side) -> Diff:
    """Compare two versions; a file that both have, by its sha256, is not opened: its rows are the same.

    Raises:
        ValueError: they hold different datasets.
    """
    before, after = old.manifest, new.manifest
    if before["name"] != after["name"]:
        raise ValueError(
            f"{old.label} holds {before['name']} and {new.label} holds {after['name']}: not versions of one dataset"
        )
    same = frozenset(map(_key, before["files"])) & frozenset(map(_key, after["files"]))
    known = {row["id"]: row for row in _rows(old, same)}
    gone, added = set(known), []
    changed: dict[str, list[str]] = {}
    annotated: dict[str, list[str]] = {}
    for row in _rows(new, same):
        if row["id"] not in known:
            added.append(row["id"])
            continue
        gone.discard(row["id"])
        fields = _differing(known[row["id"]], row)
        if fields:
            (annotated if ANNOTATIONS.issuperset(fields) else changed)[row["id"]] = fields
    withdrawn = gone & _withdrawn(new.content("withdrawn.jsonl"))
    return Diff(
        name=after["name"],
        old=before["version"],
        new=after["version"],
        added=sorted(added),
        removed=sorted(gone - withdrawn),
        withdrawn=sorted(withdrawn),
        changed=dict(sorted(changed.items())),
        annotated=dict(sorted(annotated.items())),
        schema_changed=before["schema_version"] != after["schema_version"],
        other_files_differ=any(old.content(name) != new.content(name) for name in ("README.md", "manifest.json")),
    )


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Fields that differ; ``added_in`` apart, which tells of earlier versions and not of the row."""
    names = (one.keys() | other.keys()) - {"added_in"}
    return sorted(name for name in names if one.get(name) != other.get(name))
