"""Is a model as often right as it says? Expected calibration error and its bins.

Equal-width bins (lo, hi]; ECE = sum_b |B_b| / n * |share of events in b - mean probability in b|
(Naeini 2015; Guo 2017, eq. 3). The plug-in estimate is too high for a well calibrated model: noise
never cancels in an absolute value, so read it beside its interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, compact, numbers, same_length, whole
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import NotEnough

__all__ = ["CalibrationBins", "calibration_bins", "expected_calibration_error"]


@dataclass(frozen=True, slots=True)
class CalibrationBins:
    """The bins that hold anything: edges, size, mean probability and share of events.  # (B,)"""

    low: Floats
    high: Floats
    size: Ints
    probability: Floats
    share: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: the mean gap, weighted by size."""
        return float((self._weight * np.abs(self.share - self.probability)).sum())

    @property
    def root_mean_square(self) -> float:
        """The root of the weighted mean squared gap."""
        return float(np.sqrt((self._weight * (self.share - self.probability) ** 2).sum()))

    @property
    def largest(self) -> float:
        """The largest gap of any bin."""
        return float(np.abs(self.share - self.probability).max())

    @property
    def _weight(self) -> Floats:
        return np.asarray(self.size / self.size.sum(), dtype=np.float64)


def calibration_bins(
    probability: ArrayLike, outcome: ArrayLike, bins: int = 10
) -> CalibrationBins | NotEnough:
    """Probabilities (N,) in 0..1 of events that happened (1) or not (0), in equal-width bins."""
    given, happened = _checked(probability, outcome, bins)
    if len(given) == 0:
        return NotEnough("no probabilities")
    bin_of = _bin(given, bins)
    size = np.bincount(bin_of, minlength=bins)
    held = np.flatnonzero(size)
    return CalibrationBins(
        held / bins,
        (held + 1) / bins,
        size[held],
        np.bincount(bin_of, given, bins)[held] / size[held],
        np.bincount(bin_of, happened, bins)[held] / size[held],
    )


def expected_calibration_error(
    probability: ArrayLike,
    outcome: ArrayLike,
    rng: np.random.Generator,
    *,
    clusters: ArrayLike | None = None,
    bins: int = 10,
    replicates: int = 1000,
) -> Estimate:
    """ECE with a 95 % bootstrap interval over clusters (rows, where none are given); n counts them.

    A resample adds its own noise to the gaps, so the percentiles are shifted down by the
    bootstrap's estimate of that bias. One cluster alone has the whole scale as its interval.
    Raises BadInput for no rows, probabilities outside 0..1, or outcomes other than 0 and 1.
    """
    given, happened = _checked(probability, outcome, bins)
    if len(given) == 0:
        raise BadInput("no probabilities: leave calibration out where there are none")
    unit = np.arange(len(given)) if clusters is None else whole("clusters", clusters)
    same_length(probability=given, clusters=unit)
    codes, unit = compact(unit)
    groups = random_groups(len(codes), rng)
    n_groups = int(groups.max()) + 1
    cells = groups[unit] * bins + _bin(given, bins)
    gaps = np.bincount(cells, happened - given, n_groups * bins).reshape(n_groups, bins)
    sizes = np.bincount(groups[unit], minlength=n_groups).astype(np.float64)
    error = float(np.abs(gaps.sum(0)).sum() / len(given))
    found = bootstrap(
        lambda drawn: np.abs(drawn @ gaps).sum(1) / (drawn @ sizes),
        n_groups,
        rng,
        replicates=replicates,
        width=bins,
    )
    if isinstance(found, NotEnough):
        return Estimate(error, 0.0, 1.0, len(codes))
    low, high = percentiles(found - (found.mean() - error))
    return Estimate(error, max(0.0, min(low, error)), min(1.0, max(high, error)), len(codes))


def _bin(probability: Floats, bins: int) -> Ints:
    """Bin b holds (b/bins, (b+1)/bins]; 0 belongs to the first."""
    edges = np.arange(1, bins) / bins
    return np.searchsorted(edges, probability, side="left").astype(np.int64)


def _checked(probability: ArrayLike, outcome: ArrayLike, bins: int) -> tuple[Floats, Floats]:
    given, happened = numbers("probability", probability), numbers("outcome", outcome)
    same_length(probability=given, outcome=happened)
    if bins < 1:
        raise BadInput(f"{bins} bins: give at least 1")
    if len(given) and (given.min() < 0 or given.max() > 1):
        raise BadInput("probabilities must lie between 0 and 1")
    if not np.isin(happened, (0, 1)).all():
        raise BadInput("outcomes must be 1 (it happened) or 0 (it did not)")
    return given, happened
