"""Two models on the same rows: the difference with its interval, and tests that know what a pair is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np

from .estimate import RESAMPLES, SEED, Cell, Estimate, PairMean, pair_means, row_means, summarise

_ENUMERATED = 12
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Comparison:
    """``after`` minus ``before`` on the rows that both have.

    Attributes:
        difference: mean over wordings, then pairs, of the rows' differences; in -1 … 1.
        p: two-sided sign-flip test over clusters; None where no pair has both labels.
        mcnemar: exact McNemar over single rows (each row by the majority of its runs; it takes rows as independent).
        gained, lost: rows that pass only after, only before.
        unpaired: rows that only one of the two has a label for.
    """

    difference: Estimate
    p: float | None
    mcnemar: float | None
    gained: int
    lost: int
    unpaired: int


class _Two(NamedTuple):
    before: dict[str, float]
    after: dict[str, float]


def compare(before: Iterable[Cell], after: Iterable[Cell], *, seed: int = SEED) -> Comparison:
    """The paired comparison of two runs over the same rows."""
    first, second = list(before), list(after)
    means = _Two(row_means(first), row_means(second))
    about = {cell.row: cell for cell in [*first, *second]}
    pairs = _difference(means, about)
    found = summarise(
        pairs,
        n=len(means.before.keys() & means.after.keys()),
        failures=sum(cell.value is None for cell in [*first, *second]),
        worst=_difference(_Two(row_means(first, 1.0), row_means(second, 0.0)), about),
        best=_difference(_Two(row_means(first, 0.0), row_means(second, 1.0)), about),
        span=(-1.0, 1.0),
        seed=seed,
    )
    gained, lost = _discordant(means)
    return Comparison(
        difference=found,
        p=sign_flip(pairs, seed=seed) if pairs else None,
        mcnemar=mcnemar(gained, lost) if pairs else None,
        gained=gained,
        lost=lost,
        unpaired=len(means.before.keys() ^ means.after.keys()),
    )


def _difference(means: _Two, about: Mapping[str, Cell]) -> list[PairMean]:
    both = sorted(means.before.keys() & means.after.keys())
    return pair_means([about[row]._replace(run=0, value=means.after[row] - means.before[row]) for row in both])


def _discordant(means: _Two) -> tuple[int, int]:
    """Rows that pass in most runs only after, and only before; a row that is split evenly counts in neither."""
    sides = [
        (means.before[row] > 0.5, means.after[row] > 0.5)
        for row in means.before.keys() & means.after.keys()
        if 0.5 not in (means.before[row], means.after[row])
    ]
    return sides.count((False, True)), sides.count((True, False))


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided McNemar test: a binomial test of the discordant rows."""
    total = gained + lost
    tail = sum(comb(total, k) for k in range(min(gained, lost) + 1))
    return min(1.0, float(2 * tail / 2**total))


def sign_flip(pairs: Sequence[PairMean], *, seed: int = SEED, resamples: int = RESAMPLES) -> float:
    """Two-sided p that differences are centred on zero, by turning the sign of whole clusters.

    All sign patterns are tried up to twelve clusters; beyond, ``resamples`` seeded ones: (1 + hits) / (1 + tries).
    """
    sums: dict[object, float] = defaultdict(float)
    for pair in pairs:
        sums[pair.cluster] += pair.value
    values = np.array(list(sums.values()))
    seen = abs(values.sum()) - _ROUNDING
    if len(values) <= _ENUMERATED:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(values))))
        return float(np.mean(np.abs(signs @ values) >= seen))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, len(values)))
    return float((1 + np.sum(np.abs(signs @ values) >= seen)) / (1 + resamples))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for having looked at all of them (Holm 1979), by name."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = highest
    return adjusted
