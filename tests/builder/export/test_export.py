"""Exports hold to the targets' documented shapes, lose nothing silently, and are whole or absent."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cross_safety.builder.release.export import FORMATS, export
from cross_safety.builder.release.export_shapes import LeftOutError, Picture, llama_factory, ms_swift, openai
from cross_safety.console.errors import UserError
from cross_safety.store.hashes import sha256_bytes, sha256_file
from cross_safety.store.opened import open_dataset
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from .conftest import picture, row, write_dataset

SHAPE = {
    ("openai", "safety-sft"): "openai_sft",
    ("openai", "safety-dpo"): "openai_preference",
    ("llama-factory", "safety-sft"): "llama_factory",
    ("llama-factory", "safety-dpo"): "llama_factory",
    ("ms-swift", "safety-sft"): "ms_swift",
    ("ms-swift", "safety-dpo"): "ms_swift",
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def source_rows(folder: Path, config: str, split: str) -> list[dict[str, Any]]:
    opened = open_dataset(str(folder))
    return [each for path in opened.files(config, split) for each in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize(("form", "name"), SHAPE)
def test_rows_in_the_documented_shape(form: str, name: str, built: Path, tmp_path: Path, target: Any) -> None:
    found = export(open_dataset(str(built / name)), form, tmp_path / "out", config="overlapped", split="validation")
    rows = source_rows(built / name, "overlapped", "validation")
    made = lines(tmp_path / "out" / "overlapped-validation.jsonl")
    assert len(made) == len(rows) == found.rows > 20
    check = target(SHAPE[form, name])
    for line, each in zip(made, rows, strict=True):
        check.validate(line)
        text = json.dumps(line, ensure_ascii=False)
        wanted = [*each["prompt"], *each.get("completion", []), *each.get("chosen", []), *each.get("rejected", [])]
        assert all(json.dumps(turn["content"], ensure_ascii=False)[1:-1] in text for turn in wanted)
        assert shown(line, tmp_path / "out") == each["images"][0]["bytes"]
    credit = lines(tmp_path / "out" / "credits.jsonl")
    assert [each["id"] for each in credit] == [each["id"] for each in rows]
    assert [each["line"] for each in credit] == list(range(1, len(rows) + 1))
    assert credit[0]["attribution"] == rows[0]["attribution"]


def shown(line: dict[str, Any], out: Path) -> bytes:
    """The bytes of the picture that a line shows, whichever way it does; the MIME type must be the true one."""
    if "images" in line:
        return (out / line["images"][0]).read_bytes()
    messages = line.get("messages") or line["input"]["messages"]
    head, _, body = messages[0]["content"][1]["image_url"]["url"].partition(";base64,")
    data = base64.b64decode(body, validate=True)
    assert head == f"data:{Image.MIME[Image.open(io.BytesIO(data)).format]}"
    return data


def test_llama_factory_finds_its_files(built: Path, tmp_path: Path, target: Any) -> None:
    out = tmp_path / "out"
    export(open_dataset(str(built / "safety-dpo")), "llama-factory", out)
    info = json.loads((out / "dataset_info.json").read_text("utf-8"))
    target("llama_factory_dataset_info").validate(info)
    assert set(info) == {"safety_dpo_exclusive_train", "safety_dpo_exclusive_validation"}
    for told in info.values():
        for record in lines(out / told["file_name"]):
            assert set(told["columns"].values()) == set(record)
            texts = [turn["value"] for turn in [*record["conversations"], record["chosen"], record["rejected"]]]
            assert sum(text.count("<image>") for text in texts) == len(record["images"])
    pictures = {path.name for path in (out / "images").iterdir()}
    used = {image.split("/")[1] for path in out.glob("exclusive-*.jsonl") for r in lines(path) for image in r["images"]}
    assert pictures == used
    assert len(pictures) == 240


def test_plain_lines_hold_every_column_and_load(built: Path, tmp_path: Path) -> None:
    import datasets

    export(open_dataset(str(built / "cross")), "jsonl", tmp_path / "out", split="benign")
    rows = source_rows(built / "cross", "open", "benign")
    made = datasets.load_dataset(
        "json", data_files=str(tmp_path / "out" / "open-benign.jsonl"), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert made.column_names == list(rows[0])
    for line, each in zip(lines(tmp_path / "out" / "open-benign.jsonl"), rows, strict=True):
        assert line | {"image": None} == each | {"image": None}
        assert sha256_file(tmp_path / "out" / line["image"]) == each["image_sha256"]


def test_what_was_exported_is_recorded(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(open_dataset(str(built / "safety-sft")), "ms-swift", out, config="cvqa-mcq")
    told = json.loads((out / "export.json").read_text("utf-8"))
    manifest = json.loads((built / "safety-sft" / "manifest.json").read_text("utf-8"))
    assert told["manifest_sha256"] == sha256_file(built / "safety-sft" / "manifest.json")
    assert told["rows_sha256"] == manifest["configs"]["cvqa-mcq"]["rows_sha256"]
    assert (told["version"], told["repo"], told["revision"], told["commit"]) == ("1.0.0", None, None, None)
    assert {name: file["rows"] for name, file in told["files"].items()} == {
        f"cvqa-mcq-{split}.jsonl": rows for split, rows in manifest["configs"]["cvqa-mcq"]["splits"].items()
    }
    assert all(file["sha256"] == sha256_file(out / name) for name, file in told["files"].items())
    assert str(tmp_path) not in (out / "export.json").read_text("utf-8")
    again = tmp_path / "again"
    export(open_dataset(str(built / "safety-sft")), "ms-swift", again, config="cvqa-mcq")
    for path in out.rglob("*.*"):
        assert path.read_bytes() == (again / path.relative_to(out)).read_bytes()


def test_rows_that_do_not_fit_are_counted(dataset: Callable[..., Path], run: Any, tmp_path: Path) -> None:
    big = picture("PNG") + b"\0" * 10_000_000
    folder = dataset(
        [
            row(0, picture("JPEG")),
            row(1, picture("WEBP")),
            row(2, picture("PNG", "RGBA")),
            row(3, picture("PNG", "P")),
            row(4, b"no picture at all"),
            row(5, None),
            row(6, big),
            row(7, picture("GIF", "P")),
            row(8, picture(), text="Is <image> a word?"),
            row(9, picture(), answer="<video> no"),
        ]
    )
    reasons = {
        "openai": {
            "no_picture": 1,
            "picture_neither_rgb_nor_rgba": 1,
            "picture_not_readable": 2,
            "picture_over_10_mb": 1,
        },
        "llama-factory": {"no_picture": 1, "picture_not_readable": 2, "placeholder_in_text": 2},
        "jsonl": {"no_picture": 1, "picture_not_readable": 2},
    }
    for form, wanted in reasons.items():
        out = tmp_path / form
        done = run("export", folder, "--format", form, "--out", out, "--output", "json")
        assert done.returncode == 3, done.stderr
        told = json.loads(done.stdout)
        assert told["left_out"] == wanted
        assert Counter(line["reason"] for line in lines(out / "left_out.jsonl")) == wanted
        assert told["files"]["exclusive-train.jsonl"]["rows"] == 10 - sum(wanted.values())
        assert "left_out.jsonl" in done.stderr
        assert not (tmp_path / "outside.png").exists()
    kinds = [line["images"][0].rsplit(".", 1)[1] for line in lines(tmp_path / "jsonl" / "exclusive-train.jsonl")]
    assert kinds == ["jpg", "webp", "png", "png", "png", "png", "png"]
    assert sha256_file(next((tmp_path / "jsonl" / "images").glob("*.jpg"))) == sha256_bytes(picture("JPEG"))


def test_no_row_left_is_an_error(dataset: Callable[..., Path], tmp_path: Path) -> None:
    folder = dataset([row(0, None), row(1, b"x")])
    with pytest.raises(UserError, match="1 no_picture, 1 picture_not_readable"):
        export(open_dataset(str(folder)), "openai", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_openai_is_told_with_its_limits(built: Path, tmp_path: Path, dataset: Callable[..., Path]) -> None:
    found = export(open_dataset(str(built / "safety-dpo")), "openai", tmp_path / "out", split="validation")
    assert any("text alone" in line for line in found.warnings)
    assert any("no new users" in line for line in found.warnings)
    few = export(open_dataset(str(dataset([row(0, picture())]))), "openai", tmp_path / "few")
    assert any("has 1 rows; OpenAI takes 10" in line for line in few.warnings)


def test_test_rows_are_no_training_file(built: Path, tmp_path: Path, run: Any) -> None:
    for form in set(FORMATS) - {"jsonl"}:
        with pytest.raises(UserError, match="cross is a test set"):
            export(open_dataset(str(built / "cross")), form, tmp_path / "out")
    done = run("export", built / "cross", "--format", "jsonl", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "keep them out of training sets" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "nonesuch"], "no config nonesuch; it has cvqa-mcq, exclusive, overlapped"),
        (["--split", "test"], "exclusive has no split test; it has train, validation"),
    ],
)
def test_what_it_has_is_told(words: list[str], said: str, built: Path, tmp_path: Path, run: Any) -> None:
    done = run("export", built / "safety-sft", "--format", "openai", "--out", tmp_path / "out", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_references(tmp_path: Path, run: Any) -> None:
    for ref in (tmp_path, tmp_path / "nothing"):
        done = run("export", ref, "--format", "openai", "--out", tmp_path / "out")
        assert done.returncode == 1
        assert "next: " in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_there_stays_without_replace(dataset: Callable[..., Path], tmp_path: Path) -> None:
    opened, out = open_dataset(str(dataset([row(0, picture())]))), tmp_path / "out"
    export(opened, "openai", out)
    with pytest.raises(UserError, match="holds an export already"):
        export(opened, "ms-swift", out)
    assert not (out / "images").exists()
    export(opened, "ms-swift", out, replace=True)
    assert json.loads((out / "export.json").read_text("utf-8"))["format"] == "ms-swift"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(UserError, match="no export of ours"):
        export(opened, "openai", mine, replace=True)
    assert (mine / "thesis.txt").read_text("utf-8") == "years of work"
    assert {path.name for path in tmp_path.iterdir()} == {"out", "mine", "safety-dpo"}


def test_an_interruption_leaves_what_was_there(dataset: Callable[..., Path], tmp_path: Path) -> None:
    opened, out = open_dataset(str(dataset([row(n, picture(colour=n)) for n in range(30)]))), tmp_path / "out"
    export(opened, "openai", out)
    before = (out / "export.json").read_bytes()

    def stop(items: Any, _what: str, _total: int) -> Any:
        for number, item in enumerate(items):
            if number == 20:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        export(opened, "jsonl", out, replace=True, progress=stop)
    assert (out / "export.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"out", "safety-dpo"}


SLOW = """
import sys, time, os
from pathlib import Path
from cross_safety.builder.release import export_folder
from cross_safety.builder.release.export import export
from cross_safety.store.opened import open_dataset
folder, out, step = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
def slow(items, _what, _total):
    for number, item in enumerate(items):
        if step == "rows" and number == 20:
            print("here", flush=True); time.sleep(60)
        yield item
