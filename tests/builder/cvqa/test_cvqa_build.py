"""From CVQA-shaped rows to the three datasets: routes, twins, splits, counts, licences, and the same again."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.starter.corpus import Norm, load_corpus
from cross_safety.schemas import table
from cross_safety.store.dataset import iter_rows, read_manifest
from loopback.cvqa_rows import row

Row = dict[str, Any]
Write = Callable[..., Path]
NAMES = ("cross", "safety-sft", "safety-dpo")


def norms(kind: str) -> list[Norm]:
    """Norms that a photograph can show, the first of each country that CVQA has."""
    first: dict[str, Norm] = {}
    for each in load_corpus():
        for norm in each.norms:
            if norm.set == kind and norm.photo_terms:
                first.setdefault(norm.country, norm)
    return list(first.values())


def pair_of(country: str) -> str:
    language, name = next((pair[0], pair[1]) for pair in table("cvqa_subsets")["pairs"] if pair[3] == country)
    return f"('{language}', '{name}')"


def shown(number: int, country: str, thing: str, **change: Any) -> Row:
    """A row whose right answer names ``thing``."""
    options = ["a stone", "a cloud", thing, "a spoon"]
    return row(number, Subset=pair_of(country), Label=2, **{"Translated Options": options}) | change


def source() -> tuple[list[Row], Norm, Norm]:
    """Two pictures of a test norm, one harmless one for it, three of a training norm, four of nothing in particular."""
    test, train = norms("test")[0], norms("train")[0]
    things = [(test, test.photo_terms[0]), (test, test.photo_terms[0]), (test, test.raw["photo"]["twin_terms"][0])]
    rows = [shown(n, norm.country, thing) for n, (norm, thing) in enumerate(things)]
    rows += [shown(n, train.country, train.photo_terms[0]) for n in (3, 4, 5)]
    rows += [row(n, Subset=pair_of("BG")) for n in (6, 7, 8)]
    rows.append(row(9, Subset=pair_of("BG"), License="CC BY-NC 2.0"))
    rows.append(row(10, Label=-1))
    return rows, test, train


def rows_of(folder: Path) -> list[tuple[str, str, Row]]:
    files = read_manifest(folder)["files"]
    return [(f["config"], f["split"], each) for f in files for each in iter_rows(folder / f["path"])]


@pytest.fixture
def built(tmp_path: Path, write: Write, run: Callable[..., Any]) -> Path:
    folder = write(source()[0])
    done = run("build", "--source", "cvqa", "--path", folder, "--out", tmp_path / "out")
    assert done.returncode == 3, done.stderr
    return tmp_path / "out"


def test_a_violation_and_its_twin_in_both_languages(built: Path) -> None:
    _, norm, _ = source()
    found = rows_of(built / "cross")
    assert Counter((config, split) for config, split, _ in found) == {
        (config, split): 1 for config in ("cvqa", "cvqa-multilingual") for split in ("test", "benign")
    }
    by_place = {(config, split): each for config, split, each in found}
    test, twin = by_place["cvqa", "test"], by_place["cvqa", "benign"]
    assert test["query"] == twin["query"] == norm.raw["photo"]["query"]
    assert test["pair_id"] == twin["pair_id"] == test["id"]
    assert twin["id"] == f"{test['id']}-b"
    assert test["image_sha256"] != twin["image_sha256"]
    assert (test["item"], twin["item"]) == (norm.text("item"), norm.raw["photo"]["twin_terms"][0])
    local = by_place["cvqa-multilingual", "test"]
    assert (local["query"], local["language"]) == (norm.raw["photo"]["query_local"], norm.language)
    assert local["query_english"] == test["query"]
    assert test["text_license"] == "CC-BY-4.0"
    assert test["image_license"] == "CC-BY-SA-4.0"


def test_what_trains_and_what_does_not(built: Path) -> None:
    _, test, train = source()
    sft = rows_of(built / "safety-sft")
    config = "overlapped" if table("countries")[train.country]["cross"] else "exclusive"
    assert Counter(name for name, *_ in sft)[config] == 3
    assert len(rows_of(built / "safety-dpo")) == 12
    assert {each["norm_id"] for name, _, each in sft if name == config} == {train.id}
    assert not any(test.id == each["norm_id"] for *_, each in sft)
    mcq = [each for name, _, each in sft if name == "cvqa-mcq"]
    assert len(mcq) == 3 + 3 + 1, "the three of the training norm, three of nothing, and the violation without a twin"


def test_each_picture_and_norm_in_one_place_alone(built: Path) -> None:
    places: dict[str, set[str]] = {}
    for name in NAMES:
        for _, split, each in rows_of(built / name):
            place = "test" if name == "cross" else split
            places.setdefault(each["image_sha256"], set()).add(place)
            if each["norm_id"]:
                places.setdefault(each["norm_id"], set()).add(place)
    assert {len(found) for found in places.values()} == {1}


def test_everything_left_out_is_counted(built: Path) -> None:
    common = {"label_unreleased": 1, "license_not_open": 1}
    assert read_manifest(built / "cross")["rejects"] == common | {"no_twin_found": 1}
    leaks = {"leaks_test": 2, "no_norm_found": 4}
    assert read_manifest(built / "safety-sft")["rejects"] == common | leaks
    assert read_manifest(built / "safety-dpo")["rejects"] == common | leaks
    assert read_manifest(built / "safety-sft")["leakage"]["rejected"] == {"same_picture": 2}


def test_check_and_load(built: Path, run: Callable[..., Any]) -> None:
    import datasets

    for name in NAMES:
        done = run("check", built / name)
        assert (done.returncode, done.stdout.count("no problem")) == (0, 1), done.stdout
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(built / "cross"), "cvqa", split="benign")
    assert loaded[0]["image"].size == (96, 72)


def test_the_same_again_from_its_manifest(built: Path, tmp_path: Path, write: Write, run: Callable[..., Any]) -> None:
    manifest = tmp_path / "manifest.json"
    shutil.copy(built / "safety-sft" / "manifest.json", manifest)
    again = tmp_path / "again"
    words = ("build", "--from-manifest", manifest, "--path", tmp_path / "cvqa", "--out", again)
    done = run(*words)
    assert (done.returncode, "the same rows as in the manifest" in done.stderr) == (3, True), done.stderr
    other = write(source()[0][:-1], "other")
    done = run(*words[:4], other, "--out", tmp_path / "third")
    assert done.returncode == 1
    assert "cvqa: not the content" in done.stderr


def test_without_labels_nothing_is_made_up(tmp_path: Path, write: Write, run: Callable[..., Any]) -> None:
    folder = write([row(n, Label=-1) for n in range(3)])
    done = run("build", "--source", "cvqa", "--path", folder, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "label_unreleased" in done.stderr
    assert "--labels" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_beside_the_corpus(tmp_path: Path, write: Write, run: Callable[..., Any]) -> None:
    folder = write(source()[0])
    words = ("build", "--source", "starter", "--source", "cvqa", "--path", folder, "--out", tmp_path / "out")
    done = run(*words, "--output", "json")
    assert done.returncode == 3, done.stderr
    told = {each["name"]: each["configs"] for each in json.loads(done.stdout)["datasets"]}
    assert set(told["cross"]) == {"open", "open-multilingual", "cvqa", "cvqa-multilingual"}
    assert read_manifest(tmp_path / "out" / "cross")["default_config"] == "open"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--labels", "L"), "--labels goes with --source cvqa"),
        (("--source", "cvqa", "--revision", "main"), "a commit of 40 hexadecimal digits"),
        (("--source", "cvqa", "--countries", "IR"), "not among CVQA's"),
        (("--source", "cvqa", "--path", "nowhere"), "no such folder"),
        (("--source", "cvqa", "--source", "upstream", "--path", "x"), "needs SOURCE= before it"),
        (("--path", "x"), "the bundled corpus takes none"),
        (("--source", "cvqa", "--exclude", "default"), "--exclude goes with --source upstream"),
    ],
)
def test_wrong_usage(tmp_path: Path, run: Callable[..., Any], words: tuple[str, ...], told: str) -> None:
    (tmp_path / "L").write_text("ID,Label\n")
    done = run("build", *words, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert told in done.stderr
