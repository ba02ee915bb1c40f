"""The Croissant file: valid by MLCommons' own reader, and its records are the dataset's rows, read offline."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest
from cross_safety.cards import Release, render_for_release


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("name", ["cross", "safety-sft", "safety-dpo"])
def test_valid_with_a_record_set_for_every_file(name: str, built: Path, manifests: dict[str, Any]) -> None:
    read = mlcroissant.Dataset(jsonld=str(built / name / "croissant.json"))
    issues = read.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    wanted = {f"{file['config']}/{file['split']}" for file in manifests[name]["files"]}
    assert {record_set.id for record_set in read.metadata.record_sets} == wanted
    stated = {each.id: each.sha256 for each in read.metadata.distribution}
    assert stated == {file["path"]: file["sha256"] for file in manifests[name]["files"]}


def told(value: Any) -> Any:
    """A value of mlcroissant's in the terms of the parquet file: text decoded, sub-fields by their last name."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, dict):
        return {key.rsplit("/", 1)[-1]: told(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize(
    ("name", "config", "split"),
    [("cross", "open", "test"), ("safety-sft", "cvqa-mcq", "validation"), ("safety-dpo", "overlapped", "validation")],
)
def test_records_are_the_rows(name: str, config: str, split: str, built: Path, manifests: dict[str, Any]) -> None:
    read = mlcroissant.Dataset(jsonld=str(built / name / "croissant.json"))
    path = next(f["path"] for f in manifests[name]["files"] if (f["config"], f["split"]) == (config, split))
    rows = pq.read_table(built / name / path).to_pylist()
    records = [told(record) for record in read.records(f"{config}/{split}")]
    assert len(records) == len(rows)
    for record, row in zip(records, rows, strict=True):
        for column in set(row) - {"image", "images"}:
            assert record[column] == row[column], (row["id"], column)
        picture = record["image"] if "image" in record else record["images"][0]
        assert picture.size[0] > 100
        assert picture.format == "WEBP"


def test_a_changed_file_is_refused(built: Path, tmp_path: Path, manifests: dict[str, Any]) -> None:
    shutil.copytree(built / "cross", tmp_path / "cross")
    path = next(f["path"] for f in manifests["cross"]["files"] if f["config"] == "open" and f["split"] == "test")
    with (tmp_path / "cross" / path).open("ab") as file:
        file.write(b"x")
    read = mlcroissant.Dataset(jsonld=str(tmp_path / "cross" / "croissant.json"))
    with pytest.raises(Exception, match="Download") as refused:
        list(read.records("open/test"))
    assert "not identical" in str(refused.value.__cause__)


def test_with_an_owner(manifests: dict[str, Any], release: Release, tmp_path: Path) -> None:
    text = render_for_release(manifests["safety-dpo"], release)["croissant.json"]
    path = tmp_path / "croissant.json"
    path.write_text(text, "utf-8")
    read = mlcroissant.Dataset(jsonld=str(path))
    assert not read.metadata.ctx.issues.errors
    assert read.metadata.url == "https://huggingface.co/datasets/someone/safety-dpo"
    assert read.metadata.creators[0].name == 'Ana "A" Núñez & Co_'
    parsed = json.loads(text)
    assert parsed["license"] == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    assert all(not file["contentUrl"].startswith(("http", "/")) for file in parsed["distribution"])


def test_a_split_of_several_files_is_numbered(manifests: dict[str, Any], release: Release) -> None:
    manifest = manifests["cross"]
    first = manifest["files"][0]
    second = first | {"path": first["path"].replace("00000-of", "00001-of")}
    parsed = json.loads(render_for_release(manifest | {"files": [first, second]}, release)["croissant.json"])
    assert [each["@id"] for each in parsed["recordSet"]] == ["open/benign/0", "open/benign/1"]
