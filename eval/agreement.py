"""Do judges agree, with each other and with people: the majority of a panel, Krippendorff's α, Cohen's κ."""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from .estimate import BOOTSTRAP, LEAST_CLUSTERS, NONE, RESAMPLES, SEED, Estimate, Floats, bootstrap_interval

UNDEFINED = "undefined: the raters gave one label alone"
EVEN = "no interval: every resample gives the same"


class Unit(NamedTuple):
    """The labels (0, 1, or None where there is none) that each rater gave to one thing."""

    labels: tuple[int | None, ...]
    cluster: Hashable


def majority(labels: Sequence[int | None]) -> int | None:
    """The label that more than half of the whole panel gave; None for a tie and where too many failed."""
    return next((label for label in (0, 1) if 2 * labels.count(label) > len(labels)), None)


def krippendorff_alpha(units: Sequence[Unit], *, seed: int = SEED) -> Estimate:
    """Krippendorff's α for nominal labels of any number of raters; units with fewer than two labels don't count.

    ``n`` is the number of units that count, ``failures`` the labels that are missing. ``value`` is None where all
    labels are the same: agreement beyond chance can't be told then.
    """
    counts = _cluster_sums([_coincidences(unit) for unit in units], units)
    return _agreement(units, counts, _alpha, seed)


def cohen_kappa(units: Sequence[Unit], *, seed: int = SEED) -> Estimate:
    """Cohen's κ of two raters over the units that both labelled."""
    cells = [_table_cell(unit) for unit in units]
    return _agreement(units, _cluster_sums(cells, units), _kappa, seed)


def raw_agreement(units: Sequence[Unit]) -> float | None:
    """The share of units with two labels or more in which all raters say the same."""
    sets = [{label for label in unit.labels if label is not None} for unit in units if _rated(unit) > 1]
    return sum(len(labels) == 1 for labels in sets) / len(sets) if sets else None


def _rated(unit: Unit) -> int:
    return len(unit.labels) - unit.labels.count(None)


def _coincidences(unit: Unit) -> tuple[float, ...]:
    """Disagreeing pairs over raters less one, zeros, ones."""
    zeros, ones = unit.labels.count(0), unit.labels.count(1)
    if zeros + ones < 2:
        return 0.0, 0.0, 0.0
    return zeros * ones / (zeros + ones - 1), float(zeros), float(ones)


def _table_cell(unit: Unit) -> tuple[float, ...]:
    """The unit's place in the two-by-two table: (0,0), (0,1), (1,0), (1,1)."""
    return tuple(float(unit.labels == place) for place in ((0, 0), (0, 1), (1, 0), (1, 1)))


def _alpha(sums: Floats) -> Floats:
    disagreeing, zeros, ones = sums[..., 0], sums[..., 1], sums[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(zeros * ones > 0, 1 - (zeros + ones - 1) * disagreeing / (zeros * ones), np.nan)


def _kappa(sums: Floats) -> Floats:
    total = sums.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = sums / total[..., None]
        first, second = share[..., 2] + share[..., 3], share[..., 1] + share[..., 3]
        chance = first * second + (1 - first) * (1 - second)
        return np.where(chance < 1, (share[..., 0] + share[..., 3] - chance) / (1 - chance), np.nan)


def _cluster_sums(cells: Sequence[tuple[float, ...]], units: Sequence[Unit]) -> Floats:
    """One row a cluster; clusters without a unit that counts are left out."""
    numbers = {cluster: i for i, cluster in enumerate(dict.fromkeys(unit.cluster for unit in units))}
    sums = np.zeros((len(numbers), len(cells[0]) if cells else 1))
    for cell, unit in zip(cells, units, strict=True):
        sums[numbers[unit.cluster]] += cell
    return np.asarray(sums[sums.any(axis=1)])


def _agreement(units: Sequence[Unit], sums: Floats, formula: Callable[[Floats], Floats], seed: int) -> Estimate:
    value = float(formula(sums.sum(axis=0))) if len(sums) else float("nan")
    known = not np.isnan(value)
    low: float | None = None
    high: float | None = None
    if known and len(sums) >= LEAST_CLUSTERS:
        low, high = bootstrap_interval(lambda weights: formula(weights @ sums), len(sums), seed)
    # Perfect agreement, or one rater who always says the same: no width is no certainty.
    even = low is not None and low == high
    return Estimate(
        value=value if known else None,
        low=None if even else low,
        high=None if even else high,
        n=sum(_rated(unit) > 1 for unit in units),
        pairs=len(units),
        clusters=len(sums),
        failures=sum(unit.labels.count(None) for unit in units),
        worst=None,
        best=None,
        method=UNDEFINED if not known else EVEN if even else BOOTSTRAP if low is not None else NONE,
        seed=seed,
        resamples=RESAMPLES,
    )
