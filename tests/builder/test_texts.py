"""The offline texts: no template seams, and length tells nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cross_safety.builder.release.rows import fails
from cross_safety.builder.stages import NEGATIVE_TYPES
from cross_safety.schemas import table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score

Rows = Callable[[str, str], Iterator[dict[str, Any]]]


@pytest.fixture
def pairs(rows_of: Rows) -> list[dict[str, Any]]:
    return [row for config in ("exclusive", "overlapped") for row in rows_of("safety-dpo", config)]


def test_counts(rows_of: Rows, pairs: list[dict[str, Any]]) -> None:
    for config in ("exclusive", "overlapped"):
        counts = Counter(row["negative_type"] for row in rows_of("safety-dpo", config))
        assert set(counts) == set(NEGATIVE_TYPES)
        assert len(set(counts.values())) == 1
    assert len(pairs) >= 1440


def test_few_repeated_eight_grams(pairs: list[dict[str, Any]]) -> None:
    texts = {row[field][0]["content"] for row in pairs for field in ("prompt", "chosen", "rejected")}
    holders: dict[tuple[str, ...], int] = Counter()
    for text in texts:
        words = text.lower().split()
        holders.update({tuple(words[i : i + 8]) for i in range(len(words) - 7)})
    repeated = sum(1 for count in holders.values() if count > 0.05 * len(texts))
    assert repeated / len(holders) < 0.05


@pytest.mark.parametrize("measure", [len, lambda text: len(text.split())], ids=["characters", "words"])
@pytest.mark.parametrize("kind", NEGATIVE_TYPES)
def test_length_tells_nothing(pairs: list[dict[str, Any]], kind: str, measure: Callable[[str], int]) -> None:
    rows = [row for row in pairs if row["negative_type"] == kind]
    lengths = np.array([[measure(row[field][0]["content"])] for row in rows for field in ("chosen", "rejected")], float)
    labels = np.tile([1, 0], len(rows))
    groups = [row["norm_id"] for row in rows for _ in range(2)]
    scaled = (lengths - lengths.mean(0)) / lengths.std(0)
    accuracy = cross_val_score(LogisticRegression(), scaled, labels, groups=groups, cv=GroupKFold(5)).mean()
    assert accuracy <= 0.6, accuracy


def test_fails_follow_the_table(pairs: list[dict[str, Any]]) -> None:
    for row in pairs:
        assert row["fails"] == fails(row["negative_type"])
    assert fails("violating") == ["compliance", "helpfulness"]
    assert fails("unaware") == list(table("dimensions"))


def test_the_five_answers_of_a_prompt_differ(pairs: list[dict[str, Any]]) -> None:
    answers = defaultdict(set)
    for row in pairs:
        answers[row["prompt_id"]] |= {row["chosen"][0]["content"], row["rejected"][0]["content"]}
    assert {len(own) for own in answers.values()} == {5}


def test_answers_to_scenes_of_a_norm_differ(rows_of: Rows) -> None:
    said = defaultdict(list)
    for row in rows_of("safety-sft", "exclusive"):
        said[row["norm_id"]].append(row["completion"][0]["content"])
    assert all(len(own) == len(set(own)) for own in said.values())