rename = Path.rename
def stopping(self, to):
    if step == "before the exchange" and self.name == "out":
        print("here", flush=True); time.sleep(60)
    done = rename(self, to)
    if step == "in the exchange" and self.name == "out":
        print("here", flush=True); time.sleep(60)
    if step == "after the exchange" and str(to).endswith("/out"):
        print("here", flush=True); time.sleep(60)
    return done
Path.rename = stopping
export(open_dataset(folder), "ms-swift", out, replace=True, progress=slow)
"""


@pytest.mark.parametrize("step", ["rows", "before the exchange", "in the exchange", "after the exchange"])
def test_killed_at_any_step(step: str, dataset: Callable[..., Path], tmp_path: Path) -> None:
    folder, out = dataset([row(n, picture(colour=n)) for n in range(30)]), tmp_path / "out"
    opened = open_dataset(str(folder))
    export(opened, "openai", out)
    words = [sys.executable, "-c", SLOW, str(folder), str(out), step]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        child.send_signal(signal.SIGKILL)
    if out.exists():
        told = json.loads((out / "export.json").read_text("utf-8"))
        assert told["format"] == ("ms-swift" if step == "after the exchange" else "openai")
        assert all(file["sha256"] == sha256_file(out / name) for name, file in told["files"].items())
    else:
        assert step == "in the exchange"
        with pytest.raises(UserError, match="holds an export already"):
            export(opened, "jsonl", out)  # the old one is back in its place
    export(opened, "jsonl", out, replace=True)
    assert json.loads((out / "export.json").read_text("utf-8"))["format"] == "jsonl"
    assert {path.name for path in tmp_path.iterdir()} == {"out", "safety-dpo"}


# The peak of this program alone: ru_maxrss would be that of the process that started it, where that was higher.
PEAK = """
import sys
from pathlib import Path
from cross_safety.builder.release.export import export
from cross_safety.store.opened import open_dataset
export(open_dataset(sys.argv[1]), "openai", Path(sys.argv[2]))
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak where Linux has it")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    noise = [os.urandom(500_000) for _ in range(8)]
    peaks = []
    for rows in (20, 200):
        made = [row(n, picture() + noise[n % 8] + bytes([n % 256])) for n in range(rows)]
        folder = write_dataset(tmp_path / f"set-{rows}", made)
        words = [sys.executable, "-c", PEAK, str(folder), str(tmp_path / f"out-{rows}")]
        peaks.append(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout) // 1024)
    assert (tmp_path / "out-200" / "exclusive-train.jsonl").stat().st_size > 130_000_000
    assert peaks[1] - peaks[0] < 60, peaks


