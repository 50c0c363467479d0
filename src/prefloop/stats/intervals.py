"""Intervals and tests for rates and means.

Departure: the interval of a clustered mean is no plain sandwich interval. That one has zero width
when every value is equal, so ten right out of ten would read as certainty. Here z^2/2 imaginary
clusters sit at each end of the scale, which for one 0/1 value per cluster is exactly Agresti and
Coull's interval, and never collapses.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, compact, numbers, same_length, whole
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import NotEnough

__all__ = [
    "ChiSquare",
    "McNemar",
    "Z",
    "ZTest",
    "bootstrap_mean",
    "cluster_mean",
    "difference",
    "equal_proportions",
    "mcnemar",
    "newcombe_difference",
    "order_balanced_win_rate",
    "student_mean",
    "two_proportion_z",
    "wilson",
    "win_rate",
]

Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class McNemar:
    """Did two classifiers of the same items differ? Every p-value is two-sided."""

    chi2: float
    p: float
    chi2_corrected: float
    p_corrected: float
    p_exact: float
    p_mid: float
    discordant: int


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square statistic, its degrees of freedom and p-value."""

    chi2: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class ZTest:
    """A z statistic and its two-sided p-value."""

    z: float
    p: float


def wilson(successes: int, n: int) -> Estimate | NotEnough:
    """A share with its 95 % score interval (Wilson 1927)."""
    _counts(successes, n)
    if n == 0:
        return NotEnough("no trials")
    share = successes / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n * n))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return Estimate(share, low, high, n)


def newcombe_difference(
    successes_1: int, n_1: int, successes_2: int, n_2: int
) -> Estimate | NotEnough:
    """share 1 - share 2 of independent samples (Newcombe 1998, Stat Med 17:873, method 10).

    `n` of the result counts both samples.
    """
    one, two = wilson(successes_1, n_1), wilson(successes_2, n_2)
    if isinstance(one, NotEnough) or isinstance(two, NotEnough):
        return NotEnough("no trials in one of the two samples")
    return difference(one, two)


def difference(one: Estimate, two: Estimate) -> Estimate:
    """one - two, of independent samples, from their intervals (Zou and Donner 2008, Stat Med
    27:1693): Newcombe's method 10 where those are Wilson's. `n` counts both samples."""
    gap = one.estimate - two.estimate
    below = math.hypot(one.estimate - one.low, two.high - two.estimate)
    above = math.hypot(one.high - one.estimate, two.estimate - two.low)
    return Estimate(gap, gap - below, gap + above, one.n + two.n)


def two_proportion_z(successes_1: int, n_1: int, successes_2: int, n_2: int) -> ZTest | NotEnough:
    """Are two independent shares equal? Pooled variance under equality; two-sided."""
    _counts(successes_1, n_1)
    _counts(successes_2, n_2)
    if n_1 == 0 or n_2 == 0:
        return NotEnough("no trials in one of the two samples")
    pooled = (successes_1 + successes_2) / (n_1 + n_2)
    if pooled in (0.0, 1.0):
        return NotEnough("every trial of both samples ended alike: the pooled variance is zero")
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n_1 + 1 / n_2))
    z = (successes_1 / n_1 - successes_2 / n_2) / spread
    return ZTest(z, float(2 * stats.norm.sf(abs(z))))


def mcnemar(only_first: int, only_second: int) -> McNemar | NotEnough:
    """McNemar 1947 on the discordant counts: right by the first alone, by the second alone.

    With the continuity correction (Edwards 1948), the exact binomial test and its mid-p.
    """
    _counts(only_first, only_first + only_second)
    n = only_first + only_second
    if n == 0:
        return NotEnough("the two never differ")
    gap = abs(only_first - only_second)
    chi2, corrected = gap**2 / n, max(gap - 1, 0) ** 2 / n
    fewer = min(only_first, only_second)
    exact = min(1.0, 2 * float(stats.binom.cdf(fewer, n, 0.5)))
    mid = 2 * (float(stats.binom.cdf(fewer, n, 0.5)) - 0.5 * float(stats.binom.pmf(fewer, n, 0.5)))
    return McNemar(
        chi2,
        float(stats.chi2.sf(chi2, 1)),
        corrected,
        float(stats.chi2.sf(corrected, 1)),
        exact,
        min(1.0, mid),
        n,
    )


def equal_proportions(successes: ArrayLike, n: ArrayLike) -> ChiSquare | NotEnough:
    """Are K independent shares equal? Pearson's chi-square with K - 1 degrees of freedom."""
    won, trials = whole("successes", successes), whole("n", n)
    same_length(successes=won, n=trials)
    for one, of in zip(won.tolist(), trials.tolist(), strict=True):
        _counts(one, of)
    if len(trials) < 2 or (trials == 0).any():
        return NotEnough("fewer than two samples, or no trials in one of them")
    pooled = float(won.sum() / trials.sum())
    if pooled in (0.0, 1.0):
        return NotEnough("every trial of all samples ended alike: the pooled variance is zero")
    gaps = (won - trials * pooled) ** 2 / (trials * pooled * (1 - pooled))
    chi2, df = float(gaps.sum()), len(trials) - 1
    return ChiSquare(chi2, df, float(stats.chi2.sf(chi2, df)))


