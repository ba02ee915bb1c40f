"""Versions compared: what became of each row, and the bump that asks for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cross_safety.store.diff import bump_between, diff_folders
from cross_safety.store.hashes import sha256_file
from hypothesis import given
from hypothesis import strategies as st

Rows = list[dict[str, Any]]


def dataset(folder: Path, rows: Rows, version: str = "1.0.0", withdrawn: tuple[str, ...] = (), **manifest: Any) -> Path:
    """A folder with as much of a dataset as a comparison reads."""
    folder.mkdir(parents=True)
    schema = pa.schema({name: pa.string() for name in ("id", "query", "practice", "image_sha256")})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "rows.parquet")
    files = [
        {"path": "rows.parquet", "config": "open", "split": "test", "sha256": sha256_file(folder / "rows.parquet")}
    ]
    stated = {"name": "cross", "version": version, "schema_version": "1.0.0", "files": files} | manifest
    (folder / "manifest.json").write_text(json.dumps(stated))
    (folder / "withdrawn.jsonl").write_text("".join(json.dumps({"id": name}) + "\n" for name in withdrawn))
    return folder


def row(name: str, **change: str) -> dict[str, Any]:
    return {"id": name, "query": "Which one?", "practice": "common", "image_sha256": "0"} | change


OLD = [row("a"), row("b"), row("c")]


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., Any]:
    def run(new: Rows, **options: Any) -> Any:
        return diff_folders(dataset(tmp_path / "old", OLD), dataset(tmp_path / "new", new, "1.1.0", **options))

    return run


@pytest.mark.parametrize(
    ("new", "options", "field", "rows", "bump"),
    [
        ([*OLD, row("d")], {}, "added", ["d"], "minor"),
        (OLD[:2], {}, "removed", ["c"], "major"),
        (OLD[:2], {"withdrawn": ("c",)}, "withdrawn", ["c"], "minor"),
        ([*OLD[:2], row("c", query="Which?")], {}, "changed", {"c": ["query"]}, "major"),
        ([*OLD[:2], row("c", image_sha256="1")], {}, "changed", {"c": ["image_sha256"]}, "major"),
        ([*OLD[:2], row("c", practice="rare")], {}, "annotated", {"c": ["practice"]}, "minor"),
        ([*OLD[:2], row("c", practice="rare", query="?")], {}, "changed", {"c": ["practice", "query"]}, "major"),
        (OLD, {"schema_version": "1.1.0"}, "added", [], "major"),
        (OLD, {}, "added", [], "patch"),
    ],
)
def test_one_change(compare: Any, new: Rows, options: Any, field: str, rows: Any, bump: str) -> None:
    found = compare(new, **options)
    assert getattr(found, field) == rows
    assert found.bump == bump
    others = {"added", "removed", "withdrawn", "changed", "annotated"} - {field}
    assert not any(getattr(found, other) for other in others)


def test_the_same_folder_asks_for_nothing(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "one", OLD)
    found = diff_folders(folder, folder)
    assert (found.rows_differ, found.bump) == (False, "none")


def test_other_datasets_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not versions of one dataset"):
        diff_folders(dataset(tmp_path / "a", OLD), dataset(tmp_path / "b", OLD, name="safety-sft"))


ids = st.sets(st.sampled_from([f"r{i}" for i in range(8)]), max_size=8)


@given(before=ids, after=ids, changed=ids)
def test_rows_are_told_apart(tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any, changed: Any) -> None:
    place = tmp_path_factory.mktemp("diff")
    old = dataset(place / "old", [row(name) for name in sorted(before)])
    new = dataset(place / "new", [row(n, query="x" if n in changed else "Which one?") for n in sorted(after)])
    found = diff_folders(old, new)
    assert set(found.added) == after - before
    assert set(found.removed) == before - after
    assert set(found.changed) == before & after & changed


@pytest.mark.parametrize(
    ("old", "new", "bump"),
    [
        ("1.0.0", "2.0.0", "major"),
        ("1.2.3", "1.3.0", "minor"),
        ("1.2.3", "1.2.4", "patch"),
        ("1.2.3", "1.2.3", "none"),
        ("1.10.0", "1.9.0", "none"),
    ],
)
def test_bump_between(old: str, new: str, bump: str) -> None:
    assert bump_between(old, new) == bump
