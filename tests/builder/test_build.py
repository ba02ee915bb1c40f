"""Builds: counts, splits, determinism, refusals, interruption, and what `check` says of damage."""

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cross_safety.schemas import CANARY
from cross_safety.store.dataset import iter_rows

NAMES = ("cross", "safety-sft", "safety-dpo")


def test_counts(manifests: dict[str, dict[str, Any]]) -> None:
    for config in ("open", "open-multilingual"):
        splits = manifests["cross"]["configs"][config]["splits"]
        assert splits["test"] == splits["benign"] >= 96
    sft = manifests["safety-sft"]["configs"]
    assert sum(sum(sft[name]["splits"].values()) for name in ("exclusive", "overlapped")) >= 360
    assert sum(sft["cvqa-mcq"]["splits"].values()) >= 72
    for each in manifests.values():
        assert each["leakage"]["remaining"] == 0
        assert each["rejects"] == {}
    assert len({each["build_id"] for each in manifests.values()}) == 1


def test_splits_share_no_norm_and_no_picture(built: Path, manifests: dict[str, dict[str, Any]]) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for name in ("safety-sft", "safety-dpo"):
        for file in manifests[name]["files"]:
            for row in iter_rows(built / name / file["path"]):
                seen[row["norm_id"]].add(file["split"])
                seen[row["image_sha256"]].add(file["split"])
    assert seen
    assert all(len(splits) == 1 for splits in seen.values())
    assert {split for splits in seen.values() for split in splits} == {"train", "validation"}
    for config in ("exclusive", "overlapped"):
        assert manifests["safety-dpo"]["configs"][config]["splits"]["validation"] > 0


def test_parquet_is_not_tied_to_a_version_of_datasets(built: Path, manifests: dict[str, dict[str, Any]]) -> None:
    for name in NAMES:
        for file in manifests[name]["files"]:
            found = pq.ParquetFile(built / name / file["path"])
            assert b"huggingface" not in (found.schema_arrow.metadata or {})
            assert max(found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)) <= 100


def test_the_canary_marks_the_test_set_alone(built: Path) -> None:
    assert CANARY in (built / "cross" / "README.md").read_text("utf-8")
    for name in ("safety-sft", "safety-dpo"):
        for path in (built / name).glob("*.*"):
            assert CANARY not in path.read_text("utf-8")


def same_trees(one: Path, other: Path) -> bool:
    names = sorted(p.relative_to(one).as_posix() for p in one.rglob("*") if p.is_file())
    others = sorted(p.relative_to(other).as_posix() for p in other.rglob("*") if p.is_file())
    return names == others and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def test_a_second_build_is_byte_identical(built: Path, tmp_path: Path, run: Any) -> None:
    """On another path, in another locale and time zone."""
    out = tmp_path / "some where else"
    done = run("build", "--out", out, env={"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE", "TZ": "Asia/Kathmandu"})
    assert done.returncode == 0, done.stderr
    assert same_trees(built, out)


