"""Golden messages for broken rows, and properties of the messages."""

import json
from pathlib import Path

import pytest
from cross_safety.schemas import Problem, format_problems, problems, schema, schema_names, validator

CASES = sorted((Path(__file__).parents[1] / "data" / "invalid").iterdir())


KEYS = {
    "cvqa_row": "ID",
    "manifest": "name",
    "starter_norm": "slug",
    "upstream_casa": "index",
    "upstream_safeworld": "index",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_message(case: Path) -> None:
    name = (case / "schema.txt").read_text("utf-8").strip()
    rows = [json.loads(line) for line in (case / "rows.jsonl").read_text("utf-8").splitlines()]
    said = format_problems(problems(name, rows, key=KEYS.get(name, "id")))
    assert said + "\n" == (case / "expected.txt").read_text("utf-8")


def test_enough_golden_cases() -> None:
    assert len(CASES) >= 20
    named = {(case / "schema.txt").read_text("utf-8").strip() for case in CASES}
    assert named >= {"cross", "safety_sft", "safety_dpo", "manifest", "cvqa_row", "upstream_casa", "starter_norm"}


@pytest.mark.parametrize("name", schema_names())
def test_schema_is_itself_valid(name: str) -> None:
    validator(name).check_schema(schema(name))
    assert schema(name)["$id"] == f"urn:cross-safety:schema:{name}"


def test_every_format_in_use_is_really_checked() -> None:
    used = set()

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("format"), str):
                used.add(part["format"])
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    for name in schema_names():
        walk(schema(name))
    checker = validator("manifest").format_checker
    assert checker is not None
    assert used == {"date-time", "uri"}
    for each in used:
        assert not checker.conforms("no such thing", each), each


def test_capped_at_fifty_with_the_total() -> None:
    text = format_problems([Problem(f"r{i:03}", "$.x", "y", "z") for i in range(120)])
    lines = text.splitlines()
    assert len(lines) == 52
    assert lines[-2:] == ["… 70 more", "120 problems"]


def test_unknown_schema_names_the_known() -> None:
    with pytest.raises(KeyError, match="cvqa_row"):
        schema("nonesuch")
