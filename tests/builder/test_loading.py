"""The datasets load by name, from the folder that holds them, and show what was built last."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cross_safety.schemas import schema, table
from cross_safety.schemas.loader import resolve
from cross_safety.store.dataset import iter_rows, read_manifest
from cross_safety.store.features import SCHEMA_OF, features

PROBE = """
import sys
from datasets import load_dataset
name, config = sys.argv[1], sys.argv[2] or None
found = load_dataset(name, config) if config else load_dataset(name)
for split, rows in sorted(found.items()):
    first = rows[0]
    picture = first["image"] if "image" in first else first["images"][0]
    print(split, len(rows), first["id"], picture.size[0] > 0)
"""


def load(folder: Path, home: Path, name: str, config: str = "") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, name, config],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("cross", ""),
        ("cross", "open-multilingual"),
        ("safety-sft", ""),
        ("safety-sft", "overlapped"),
        ("safety-sft", "cvqa-mcq"),
        ("safety-dpo", "exclusive"),
        ("safety-dpo", "overlapped"),
    ],
)
def test_load_by_name(built: Path, tmp_path: Path, name: str, config: str) -> None:
    manifest = read_manifest(built / name)
    splits = manifest["configs"][config or manifest["default_config"]]["splits"]
    lines = [line.split() for line in load(built, tmp_path, name, config)]
    assert {split: int(rows) for split, rows, _, _ in lines} == splits
    assert all(shown == "True" for _, _, _, shown in lines)


@pytest.mark.parametrize("name", list(SCHEMA_OF))
def test_schema_and_features_say_the_same(built: Path, name: str) -> None:
    """The same columns; what the rows hold fits both; a value of another type fits neither."""
    import pyarrow as pa
    from cross_safety.schemas import problems

    properties, columns = schema(SCHEMA_OF[name])["properties"], features(name)
    assert list(properties) == list(columns)
    shape = columns.arrow_schema
    row = next(iter_rows(built / name / read_manifest(built / name)["files"][0]["path"]))
    assert problems(SCHEMA_OF[name], [row]) == []
    for column in properties:
        if "image" in column and column != "image_sha256" and not isinstance(row[column], str | None):
            continue
        wrong = "five" if pa.types.is_integer(shape.field(column).type) else 5
        assert problems(SCHEMA_OF[name], [row | {column: wrong}]), column
        pa.array([row[column]], type=shape.field(column).type)
        with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError)):
            pa.array([wrong], type=shape.field(column).type)


def test_references_between_schemas_resolve() -> None:
    assert resolve("urn:cross-safety:schema:common#/$defs/country")["pattern"] == "^[A-Z]{2}$"


def test_rows_of_a_rebuild_are_shown(tmp_path: Path) -> None:
    """One HF_HOME, a folder built again in place with a changed row: the new row, not the cached one."""
    home, out = tmp_path / "home", tmp_path / "out"
    changed = """
import sys, dataclasses
from pathlib import Path
from cross_safety.builder.release.build import Plan, build
from cross_safety.builder.sources.starter import read_starter
def read(spool):
    found = read_starter()
    found.cross = [dataclasses.replace(r, norm=r.norm + sys.argv[2]) for r in found.cross if r.country == "JP"]
    return [found]
build(Plan(Path(sys.argv[1]), "1.0.0", {"sources": ["starter"]}, ("cross",)), read)
"""
    probe = "from datasets import load_dataset; print(load_dataset('cross')['test'][0]['norm'])"
    for words in (" First.", " Second."):
        subprocess.run([sys.executable, "-c", changed, str(out), words], check=True)
        done = subprocess.run(
            [sys.executable, "-c", probe],
            cwd=out,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        )
        assert done.stdout.strip().endswith(words.strip())


def test_languages_of_the_rows_are_in_the_table(built: Path) -> None:
    counts = read_manifest(built / "cross")["configs"]["open-multilingual"]["counts"]["language"]
    assert set(counts) <= set(table("languages"))
    assert len(counts) >= 12
