"""CUPED: what was known before an experiment explains part of the noise in it.

Deng, Xu, Kohavi and Walker 2013, eq. 5 and 6: y - theta (x - mean x), theta = cov(y, x) / var(x).
The difference between arms keeps its expectation as long as x was measured before anybody was
assigned: that is the caller's promise, and nothing in the numbers can check it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, compact, numbers, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = ["Cuped", "cuped"]


@dataclass(frozen=True, slots=True)
class Cuped:
    """Adjusted values, in the order given, and the share of variance within arms that is gone."""

    values: Floats  # (N,)
    theta: float
    variance_removed: float  # correlation squared, 0 to 1


def cuped(values: ArrayLike, before: ArrayLike, arms: ArrayLike) -> Cuped | NotEnough:
    """Adjust outcomes (N,) by what was measured before (N,), for units in arms (N,).

    theta is one for all arms and uses deviations within them, so that a true difference between
    arms is not mistaken for correlation. A covariate, or an outcome, that does not vary within
    arms, or fewer than three units beyond one per arm, is NotEnough.
    """
    y, x, arm = numbers("values", values), numbers("before", before), whole("arms", arms)
    same_length(values=y, before=x, arms=arm)
    if len(y) == 0:
        raise BadInput("no values to adjust")
    codes, arm = compact(arm)
    if len(y) - len(codes) < 3:
        return NotEnough(f"{len(y)} units in {len(codes)} arms: too few to fit a slope")
    size = np.bincount(arm)
    dy, dx = (v - (np.bincount(arm, v) / size)[arm] for v in (y, x))
    xx, yy, xy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if xx <= 1e-12 * float(x @ x) or yy <= 1e-12 * float(y @ y):
        return NotEnough("the covariate or the outcome does not vary within arms")
    theta = xy / xx
    return Cuped(y - theta * (x - x.mean()), theta, min(1.0, xy**2 / (xx * yy)))