def test_built_again_in_place(built: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    assert run("build", "--out", out).returncode == 0
    assert same_trees(built, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)


def test_another_version_is_not_overwritten(built: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    refused = run("build", "--out", out, "--version", "1.1.0")
    assert refused.returncode == 1
    assert "holds version 1.0.0, and this build makes 1.1.0" in refused.stderr
    assert "next: cross-safety build --version 1.1.0 --replace" in refused.stderr
    assert same_trees(built, out)
    assert run("build", "--out", out, "--version", "1.1.0", "--replace").returncode == 0
    manifest = json.loads((out / "cross" / "manifest.json").read_text("utf-8"))
    assert (manifest["version"], manifest["parent"]) == ("1.1.0", "1.0.0")
    row = next(iter_rows(out / "cross" / manifest["files"][0]["path"]))
    assert row["added_in"] == "1.0.0"
    log = (out / "cross" / "CHANGELOG.md").read_text("utf-8")
    assert log.index("## 1.1.0") < log.index("## 1.0.0")


def test_a_foreign_folder_is_left_alone(tmp_path: Path, run: Any) -> None:
    (tmp_path / "cross").mkdir()
    (tmp_path / "cross" / "thesis.txt").write_text("years of work")
    done = run("build", "--out", tmp_path, "--replace")
    assert done.returncode == 1
    assert "in the way" in done.stderr
    assert (tmp_path / "cross" / "thesis.txt").read_text() == "years of work"


def test_a_corrupt_parquet_is_in_the_way(built: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    next((out / "cross").rglob("*.parquet")).write_bytes(b"not parquet")
    done = run("build", "--out", out)
    assert done.returncode == 1
    assert "in the way" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_at_any_moment(built: Path, tmp_path: Path, stop: signal.Signals, run: Any) -> None:
    """What stands in the folder is always a whole dataset or none; the next build ends well."""
    code = "from cross_safety.cli import main; main()"
    for moment in (0.5, 1.5, 2.5):
        out = tmp_path / f"{stop.name}{moment}"
        words = [sys.executable, "-c", code, "build", "--out", str(out)]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(moment)
        process.send_signal(stop)
        _, said = process.communicate(timeout=60)
        if stop == signal.SIGINT and process.returncode != 0:
            assert "Traceback" not in said or process.returncode == -2
        for name in NAMES:
            if (out / name).exists():
                assert run("check", out / name).returncode in (0, 3)
    assert run("build", "--out", out).returncode == 0
    assert same_trees(built, out)


def damage(folder: Path, how: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    file = folder / manifest["files"][0]["path"]
    match how:
        case "a byte of parquet":
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)
        case "a file gone":
            file.unlink()
        case "a file more":
            (file.parent / "extra.parquet").write_bytes(b"x")
        case "the card":
            (folder / "README.md").write_text("better", "utf-8")
        case "the citation gone":
            (folder / "CITATION.cff").unlink()
        case "the manifest":
            manifest["version"] = "one"
            (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        case "a count":
            manifest["configs"]["open"]["splits"]["test"] += 1
            (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("a byte of parquet", "the file's content has changed"),
        ("a file gone", "missing · every file that the manifest lists"),
        ("a file more", "extra.parquet · $ · not listed in the manifest"),
        ("the card", "README.md · $ · differs from the rendering"),
        ("the citation gone", "CITATION.cff · $ · missing"),
        ("the manifest", 'cross · $.version · "one"'),
        ("a count", "$.configs.open.splits · not what the rows say"),
    ],
)
def test_check_tells_damage(built: Path, tmp_path: Path, run: Any, how: str, told: str) -> None:
    shutil.copytree(built / "cross", tmp_path / "cross")
    damage(tmp_path / "cross", how)
    done = run("check", tmp_path / "cross")
    assert done.returncode == 1
    assert told in done.stdout


def test_check_says_all_at_once(built: Path, tmp_path: Path, run: Any) -> None:
    shutil.copytree(built / "cross", tmp_path / "cross")
    for how in ("a file more", "the card", "the citation gone"):
        damage(tmp_path / "cross", how)
    done = run("check", tmp_path / "cross", "--output", "json")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["problems"]) == 3


def test_check_sees_folders_of_different_builds(built: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    assert run("check", out / "cross").returncode == 0
    assert run("build", "--out", out, "--version", "2.0.0", "--replace", "--only", "cross").returncode == 0
    done = run("check", out / "cross")
    assert done.returncode == 3
    assert "safety-sft beside it is of build" in done.stderr


def test_check_of_nothing(tmp_path: Path, run: Any) -> None:
    for ref, words in ((tmp_path, "no manifest.json"), (tmp_path / "nowhere", "no such folder")):
        done = run("check", ref)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["build", "--version", "1.0"],
        ["build", "--version", "01.0.0"],
        ["build", "--source", "upstream"],
        ["build", "--path", "."],
        ["build", "--source", "nonesuch"],
        ["nonesuch"],
        ["check"],
    ],
)
def test_wrong_usage_is_exit_2(run: Any, words: list[str], tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert not list(tmp_path.iterdir())


def test_output_modes(tmp_path: Path, run: Any) -> None:
    done = run("build", "--out", tmp_path, "--output", "json")
    assert done.returncode == 0
    assert [each["name"] for each in json.loads(done.stdout)["datasets"]] == list(NAMES)
    done = run("build", "--out", tmp_path, "--output", "quiet")
    assert done.stdout.split() == [str(tmp_path / name) for name in NAMES]
    assert done.stderr == ""


def test_an_unwritable_place_is_told(tmp_path: Path, run: Any) -> None:
    (tmp_path / "file").write_text("")
    done = run("build", "--out", tmp_path / "file" / "deeper")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert os.fspath(tmp_path) in done.stderr
