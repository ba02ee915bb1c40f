"""Reports: what is compared, what is refused, what is cited, results of others, and the words on the screen."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cross_safety.console import UserError
from cross_safety.eval import outside
from cross_safety.eval.comparing import comparison, signatures
from cross_safety.eval.record import Record, Text
from cross_safety.eval.report import report
from cross_safety.eval.review import calibrations, make, read
from cross_safety.eval.scores import FIGURES, labels_of
from cross_safety.eval.summary import BYS, family, jsonable, summary
from cross_safety.eval.tables import report_text
from cross_safety.store.opened import open_dataset
from loopback.scripted import candidate, labels, script, varied, verdict
from loopback.server import Ask, Behaviour, Loopback, Say

Evaluated = Callable[..., Record]


def test_two_models_side_by_side(server: Loopback, evaluated: Evaluated) -> None:
    careless = evaluated(server, "careless", model="careless-2026-01-15", limit=32)
    careful = evaluated(server, "careful", limit=32)
    found = report([careless.folder, careful.folder], bys=BYS)
    (between,) = found["comparisons"]
    difference = between["figures"]["awareness"]["difference"]
    first, second = (run["figures"]["awareness"]["micro"].value for run in found["runs"])
    assert difference.value == pytest.approx(second - first)
    assert difference.low is not None
    assert 0 < difference.low < difference.value
    assert between["figures"]["awareness"]["p"] < 0.01
    assert set(between["by_country"]["awareness"]) == {row["country"] for row in careful.rows.values()}
    text = report_text(found)
    assert "compliance (1 − violation)" in text
    assert "over-warning (lower is better)" in text
    assert "can't be set beside the paper's" in text
    json.dumps(jsonable(found))
    for by in BYS:
        assert sum(part["awareness"].n for part in found["runs"][0]["by"][by].values()) == 64, by


def test_different_judges_are_not_compared(server: Loopback, evaluated: Evaluated) -> None:
    one = evaluated(server, "one", limit=2, judges=("a-2026-01-01",))
    other = evaluated(server, "other", limit=2, judges=("b-2026-01-01",))
    assert "different judges" in comparison(one, other)["refused"]
    apart = evaluated(server, "apart", limit=2, one_call=True, judges=("a-2026-01-01",))
    assert "different protocols" in comparison(one, apart)["refused"]
    assert "not computed" in report_text(report([one.folder, other.folder]))


def test_only_rows_that_ask_the_same_are_compared(server: Loopback, evaluated: Evaluated) -> None:
    record = evaluated(server, "one", limit=4)
    changed = {row: dict(about) for row, about in record.rows.items()}
    first = next(iter(changed))
    changed[first]["content"] = "another"
    other = Record(record.folder, record.info, changed, record.answers, record.verdicts)
    found = comparison(record, other)
    assert (found["rows"], found["rows_left_out"]) == (7, 1)
    assert found["figures"]["awareness"]["difference"].value == 0


def test_image_gain(server: Loopback, evaluated: Evaluated) -> None:
    seen = evaluated(server, "seen", limit=8)
    blind = evaluated(server, "blind", limit=8, control="blind")
    found = report([seen.folder, blind.folder])
    (between,) = found["comparisons"]
    assert (between["is"], between["before"], between["after"]) == ("image gain", "blind", "seen")
    solved = found["runs"][1]["solved"]
    held = labels_of(blind)
    passes = {
        row
        for row in blind.rows
        if blind.rows[row]["split"] == "test"
        and all(held[row, run, name] == 1 for run in (0, 1) for name in FIGURES[:4])
    }
    assert set(solved) == passes
    assert "solved without the picture" in report_text(found)


def test_spread_over_runs(evaluated: Evaluated) -> None:
    with Loopback(varied) as server:
        record = evaluated(server, runs=3, limit=12)
    found = summary(record)["spread"]["awareness"]
    changing = {}
    for (row, _, dimension), label in labels_of(record).items():
        if dimension == "awareness":
            changing.setdefault(row, set()).add(label)
    share = sum(len(values) > 1 for values in changing.values()) / len(changing)
    assert found["changing"].value == pytest.approx(share)
    assert len(found["per_run"]) == 3
    assert share > 0.1
    names = [part["signature"] for part in report([record.folder])["signatures"]]
    assert "run-to-run inconsistency" in names


def test_drift_of_one_name(evaluated: Evaluated) -> None:
    def moved(ask: Ask) -> Behaviour:
        """The model behind the name has become a careless one."""
        if ask.schema:
            return Say(verdict(ask))
        ask.body["model"] = "careless-2026-01-15"
        return Say(candidate(ask), model="careful-2026-01-15")

    with Loopback(script) as before, Loopback(moved) as after:
        first = evaluated(before, "january", limit=32)
        second = evaluated(after, "june", limit=32)
    for record, date in ((first, "2026-01-20T00:00:00+00:00"), (second, "2026-06-20T00:00:00+00:00")):
        path = record.folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"started": date}), "utf-8")
    found = report([second.folder, first.folder], over_time=True)
    (step,) = found["over_time"]
    assert (step["before"], step["after"]) == ("january", "june")
    assert "awareness" in step["changed"]
    assert found["comparisons"] == []
    assert "january → june" in report_text(found)
    with pytest.raises(UserError, match="two or more runs of one model"):
        report([first.folder], over_time=True)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o-2024-08-06", "gpt"), ("openai/o3-2025-04-16", "gpt"), ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen"),
        ("QVQ-72B", "qwen"), ("google/gemma-3-12b", "gemini"), ("meta-llama/Llama-4-Maverick", "llama"),
        ("4711", "4711"),
    ],
)  # fmt: skip
def test_family(model: str, expected: str) -> None:
    assert family(model) == expected


def test_judges_of_the_family_and_aliases_are_told(evaluated: Evaluated) -> None:
    def named(ask: Ask) -> Behaviour:
        said = script(ask)
        return Say(said.text, model="gpt-y-2026-02-02") if ask.schema else said

    with Loopback(named) as server:
        told = summary(evaluated(server, model="gpt-x-2026-01-01", judges=("gpt-y",), limit=1))["warnings"]
        own = summary(evaluated(server, "own", model="gpt-y", judges=("gpt-y",), limit=1))["warnings"]
    assert any("own family (gpt)" in warning for warning in told)
    assert any("gpt-y is an alias: ask for gpt-y-2026-02-02" in warning for warning in told)
    assert any("is the judged model itself" in warning for warning in own)


def test_review_there_and_back(server: Loopback, evaluated: Evaluated, built: Path, tmp_path: Path) -> None:
    record = evaluated(server, limit=32)
    made = make(record, open_dataset(str(built / "cross")), 0.5, 1, tmp_path / "review")
    countries = {row["country"] for row in record.rows.values()}
    assert {path.name for path in made.files} == {"form.html", *(f"{country}.csv" for country in countries)}
    form = made.files[0].read_text("utf-8")
    assert form.count("<article") == made.items == 32
    assert "http" not in re.sub(r"data:[^\"]+", "", form).replace("http-equiv", "")
    assert "as the sentences say" not in form
    key = json.loads((tmp_path / "review" / "sample.json").read_text("utf-8"))["items"]
    texts = {(a.row, a.run): a.answer.text for a in record.answers if isinstance(a.answer, Text)}
    for rater, errs in (("aiko", ()), ("ken", ("awareness",))):
        for path in made.files[1:]:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            for row in rows:
                place = key[row["item"]]
                said = labels(texts[place["row"], place["run"]])
                for name, label in said.items():
                    if row[name] == "":
                        row[name] = str(1 - label if name in errs and int(row["item"], 16) % 4 == 0 else label)
            with (tmp_path / f"{path.stem}-{rater}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, [*rows[0], "rater"], delimiter=";" if rater == "ken" else ",")
                writer.writeheader()
                writer.writerows(row | {"rater": rater} for row in rows)
    files = [*tmp_path.glob("*-aiko.csv"), *tmp_path.glob("*-ken.csv")]
    found = read(record, tmp_path / "review" / "sample.json", files)
    assert found["raters"] == 2
    assert found["dimensions"]["compliance"]["raw"] == 1.0
    assert found["dimensions"]["compliance"]["kappa"].value in (1.0, None)
    assert found["dimensions"]["compliance"]["kappa"].n == 16
    assert found["dimensions"]["awareness"]["people_alpha"].value < 1
    assert found["dimensions"]["awareness"]["kappa"].failures > 0  # where two people disagree there is no label
    again = evaluated(server, "again", limit=3)
    assert [part["run"] for part in calibrations(again)] == ["run"]
    assert "judge calibrated against people in run" in report_text(report([again.folder]))
    other = evaluated(server, "other", limit=3, judges=("another-2026-01-01",))
    assert calibrations(other) == []


def test_what_is_wrong_with_peoples_files_is_told_at_once(
    server: Loopback, evaluated: Evaluated, built: Path, tmp_path: Path
) -> None:
    record = evaluated(server, limit=1)
    make(record, open_dataset(str(built / "cross")), 0.5, 1, tmp_path / "review")
    key = list(json.loads((tmp_path / "review" / "sample.json").read_text("utf-8"))["items"])
    bad = tmp_path / "bad.csv"
    bad.write_text(f"item,awareness\n{key[0]},maybe\nnobody,1\n{key[0]},1\n{key[0]},0\n", "utf-8")
    with pytest.raises(UserError) as error:
        read(record, tmp_path / "review" / "sample.json", [bad])
    for words in ("bad.csv:2: awareness is 'maybe'", "bad.csv:3: item 'nobody'", "bad.csv:5: bad labelled"):
        assert words in str(error.value)
    with pytest.raises(UserError, match="holds a sample already"):
        make(record, open_dataset(str(built / "cross")), 0.5, 1, tmp_path / "review")


def test_formulas_and_markup_of_a_model_stay_text(evaluated: Evaluated, built: Path, tmp_path: Path) -> None:
    def evil(ask: Ask) -> Behaviour:
        return Say(verdict(ask) if ask.schema else '=HYPERLINK("x")</p><script>alert(1)</script>')

    with Loopback(evil) as server:
        record = evaluated(server, limit=1, runs=1)
    made = make(record, open_dataset(str(built / "cross")), 1.0, 1, tmp_path / "review")
    assert "<script>alert" not in made.files[0].read_text("utf-8")
    with made.files[1].open(encoding="utf-8-sig", newline="") as file:
        assert all(row["answer"].startswith("'=") for row in csv.DictReader(file))


def test_general_capability(tmp_path: Path) -> None:
    lmms = {
        "results": {
            "mmmu_val": {"alias": "mmmu_val", "mmmu_acc,none": 0.5, "mmmu_acc_stderr,none": "N/A"},
            "mme": {"mme_perception_score,none": 1500.0, "mme_cognition_score,none": 320.0},
        }
    }
    before = tmp_path / "before_results.json"
    before.write_text(json.dumps(lmms), "utf-8")
    after = tmp_path / "model_MMMU_DEV_VAL_acc.csv"
    after.write_text('"split","Overall","Art"\n"dev","0.9","0.1"\n"validation","0.475","0.4"\n', "utf-8")
    mme = tmp_path / "model_MME_score.csv"
    mme.write_text('"perception","reasoning","OCR"\n"1500.0","320.0","1"\n', "utf-8")
    assert outside.general(before) == {"MMMU": 50.0, "MME": pytest.approx(65.0)}
    changes = outside.general_change([before], [after, mme])
    assert [(part["benchmark"], round(part["points"], 6)) for part in changes] == [("MME", 0.0), ("MMMU", -2.5)]
    (found,) = signatures([], [], changes)
    assert (found["signature"], found["figure"]) == ("loss of general capability", "MMMU")
    stranger = tmp_path / "x.json"
    stranger.write_text("{}", "utf-8")
    with pytest.raises(UserError, match="no MMMU or MME result"):
        outside.general(stranger)


def authors_entry(index: str, profile: dict[str, Any], **more: Any) -> dict[str, Any]:
    entry = {"index": index, "violated_norm": f"norm {index}", "file_name": f"{index}.png", "query": "q"}
    return entry | {"model_response": "words", "evaluation": {"dim_profile": profile}} | more


def test_the_authors_results_turn_violation(tmp_path: Path) -> None:
    good = {"Awareness": 1, "Education": 1, "Violation": 0, "Helpfulness": 1}
    bad = {"Awareness": 0, "Education": 0, "Violation": 1, "Helpfulness": 0}
    first = [authors_entry("Japan_1", good), authors_entry("Japan_1", bad), authors_entry("Saudi_Arabia_2", bad)]
    second = [
        authors_entry("Japan_1", good),
        authors_entry("Japan_1", good | {"Helpfulness": 7}),
        authors_entry("Saudi_Arabia_2", good, model_response="ERROR: The API call failed."),
    ]
    paths = [tmp_path / f"results_m_r{i}.json" for i in (1, 2)]
    for path, entries in zip(paths, (first, second), strict=True):
        path.write_text(json.dumps(entries), "utf-8")
    figures = outside.authors(paths)["figures"]
    # Japan_1: wording 0 is 1 in both rounds, wording 1 is 0 then 1 -> 0.75; Saudi_Arabia_2: 0, the failed call is none
    assert figures["compliance"]["micro"].value == pytest.approx(0.375)
    assert (figures["compliance"]["micro"].n, figures["compliance"]["micro"].failures) == (5, 1)
    assert figures["helpfulness"]["micro"].failures == 2
    assert figures["compliance"]["macro over countries"].value == pytest.approx(0.375)
    with pytest.raises(UserError, match="no result file of the authors"):
        outside.authors([_write(tmp_path / "x.json", "[]")])


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path
