"""The bootstrap, over whatever is the unit: items, prompts, annotators.

A statistic is a function of how often each unit was drawn, so that many replicates are one matrix
product: it takes counts (R, units) and gives (R,) values, NaN where a replicate has no value. Units
that are alike are drawn together: how often each kind comes up is multinomial, exactly.
"""

from collections.abc import Callable, Iterator

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, Ints
from prefloop.stats.result import NotEnough

__all__ = ["Statistic", "bootstrap", "draws", "percentiles", "random_groups"]

Statistic = Callable[[Floats], Floats]

_CELLS = 4_000_000  # numbers held at a time: 32 MB
_DEFINED = 0.9  # share of replicates that must have a value


def bootstrap(
    statistic: Statistic,
    units: int,
    rng: np.random.Generator,
    *,
    replicates: int = 1000,
    width: int = 1,
    of_each: Ints | None = None,
) -> Floats | NotEnough:
    """Replicates of `statistic` over `units` drawn with replacement, sorted.  # (<= replicates,)

    `width` is how many numbers the statistic holds per replicate, so that memory stays bounded.
    With `of_each` (units,) a unit is a kind, of which there are so many. Fewer than two units, or
    a statistic without value in more than a tenth of the replicates, is NotEnough.
    """
    total = units if of_each is None else int(of_each.sum())
    if total < 2:
        return NotEnough(f"{total} unit to resample: an interval needs at least 2")
    drawn = draws(units, rng, replicates=replicates, width=width, of_each=of_each)
    values = np.concatenate([statistic(counts) for counts in drawn])
    values = np.sort(values[np.isfinite(values)])
    if len(values) < _DEFINED * replicates:
        return NotEnough("too few resamples have a value: the data hardly vary, or are too few")
    return values


def draws(
    units: int,
    rng: np.random.Generator,
    *,
    replicates: int = 1000,
    width: int = 1,
    of_each: Ints | None = None,
) -> Iterator[Floats]:
    """How often each unit was drawn, some replicates at a time.  # (R, units) each"""
    if replicates < 1:
        raise BadInput(f"{replicates} replicates: give at least 1")
    step = max(1, _CELLS // max(units, width))
    for first in range(0, replicates, step):
        rows = min(step, replicates - first)
        if of_each is None:
            drawn = rng.integers(0, units, size=(rows, units)) + units * np.arange(rows)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        else:
            total = int(of_each.sum())
            counts = rng.multinomial(total, of_each / total, size=rows)
        yield counts.astype(np.float64)


def percentiles(values: Floats) -> tuple[float, float]:
    """The middle 95 % of sorted replicates."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def random_groups(units: int, rng: np.random.Generator, at_most: int = 2000) -> Ints:
    """A group code per unit; groups are random and of equal size, give or take one.  # (units,)

    For a statistic of sums, resampling 2,000 random groups of independent units gives the spread
    of resampling the units (Wolter 2007, random groups) to about 1/sqrt(2 * 2000) = 1.6 %, which
    is within the Monte Carlo error of 1,000 replicates, at a cost that no longer grows with them.
    """
    if units <= 2 * at_most:
        return np.arange(units)
    return rng.permutation(units) % at_most
