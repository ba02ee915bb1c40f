"""Comparison and agreement beside scipy, krippendorff and scikit-learn, and cases worked by hand."""

import krippendorff
import numpy as np
import pytest
from cross_safety.eval.agreement import Unit, cohen_kappa, krippendorff_alpha, majority, raw_agreement
from cross_safety.eval.estimate import EXACT, Cell, PairMean
from cross_safety.eval.paired import compare, holm, mcnemar, sign_flip
from scipy import stats
from sklearn.metrics import cohen_kappa_score


def row(name: int, values: list[float | None]) -> list[Cell]:
    return [Cell(f"r{name}", f"p{name}", run, value, name, "JP") for run, value in enumerate(values)]


def test_compare_by_hand() -> None:
    before = [*row(0, [0, 0, 1]), *row(1, [1, 1, 1]), *row(2, [0, None, 0]), *row(3, [None])]
    after = [*row(0, [1, 1, 1]), *row(1, [1, 0, 0]), *row(2, [1, 1, 1]), *row(3, [1])]
    found = compare(before, after)
    assert found.difference.value == pytest.approx((2 / 3 - 2 / 3 + 1) / 3)
    assert (found.gained, found.lost, found.unpaired) == (2, 1, 1)
    assert found.mcnemar == pytest.approx(1.0)
    assert (found.difference.n, found.difference.failures) == (3, 2)
    # row 2 before: (0, fail, 0): filled with 1 it is 1/3; row 3 before: fail -> 1, so the difference is 0
    assert found.difference.worst == pytest.approx((2 / 3 - 2 / 3 + 2 / 3 + 0) / 4)
    assert found.difference.best == pytest.approx((2 / 3 - 2 / 3 + 1 + 1) / 4)


def test_no_difference_anywhere_has_width() -> None:
    cells = [cell for name in range(20) for cell in row(name, [1.0])]
    found = compare(cells, cells).difference
    assert (found.value, found.method) == (0.0, EXACT)
    assert found.low is not None and found.high is not None
    assert found.low == pytest.approx(-found.high)
    assert found.high > 0.1


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 5), (1, 9), (30, 12), (200, 150)])
def test_mcnemar(gained: int, lost: int) -> None:
    oracle = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(oracle)


@pytest.mark.parametrize("size", [6, 12, 40])
def test_sign_flip(size: int) -> None:
    values = np.random.default_rng(size).normal(0.3, 1, size)
    found = sign_flip([PairMean(float(value), i, "") for i, value in enumerate(values)])
    oracle = stats.permutation_test(
        (values, np.zeros(size)),
        lambda a, b: np.sum(a - b),
        permutation_type="samples",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).pvalue
    assert found == pytest.approx(oracle, abs=1e-9 if size <= 12 else 0.02)


def test_holm_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({}) == {}
    assert holm({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 1, 0], 1),
        ([0, 0, 1], 0),
        ([1, 0], None),
        ([1, None, None], None),
        ([1, 1, None], 1),
        ([1, 0, None], None),
        ([0], 0),
        ([None], None),
        ([], None),
    ],
)
def test_majority(labels: list[int | None], expected: int | None) -> None:
    assert majority(labels) == expected


def random_units(raters: int, missing: float, seed: int) -> list[Unit]:
    rng = np.random.default_rng(seed)
    truth = rng.binomial(1, 0.4, 120)
    noisy = [[int(t ^ (rng.random() < 0.2)) if rng.random() > missing else None for _ in range(raters)] for t in truth]
    return [Unit(tuple(labels), i // 2) for i, labels in enumerate(noisy)]


@pytest.mark.parametrize(("raters", "missing"), [(2, 0.0), (3, 0.0), (3, 0.3), (5, 0.6)])
def test_alpha(raters: int, missing: float) -> None:
    units = random_units(raters, missing, raters)
    data = [[np.nan if unit.labels[i] is None else unit.labels[i] for unit in units] for i in range(raters)]
    found = krippendorff_alpha(units)
    assert found.value == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal", value_domain=[0, 1]))
    assert found.low is not None and found.high is not None
    assert found.low < (found.value or 0) < found.high


def test_kappa() -> None:
    units = random_units(2, 0.0, 9)
    found = cohen_kappa(units)
    assert found.value == pytest.approx(cohen_kappa_score(*zip(*(unit.labels for unit in units), strict=True)))
    with_gaps = [*units, Unit((1, None), 99), Unit((None, 0), 99)]
    assert cohen_kappa(with_gaps).value == found.value
    assert cohen_kappa(with_gaps).failures == 2


def test_perfect_agreement_is_no_certainty() -> None:
    found = cohen_kappa([Unit((i % 2, i % 2), i) for i in range(20)])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.method.startswith("no interval: every resample")


def test_agreement_that_cannot_be_told_is_not_one() -> None:
    units = [Unit((1, 1), i) for i in range(20)]
    for found in (krippendorff_alpha(units), cohen_kappa(units)):
        assert (found.value, found.low) == (None, None)
        assert found.method.startswith("undefined")
    assert raw_agreement(units) == 1.0
    assert raw_agreement([]) is None
    assert krippendorff_alpha([]).value is None
