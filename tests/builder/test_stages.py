"""The offline generator over starter items and over rows in CVQA's shape."""

from dataclasses import replace

import pytest
from cross_safety.builder.release.rows import multiple_choice_row, scenario_rows
from cross_safety.builder.sources.items import TrainItem
from cross_safety.builder.sources.starter import read_starter
from cross_safety.builder.stages import extract_norm, known_of, make_response, negative_answers, texts_of
from cross_safety.builder.stages.recipes import answers_of
from cross_safety.builder.starter import load_corpus

ITEM = next(item for item in read_starter().train if item.norm and item.norm.photo_terms)
NORM = next(norm for country in load_corpus() for norm in country.norms if norm is ITEM.norm)


def foreign(**change: object) -> TrainItem:
    """A row in CVQA's shape whose right answer names the norm's item."""
    term = NORM.photo_terms[0]
    fields = {
        "id": "cvqa-1",
        "norm": None,
        "scene": None,
        "question": "What is this?",
        "options": ("a hat", term, "a door", "rain"),
        "label": 1,
        "source": "cvqa",
    }
    return replace(ITEM, **(fields | change))


def test_a_starter_item_carries_its_norm() -> None:
    assert extract_norm(ITEM) is ITEM.norm


def test_extraction_from_a_cvqa_shaped_row() -> None:
    assert extract_norm(foreign()) is NORM


@pytest.mark.parametrize(
    "change", [{"label": None}, {"label": 0}, {"country": "XX"}, {"options": ("a", "b", "c", "d")}]
)
def test_no_norm_is_forced(change: dict[str, object]) -> None:
    assert extract_norm(foreign(**change)) is None


def test_an_unknown_answer_is_never_made_up() -> None:
    with pytest.raises(ValueError, match="no known answer"):
        multiple_choice_row(foreign(label=None), None, "train", "1.0.0")


def test_a_photograph_gets_rows_too() -> None:
    rows = list(scenario_rows(foreign(), known_of(NORM), texts_of(foreign(), NORM), "train", "1.0.0"))
    assert [row.dataset for row in rows] == ["safety-sft"] + ["safety-dpo"] * 4
    prompt = rows[0].row["prompt"][0]["content"]
    assert any(prompt.startswith(scenario) for scenario in NORM.raw["photo"]["scenario"])


def test_composition_follows_the_types() -> None:
    pieces, chosen = answers_of(NORM), make_response(ITEM, NORM)
    answers = negative_answers(ITEM, NORM, chosen)

    def has(text: str, kind: str) -> bool:
        return any(piece in text for piece in getattr(pieces, kind))

    expected = {
        "unaware": {"assist"},
        "uneducative": {"curb", "guide"},
        "violating": {"notice", "explain", "press"},
        "unhelpful": {"notice", "explain", "stall"},
    }
    kinds = ("notice", "explain", "guide", "assist", "curb", "press", "stall")
    assert {kind for kind in kinds if has(chosen, kind)} == {"notice", "explain", "guide"}
    for negative, wanted in expected.items():
        assert {kind for kind in kinds if has(answers[negative], kind)} == wanted


def test_deterministic() -> None:
    chosen = make_response(ITEM, NORM)
    assert chosen == make_response(ITEM, NORM)
    assert negative_answers(ITEM, NORM, chosen) == negative_answers(ITEM, NORM, chosen)


def test_multiple_choice_keeps_the_right_answer() -> None:
    for item in read_starter().train:
        if item.norm is not None and item.norm.mcq is not None and item.label is not None:
            assert item.options[item.label] == item.norm.mcq.options[0]
            row = multiple_choice_row(item, known_of(item.norm), "train", "1.0.0").row
            letter = row["completion"][0]["content"]
            assert f"{letter}. {item.norm.mcq.options[0]}\n" in row["prompt"][0]["content"]
