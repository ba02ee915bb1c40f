"""One value for every figure: an estimate with its interval, its clusters and its failures.

The estimand: the mean over runs of a row, then over the wordings of a pair, then over pairs. Pairs weigh the same
whatever the number of their wordings and of the labels that failed. ``macro`` takes the mean over groups (countries)
of that figure instead.

The interval: 95 %, a seeded bootstrap of whole clusters (rows that share a pair, a norm or a picture). Its percentiles
are widened as Hesterberg (2015, *The American Statistician* 69:4) proposes, to what Student's t asks for with so few
clusters. Where every cluster agrees a bootstrap can say nothing; there the exact binomial bound on the share of
clusters that differ stands in (0.025 ** (1 / clusters)). Under ten clusters there is no interval.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..store.components import components

SEED = 20250520
RESAMPLES = 4000
LEAST_CLUSTERS = 10
_TAIL = 0.025

Floats = NDArray[np.float64]
BOOTSTRAP = "cluster bootstrap, expanded percentile"
EXACT = "exact bound, all clusters agree"
NONE = f"no interval under {LEAST_CLUSTERS} clusters"


class Cell(NamedTuple):
    """One label of one run of one row.

    ``value`` is None where the instrument failed; ``most`` is then the most that it can have been.
    """

    row: str
    pair: str
    run: int
    value: float | None
    cluster: Hashable
    group: str = ""
    most: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that can be defended.

    Attributes:
        value: the estimate; None where not one label exists.
        low, high: its 95 % interval; None where ``method`` says that there is none.
        n: labels that it stands on.
        pairs: pairs that have a label.
        clusters: independent groups of rows among them.
        failures: labels that an instrument failed to give; never scored.
        worst, best: the estimate if every failure had been the worst label, or the best.
        method: how the interval was made.
        seed, resamples: of the bootstrap; the same seed and labels give the same interval.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    pairs: int
    clusters: int
    failures: int
    worst: float | None
    best: float | None
    method: str
    seed: int = SEED
    resamples: int = RESAMPLES

    def as_json(self) -> dict[str, Any]:
        """The fields, numbers rounded to six places."""
        return {key: round(v, 6) if isinstance(v, float) else v for key, v in asdict(self).items()}

    def percent(self, *, signed: bool = False) -> str:
        """``61.8 [57.2, 66.0]`` in percent (or points); a dash where there is no estimate."""
        if self.value is None:
            return "—"
        form = "{:+.1f}" if signed else "{:.1f}"
        value = form.format(100 * self.value)
        if self.low is None or self.high is None:
            return value
        return f"{value} [{form.format(100 * self.low)}, {form.format(100 * self.high)}]"


def clusters_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The cluster of each row id: connected components of ``pair_id``, ``norm_id`` and ``image_sha256``."""
    kept = list(rows)
    keys = [[(name, row[name]) for name in ("pair_id", "norm_id", "image_sha256") if row.get(name)] for row in kept]
    return {row["id"]: number for row, number in zip(kept, components(keys), strict=True)}