def cluster_mean(
    values: ArrayLike, clusters: ArrayLike, bounds: tuple[float, float] = (0.0, 1.0)
) -> Estimate:
    """The mean of values (N,) with a 95 % interval whose unit is the cluster; n counts clusters.

    `bounds` are the ends of the scale the values live on: (-1, 1) for differences of shares.
    Raises BadInput for no values, or one outside the bounds.
    """
    scores, codes = _scores(values, clusters, bounds)
    if len(scores) == 0:
        raise BadInput("no values to average: leave the measure out where there are none")
    sums, sizes = _per_cluster(scores, codes)
    n, estimate = len(sums), float(scores.mean())
    added, size = Z**2 / 2, len(scores) / len(sums)  # imaginary clusters at each end, of mean size
    ends = np.array(bounds)
    total = len(scores) + 2 * added * size
    middle = (scores.sum() + added * size * ends.sum()) / total
    # Linearised variance of a ratio of cluster sums (Cochran 1977, eq. 6.13), imaginary included.
    squares = float(((sums - middle * sizes) ** 2).sum())
    squares += added * size**2 * float(((ends - middle) ** 2).sum())
    half = float(stats.t.ppf(0.975, n + 2 * added - 1)) * math.sqrt(squares) / total
    low, high = max(bounds[0], middle - half), min(bounds[1], middle + half)
    return Estimate(estimate, float(min(low, estimate)), float(max(high, estimate)), n)


def student_mean(values: ArrayLike) -> Estimate:
    """The mean of independent values (N,) of any scale, with Student's 95 % interval.

    For nats and utilities, which have no ends; shares are for `cluster_mean`. Raises BadInput for
    fewer than two values, or one that is not a number.
    """
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all():
        raise BadInput(f"a mean needs two or more finite values, not an array of {found.shape}")
    middle = float(found.mean())
    half = float(stats.t.ppf(0.975, len(found) - 1) * stats.sem(found))
    return Estimate(middle, middle - half, middle + half, len(found))


def bootstrap_mean(
    values: ArrayLike,
    clusters: ArrayLike,
    rng: np.random.Generator,
    replicates: int = 1000,
) -> Estimate | NotEnough:
    """The mean of values (N,) on any scale, with the 95 % percentile interval of the cluster
    bootstrap; n counts clusters. Blind to what was never seen: for rates use `cluster_mean`."""
    scores, codes = _scores(values, clusters, (-math.inf, math.inf))
    if len(scores) == 0:
        return NotEnough("no values")
    sums, sizes = _per_cluster(scores, codes)
    groups = random_groups(len(sums), rng)
    sums, sizes = _sum(groups, sums), _sum(groups, sizes)
    found = bootstrap(
        lambda drawn: (drawn @ sums) / (drawn @ sizes), len(sums), rng, replicates=replicates
    )
    if isinstance(found, NotEnough):
        return found
    return Estimate(float(scores.mean()), *percentiles(found), n=len(groups))


def win_rate(verdicts: ArrayLike, clusters: ArrayLike) -> Estimate | NotEnough:
    """How often a wins (verdicts 1, -1, 0 for a tie, which counts half); n counts clusters."""
    codes = whole("verdicts", verdicts)
    if not np.isin(codes, (-1, 0, 1)).all():
        raise BadInput("verdicts must be 1 (a), -1 (b) or 0 (tie)")
    if len(codes) == 0:
        return NotEnough("no verdicts")
    return cluster_mean((codes + 1) / 2, clusters)


def order_balanced_win_rate(
    verdicts: ArrayLike, a_first: ArrayLike, clusters: ArrayLike
) -> Estimate | NotEnough:
    """The win rate of a, averaged over both orders of showing: what a place is worth cancels,
    however unevenly the orders were used. `a_first` (N,) is 1 where a was shown first, else 0.

    Linearised (each verdict weighs N / (2 N of its order)), then as `cluster_mean`; n counts
    clusters. An order that never occurred is NotEnough.
    """
    codes, first = whole("verdicts", verdicts), whole("a_first", a_first)
    unit = whole("clusters", clusters)
    same_length(verdicts=codes, a_first=first, clusters=unit)
    if not np.isin(codes, (-1, 0, 1)).all() or not np.isin(first, (0, 1)).all():
        raise BadInput("verdicts must be 1 (a), -1 (b) or 0 (tie), a_first 1 or 0")
    shown = np.bincount(first, minlength=2)
    if shown.min() == 0:
        return NotEnough("only one order was shown: a win rate cannot be told from the place")
    won = (codes + 1) / 2
    rates = np.bincount(first, won, 2) / shown
    middle = float(rates.mean())
    moved = middle + (won - rates[first]) * (len(won) / (2 * shown[first]))
    bounds = min(0.0, float(moved.min())), max(1.0, float(moved.max()))
    found = cluster_mean(moved, unit, bounds)
    return Estimate(middle, max(0.0, found.low), min(1.0, found.high), found.n)


def _scores(
    values: ArrayLike, clusters: ArrayLike, bounds: tuple[float, float]
) -> tuple[Floats, Ints]:
    scores, given = numbers("values", values), whole("clusters", clusters)
    same_length(values=scores, clusters=given)
    outside = np.flatnonzero((scores < bounds[0]) | (scores > bounds[1]))
    if outside.size:
        raise BadInput(
            f"value {scores[outside[0]]:g} at row {outside[0]} lies outside "
            f"{bounds[0]:g} to {bounds[1]:g}: pass the bounds of the scale"
        )
    return scores, compact(given)[1]


def _per_cluster(scores: Floats, codes: Ints) -> tuple[Floats, Floats]:
    return _sum(codes, scores), _sum(codes, np.ones(len(codes)))


def _sum(codes: Ints, values: Floats) -> Floats:
    return np.bincount(codes, values).astype(np.float64)


def _counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise BadInput(f"{successes} of {n} is not a count of successes: give 0 <= successes <= n")
