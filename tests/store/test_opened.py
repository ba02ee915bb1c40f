"""A dataset by name: rows with pictures, and every way in which a folder is not what its manifest says."""

import io
import shutil
from pathlib import Path

import pytest
from cross_safety.store.dataset import NoDatasetError
from cross_safety.store.opened import open_dataset
from cross_safety.store.reference import BadReferenceError
from PIL import Image


def test_rows_with_their_pictures(built: Path) -> None:
    opened = open_dataset(str(built / "cross"))
    assert (opened.name, opened.default_config, opened.commit) == ("cross", "open", None)
    rows = list(opened.rows("open", "benign"))
    assert len(rows) == opened.manifest["configs"]["open"]["splits"]["benign"]
    assert Image.open(io.BytesIO(rows[0]["image"]["bytes"])).format == "WEBP"
    assert not opened.withdrawn()


def test_a_split_that_is_not_there_is_told_with_those_that_are(built: Path) -> None:
    with pytest.raises(NoDatasetError, match=r"no open/train; it has .*open/benign, open/test"):
        open_dataset(str(built / "cross")).files("open", "train")


def test_neither_folder_nor_hub_name() -> None:
    with pytest.raises(BadReferenceError):
        open_dataset("no such thing")


@pytest.mark.parametrize("harm", ["other bytes", "missing", "a path that leads out"])
def test_files_are_proved_against_the_manifest(built: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "cross"
    shutil.copytree(built / "cross", folder)
    first = folder / open_dataset(str(folder)).manifest["files"][0]["path"]
    if harm == "other bytes":
        first.write_bytes(first.read_bytes() + b"0")
    elif harm == "missing":
        first.unlink()
    else:
        text = (folder / "manifest.json").read_text("utf-8")
        (folder / "manifest.json").write_text(
            text.replace(first.relative_to(folder).as_posix(), "../../secret"), "utf-8"
        )
    with pytest.raises(NoDatasetError, match=r"another content|missing|no data file's name"):
        open_dataset(str(folder))
    if harm == "other bytes":
        assert open_dataset(str(folder), verify=False).name == "cross"