def estimate(cells: Iterable[Cell], *, macro: bool = False, seed: int = SEED, resamples: int = RESAMPLES) -> Estimate:
    """The estimate of labels between 0 and 1.

    Args:
        cells: labels and failures, in any order.
        macro: the mean over ``group`` instead of over pairs.
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    held = list(cells)
    return summarise(
        pair_means(held),
        n=sum(cell.value is not None for cell in held),
        failures=sum(cell.value is None for cell in held),
        worst=pair_means(held, fill=0.0),
        best=pair_means(held, fill=1.0),
        macro=macro,
        seed=seed,
        resamples=resamples,
    )


class PairMean(NamedTuple):
    """The mean of one pair, with the cluster and group that it belongs to."""

    value: float
    cluster: Hashable
    group: str


def row_means(cells: Iterable[Cell], fill: float | None = None) -> dict[str, float]:
    """The mean over runs of each row that has a label; ``fill`` stands in for failures where given."""
    runs: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        value = cell.value if cell.value is not None or fill is None else min(fill, cell.most)
        if value is not None:
            runs[cell.row].append(value)
    return {row: fmean(sorted(values)) for row, values in runs.items()}


def pair_means(cells: Sequence[Cell], fill: float | None = None) -> list[PairMean]:
    """The mean over runs, then wordings, of each pair that has a label; sorted, so that no order of arrival shows."""
    rows = row_means(cells, fill)
    about = {cell.row: cell for cell in cells}
    wordings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(rows):
        wordings[about[row].group, about[row].pair].append(row)
    return [
        PairMean(fmean(rows[row] for row in names), about[names[0]].cluster, group)
        for (group, _), names in sorted(wordings.items())
    ]


def summarise(
    pairs: Sequence[PairMean],
    *,
    n: int,
    failures: int,
    worst: Sequence[PairMean] = (),
    best: Sequence[PairMean] = (),
    macro: bool = False,
    span: tuple[float, float] = (0.0, 1.0),
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The estimate from the means of pairs; ``span`` is what a value can be at least and at most."""
    sums, counts = _tables(pairs, macro)
    low, high, method = _interval(pairs, sums, counts, span, seed, resamples)
    return Estimate(
        value=_mean(pairs, macro),
        low=low,
        high=high,
        n=n,
        pairs=len(pairs),
        clusters=len(sums),
        failures=failures,
        worst=_mean(worst, macro),
        best=_mean(best, macro),
        method=method,
        seed=seed,
        resamples=resamples,
    )


def _mean(pairs: Sequence[PairMean], macro: bool) -> float | None:
    if not pairs:
        return None
    groups: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        groups[pair.group if macro else ""].append(pair.value)
    return fmean(fmean(values) for values in groups.values())


def _tables(pairs: Sequence[PairMean], macro: bool) -> tuple[Floats, Floats]:
    """Sums and counts of pairs, one row a cluster and one column a group (one column where not ``macro``)."""
    clusters = {cluster: i for i, cluster in enumerate(dict.fromkeys(pair.cluster for pair in pairs))}
    groups = {group: i for i, group in enumerate(dict.fromkeys(pair.group if macro else "" for pair in pairs))}
    sums, counts = np.zeros((len(clusters), len(groups))), np.zeros((len(clusters), len(groups)))
    for pair in pairs:
        at = clusters[pair.cluster], groups[pair.group if macro else ""]
        sums[at] += pair.value
        counts[at] += 1
    return sums, counts


def _interval(
    pairs: Sequence[PairMean], sums: Floats, counts: Floats, span: tuple[float, float], seed: int, resamples: int
) -> tuple[float | None, float | None, str]:
    clusters = len(sums)
    if clusters < LEAST_CLUSTERS:
        return None, None, NONE
    if len({pair.value for pair in pairs}) == 1:
        value, differing = pairs[0].value, 1 - _TAIL ** (1 / clusters)
        return value - differing * (value - span[0]), value + differing * (span[1] - value), EXACT

    def statistic(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nanmean((weights @ sums) / (weights @ counts), axis=1))

    return *bootstrap_interval(statistic, clusters, seed, resamples), BOOTSTRAP


def bootstrap_interval(statistic: Any, clusters: int, seed: int, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The 95 % interval of ``statistic`` over resampled clusters.

    Args:
        statistic: from weights (resamples, clusters), how often each cluster was drawn, to values (resamples,);
            a NaN (undefined in that resample) is left out.
        clusters: how many there are.
        seed: of the generator.
        resamples: how many.
    """
    rng = np.random.default_rng(seed)
    values = []
    for start in range(0, resamples, 500):
        size = min(500, resamples - start)
        drawn = rng.integers(clusters, size=(size, clusters)) + clusters * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * clusters).reshape(size, clusters)
        values.append(statistic(weights.astype(np.float64)))
    tail = expanded_tail(clusters)
    low, high = np.nanquantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(clusters: int) -> float:
    """The percentile that makes a bootstrap interval as wide as Student's t asks for with ``clusters`` clusters."""
    return NormalDist().cdf(-sqrt(clusters / (clusters - 1)) * student_t(clusters - 1))


def student_t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5; within 0.0005 from 9 degrees on)."""
    z = NormalDist().inv_cdf(1 - _TAIL)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(freedom**power) for power, term in enumerate(terms, 1))
