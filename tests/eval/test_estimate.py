"""The estimate: a case worked by hand, oracles of other libraries, and what no order or failure may change."""

import random
from collections.abc import Sequence
from math import comb

import numpy as np
import pytest
from cross_safety.eval.estimate import (
    BOOTSTRAP,
    EXACT,
    NONE,
    Cell,
    clusters_of,
    estimate,
    expanded_tail,
    student_t,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

BY_HAND = [
    # pair p: wording 0 passes in 2 of 3 runs, wording 1 in 0 of 1 (two of its runs failed) -> (2/3 + 0) / 2 = 1/3
    *[Cell("p0", "p", run, value, "c1", "JP") for run, value in enumerate([1, 1, 0])],
    *[Cell("p1", "p", run, value, "c1", "JP") for run, value in enumerate([0, None, None])],
    # pair q: 1; pair r: 1/2, of another country
    Cell("q0", "q", 0, 1, "c2", "JP"),
    *[Cell("r0", "r", run, value, "c3", "IR") for run, value in enumerate([1, 0])],
]


def test_by_hand() -> None:
    found = estimate(BY_HAND)
    assert found.value == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)
    assert (found.n, found.pairs, found.clusters, found.failures) == (7, 3, 3, 2)
    # failures as 0: p = (2/3 + 0) / 2 = 1/3; as 1: p = (2/3 + 2/3) / 2 = 2/3
    assert found.worst == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)
    assert found.best == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
    assert (found.low, found.high, found.method) == (None, None, NONE)


def test_macro_by_hand() -> None:
    assert estimate(BY_HAND, macro=True).value == pytest.approx(((1 / 3 + 1) / 2 + 1 / 2) / 2)


def test_nothing_at_all_is_no_zero() -> None:
    found = estimate([Cell("a", "a", 0, None, 0)])
    assert (found.value, found.low, found.n, found.failures) == (None, None, 0, 1)
    assert (found.worst, found.best) == (0.0, 1.0)
    assert found.percent() == "—"
    assert estimate([]).value is None


def singles(values: Sequence[float], clusters: Sequence[int] | None = None) -> list[Cell]:
    names = clusters or range(len(values))
    return [Cell(f"r{i}", f"p{i}", 0, value, name) for i, (value, name) in enumerate(zip(values, names, strict=True))]


def test_interval_beside_scipy() -> None:
    values = np.random.default_rng(1).binomial(1, 0.4, 200).astype(float)
    found = estimate(singles(list(values)))
    oracle = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        confidence_level=1 - 2 * expanded_tail(200),
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert found.method == BOOTSTRAP
    assert found.low == pytest.approx(oracle.low, abs=0.012)
    assert found.high == pytest.approx(oracle.high, abs=0.012)


@pytest.mark.parametrize("freedom", [9, 10, 15, 30, 300])
def test_student_t(freedom: int) -> None:
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=5e-4)


def test_doubled_rows_in_one_cluster_do_not_narrow() -> None:
    values = list(np.random.default_rng(2).binomial(1, 0.5, 40).astype(float))
    once, twice = estimate(singles(values)), estimate(singles(values * 2, [*range(40), *range(40)]))
    assert twice.clusters == once.clusters == 40
    assert (twice.low, twice.high) == (pytest.approx(once.low), pytest.approx(once.high))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_alike_is_no_certainty(value: float) -> None:
    found = estimate(singles([value] * 20))
    exact = stats.binomtest(int(20 * value), 20).proportion_ci(0.95, method="exact")
    assert found.method == EXACT
    assert (found.low, found.high) == (pytest.approx(exact.low), pytest.approx(exact.high))


def test_coverage_with_few_clusters() -> None:
    """Of 200 experiments with 12 clusters of 3, the interval holds the truth in about 95 of 100."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        centres = rng.beta(2, 2, 12)
        values = rng.binomial(1, np.repeat(centres, 3)).astype(float)
        found = estimate(singles(list(values), list(np.repeat(np.arange(12), 3))), resamples=1000)
        held += (found.low or 0) <= 0.5 <= (found.high or 0)
    assert 182 <= held <= 200


def test_more_than_nine_clusters_or_none() -> None:
    assert estimate(singles([0, 1] * 5)).low is not None
    assert estimate(singles([0, 1] * 4)).low is None


cells = st.lists(
    st.builds(
        Cell,
        row=st.sampled_from("abcdefghijklmnopq"),
        pair=st.just(""),
        run=st.integers(0, 2),
        value=st.sampled_from([0.0, 1.0, None]),
        cluster=st.just(0),
        group=st.just(""),
    ).map(lambda cell: cell._replace(pair=cell.row, cluster=ord(cell.row) // 2, group="xy"[ord(cell.row) % 4 // 2])),
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(cells, st.randoms(use_true_random=False), st.booleans())
def test_order_changes_nothing_and_failures_stay_inside_their_bounds(
    held: list[Cell], rng: random.Random, macro: bool
) -> None:
    shuffled = rng.sample(held, len(held))
    found = estimate(held, macro=macro, resamples=200)
    assert found == estimate(shuffled, macro=macro, resamples=200)
    assert found.n + found.failures == len(held)
    if found.value is not None:
        assert 0 <= found.value <= 1
    if found.worst is not None and found.best is not None:
        assert found.worst <= found.best + 1e-12
    if not found.failures and found.value is not None:
        assert found.worst == found.value == found.best


def test_clusters_are_connected_components() -> None:
    rows = [
        {"id": "1", "pair_id": "a", "norm_id": "m", "image_sha256": "x"},
        {"id": "2", "pair_id": "a", "norm_id": "m", "image_sha256": "y"},
        {"id": "3", "pair_id": "b", "norm_id": "n", "image_sha256": "y"},
        {"id": "4", "pair_id": "c", "norm_id": "o", "image_sha256": "z"},
    ]
    found = clusters_of(rows)
    assert found["1"] == found["2"] == found["3"] != found["4"]


def test_exact_bound_is_the_binomial_tail() -> None:
    low = estimate(singles([1.0] * 15)).low
    assert low is not None
    assert comb(15, 15) * low**15 == pytest.approx(0.025)
