"""Means, shares and correlations over completions, with an error whose unit is the prompt."""

from dataclasses import dataclass

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.columns import Floats
from prefloop.stats.intervals import bootstrap_mean, cluster_mean
from prefloop.stats.resampling import bootstrap, percentiles, random_groups

__all__ = ["Measured", "correlation", "fisher", "mean", "share"]

_ALMOST_ONE = 0.999999  # where atanh is still a number


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean with its interval, the standard deviation of one completion, and the standard error
    with the prompt as unit. Of a correlation the latter two are on Fisher's scale."""

    estimate: Estimate
    spread: float
    error: float


def mean(values: np.ndarray, clusters: np.ndarray, stream: np.random.Generator) -> Measured:
    """The mean of values (N,) on any scale, with the cluster bootstrap's interval.

    Raises BadInput for fewer than two clusters.
    """
    found = bootstrap_mean(values, clusters, stream)
    if isinstance(found, NotEnough):
        raise BadInput(f"no signature of so few completions: {found.reason}")
    return Measured(found, float(values.std(ddof=1)), _error(values, clusters))


def share(flags: np.ndarray, clusters: np.ndarray) -> Measured | None:
    """The share of flags (N,) that are set; None for fewer than two clusters."""
    if len(set(clusters.tolist())) < 2:
        return None
    values = flags.astype(float)
    return Measured(
        cluster_mean(values, clusters), float(values.std(ddof=1)), _error(values, clusters)
    )


def _error(values: np.ndarray, clusters: np.ndarray) -> float:
    """Standard error of the mean, linearised over clusters (Cochran 1977, eq. 6.13)."""
    left = np.bincount(clusters, values - values.mean())
    groups = len(set(clusters.tolist()))
    return float(np.sqrt(groups / (groups - 1) * (left**2).sum()) / len(values))


def correlation(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, stream: np.random.Generator
) -> Measured | None:
    """Pearson's r of x and y (N,), with the cluster bootstrap; None where it has no value."""
    if not (np.ptp(x) > 0 and np.ptp(y) > 0):
        return None
    a, b = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    products = np.stack([np.ones(len(a)), a, b, a * b, a * a, b * b], axis=1)
    units = int(clusters.max()) + 1
    groups = random_groups(units, stream)
    sums = np.zeros((int(groups.max()) + 1, 6))
    np.add.at(sums, groups[clusters], products)

    def r(drawn: Floats) -> Floats:  # (R, groups) -> (R,)
        n, sa, sb, ab, aa, bb = (drawn @ sums).T
        with np.errstate(invalid="ignore", divide="ignore"):  # a replicate may not vary
            found: Floats = (n * ab - sa * sb) / np.sqrt((n * aa - sa**2) * (n * bb - sb**2))
        return found

    found = bootstrap(r, len(sums), stream, width=6)
    if isinstance(found, NotEnough):
        return None
    low, high = np.clip(percentiles(found), -1, 1)
    error = float(fisher(found).std())
    return Measured(Estimate(float((a * b).mean()), float(low), float(high), units), 1.0, error)


def fisher(r: Floats | float) -> Floats:
    """Correlations on the scale where their error hardly depends on them (Fisher 1921)."""
    found: Floats = np.arctanh(np.clip(r, -_ALMOST_ONE, _ALMOST_ONE))
    return found