texts = st.text(min_size=1, max_size=60).filter(lambda t: not any(w in t for w in ("<image>", "<video>", "<audio>")))


@given(question=texts, chosen=texts, rejected=texts)
def test_texts_come_through_letter_for_letter(question: str, chosen: str, rejected: str) -> None:
    each = row(0, b"x", question, chosen) | {"rejected": [{"role": "assistant", "content": rejected}]}
    shown = Picture(b"x", "PNG", "RGB", "0.png")
    one = openai(each, shown)
    assert one["input"]["messages"][0]["content"][0]["text"] == question
    assert (one["preferred_output"][0]["content"], one["non_preferred_output"][0]["content"]) == (chosen, rejected)
    two = llama_factory(each, shown)
    assert two["conversations"] == [{"from": "human", "value": f"<image>{question}"}]
    assert (two["chosen"]["value"], two["rejected"]["value"]) == (chosen, rejected)
    three = ms_swift(each, shown)
    assert [turn["content"] for turn in three["messages"]] == [f"<image>{question}", chosen]
    assert three["rejected_response"] == rejected
    assert each["prompt"] == [{"role": "user", "content": question}], "the row is not changed"


def test_a_system_turn_keeps_its_place_and_two_answers_are_refused() -> None:
    shown = Picture(b"x", "PNG", "RGB", "0.png")
    each = row(0, b"x")
    each["prompt"] = [{"role": "system", "content": "Be kind."}, *each["prompt"]]
    assert [turn["from"] for turn in llama_factory(each, shown)["conversations"]] == ["system", "human"]
    assert openai(each, shown)["input"]["messages"][0] == {"role": "system", "content": "Be kind."}
    each["chosen"] = each["chosen"] * 2
    for shape in (llama_factory, ms_swift):
        with pytest.raises(LeftOutError, match="several_turns"):
            shape(each, shown)


def test_the_clock_of_a_small_export(dataset: Callable[..., Path], run: Any, tmp_path: Path) -> None:
    """A newcomer's first run answers at once and says what to do next."""
    begun = time.monotonic()
    done = run("export", dataset([row(0, picture())]), "--format", "ms-swift", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "next: cd" in done.stdout
    assert time.monotonic() - begun < 60
