"""Multiple choice: which letters are read, what is a failure, and that no training picture is asked about."""

import json
from pathlib import Path

import pytest
from cross_safety.console import Output
from cross_safety.eval import cvqa
from cross_safety.eval.asking import Subject
from cross_safety.eval.record import read_record
from cross_safety.eval.report import report
from cross_safety.eval.session import conduct
from cross_safety.eval.tables import report_text
from cross_safety.inference import Endpoint
from cross_safety.inference.options import InferenceOptions
from cross_safety.store.opened import open_dataset
from loopback.server import Ask, Behaviour, Loopback, Say

OPTIONS = {"A": "Sunday 18: music is banned then", "B": "Friday 9", "C": "Tuesday 13: an ill-omened number", "D": "9"}


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"), (" b. ", "B"), ("**C**", "C"), ("(A)", "A"), ("`D`", "D"), ("B. Friday 9", "B"),
        ("B) friday 9.", "B"),
        ("Tuesday 13: an ill-omened number", "C"), ("The answer is C.", "C"), ("Answer: **B**", "B"),
        ("I think option A, because of the music. So the answer is A", "A"), ("9", "D"),
        ("", None), ("E", None), ("A or B", None), ("The answer is A. No, the answer is B.", None),
        ("I can't tell from this picture.", None), ("A nice picture of a calendar", None), ("Option Alpha", None),
        ("The answer is a matter of taste", None), ("AB", None),
    ],
)  # fmt: skip
def test_letters(text: str, letter: str | None) -> None:
    assert cvqa.read_letter(text, OPTIONS) == letter


def test_a_run(built: Path, tmp_path: Path) -> None:
    dataset = open_dataset(str(built / "safety-sft"))
    rows = {row["prompt"][0]["content"]: row for row in dataset.rows(cvqa.CONFIG, cvqa.SPLIT)}
    told = {text: i for i, text in enumerate(sorted(rows))}

    def student(ask: Ask) -> Behaviour:
        """Right, but for the first (wrong) and the second (says no letter)."""
        row, number = rows[ask.text], told[ask.text]
        gold = row["completion"][0]["content"]
        assert ask.pictures[0][1] == row["images"][0]["bytes"]
        return Say(
            ["ABCD"[("ABCD".index(gold) + 1) % 4], "hard to say"][number] if number < 2 else f"The answer is {gold}."
        )

    selection = cvqa.select(dataset)
    with Loopback(student) as server:
        plan = cvqa.Plan(dataset, selection, Subject("student"), Endpoint(server.url))
        conduct(plan, tmp_path / "run", "safety-sft", Output("quiet"), InferenceOptions(), replace_run=False)
    found = cvqa.summary(read_record(tmp_path / "run"))
    asked = len(rows)
    accuracy = found["accuracy"]
    assert (accuracy.n, accuracy.failures) == (asked - 1, 1)
    assert accuracy.value == pytest.approx((asked - 2) / (asked - 1))
    assert accuracy.worst == pytest.approx((asked - 2) / asked)
    assert accuracy.best == pytest.approx((asked - 1) / asked)
    assert found["chance"] == 0.25
    whole = report([tmp_path / "run"])
    assert whole["incomplete"] == ["run"]
    assert "multiple choice" in report_text(whole)
    lines = [json.loads(line) for line in (tmp_path / "run" / "verdicts.jsonl").read_text("utf-8").splitlines()]
    assert sum("failure" in line for line in lines) == 1


def test_pictures_of_training_are_not_asked_about(built: Path) -> None:
    dataset = open_dataset(str(built / "safety-sft"))
    trained = {
        row["image_sha256"]
        for config, parts in dataset.manifest["configs"].items()
        if "train" in parts["splits"]
        for row in dataset.rows(config, "train", columns=["image_sha256"])
    }
    selection = cvqa.select(dataset)
    assert not trained & {row["image_sha256"] for row in selection.about}
    every = sum(1 for _ in dataset.rows(cvqa.CONFIG, cvqa.SPLIT, columns=["id"]))
    assert len(selection.about) + selection.withdrawn == every
