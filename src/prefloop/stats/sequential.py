"""Tests that may be looked at as often as one likes: two arms, and the split between them.

A fixed-sample p-value read after every judgment is wrong far more often than it says (57 % instead
of 5 % over 2,000 looks). Here the p-value is valid at every look, and so is the interval: the
chance that it *ever* leaves out the truth is at most alpha.

The test of two arms is the mixture sequential probability ratio test (Robbins 1970; Johari,
Koomen, Pekelis and Walsh 2022, eq. 9) on a difference of means whose variance V is plugged in:

    log Lambda = (log V - log(V + tau^2)) / 2 + tau^2 d^2 / (2 V (V + tau^2))

With n pairs and V = sigma^2 / n it is their formula. Departure: V is estimated, so the promise is
asymptotic, and it is the rarer outcome that has to be many: nothing is decided before `least`
observations in each arm, of which for rates 10 are events and 10 are none, and for means 20 differ
from the commonest value. For rates V takes (events + 1/2) / (n + 1). The test of the split is exact
at any size.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, numbers, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = ["AlwaysValid", "SampleRatio", "log_mixture_ratio", "sample_ratio", "two_arms"]

LEAST = 50  # observations in each arm before the first look that counts
_EVENTS = 10  # of them events, and as many none
_UNLIKE = 20  # of them unlike the commonest value


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """Arm 1 less arm 0 at every look, in order of arrival.  # (T,) each

    `p` never rises and `low`, `high` never widen: what was once excluded stays excluded. An empty
    interval (low above high) says that the data contradict the model, as when a rate drifts.
    """

    n: Ints  # observations of both arms at each look
    difference: Floats
    low: Floats
    high: Floats
    p: Floats
    alpha: float
    decided_at: int | None  # observations when p first reached alpha

    @property
    def now(self) -> Estimate:
        """The last look; `low` and `high` hold at level 1 - alpha whenever one stops."""
        last = float(self.low[-1]), float(self.high[-1])
        return Estimate(float(self.difference[-1]), *last, n=int(self.n[-1]))


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether traffic was split as intended, at every look.  # p (T,)"""

    counts: Ints  # (arms,) at the end
    intended: Floats  # (arms,) shares
    p: Floats
    alpha: float
    mismatch_at: int | None  # observations when p first reached alpha


def log_mixture_ratio(difference: ArrayLike, variance: ArrayLike, tau2: float) -> Floats:
    """log Lambda against a difference of 0, of estimates (T,) with variances (T,)."""
    d, v = numbers("difference", difference), numbers("variance", variance)
    same_length(difference=d, variance=v)
    if not tau2 > 0 or (v <= 0).any():
        raise BadInput("the variance of the mixture, and of every estimate, must be positive")
    total = v + tau2
    return np.asarray((np.log(v) - np.log(total)) / 2 + tau2 * d**2 / (2 * v * total))


def two_arms(
    arms: ArrayLike,
    values: ArrayLike,
    *,
    effect: float,
    kind: Literal["rate", "mean"] = "rate",
    alpha: float = 0.05,
    least: int = LEAST,
) -> AlwaysValid | NotEnough:
    """Compare arm 1 with arm 0; arms and values (N,) stand in order of arrival.

    `effect` is the size of difference one hopes to find (tau, the mixture's standard deviation):
    it decides how soon a difference is found, never how often a false one is. `kind` "rate" takes
    values 0 and 1, "mean" any finite numbers. Fewer than `least` in an arm, under 10 events or 10
    without, or a mean of which under 20 values differ from the commonest, is NotEnough.

    Of 20,000 observations looked at one by one, equal arms are told apart in 0 to 4 % of cases for
    rates of .02 to .95 with up to 95 % in one arm, and for means (normal, exponential, log-normal,
    zero but for a few) in 0 to 5 % with equal arms, up to 6 % at 95 to 5; a larger `least` helps.
    """
    arm, value = whole("arms", arms), numbers("values", values)
    same_length(arms=arm, values=value)
    if not np.isin(arm, (0, 1)).all():
        raise BadInput("arms must be 0 or 1")
    if kind == "rate" and not np.isin(value, (0, 1)).all():
        raise BadInput("a rate needs values 0 and 1: use kind='mean' for anything else")
    _settings(alpha, effect, least)
    counts = np.stack([np.cumsum(arm == side) for side in (0, 1)])  # (2, N)
    if len(arm) == 0 or counts[:, -1].min() < least:
        seen = counts[:, -1].tolist() if len(arm) else [0, 0]
        return NotEnough(f"{seen[0]} and {seen[1]} observations: a look needs {least} in each arm")
    middle = _middle(arm, value, least, kind)
    looks = np.flatnonzero((counts.min(0) >= least) & _telling(arm, value, counts, middle, kind))
    if len(looks) == 0:
        asked = (
            f"{_EVENTS} events and {_EVENTS} without"
            if kind == "rate"
            else f"{_UNLIKE} values unlike the commonest"
        )
        return NotEnough(f"the values of an arm hardly vary: a look needs {asked} in each arm")
    means, spread = _moments(arm, value, counts, looks, kind, middle)
    variance = (spread / counts[:, looks]).sum(0)
    if (variance <= 0).any():
        return NotEnough("the values of an arm do not vary: there is no variance to go by")
    return _decided(counts[:, looks].sum(0), means[1] - means[0], variance, effect**2, alpha)


def sample_ratio(
    arms: ArrayLike, intended: ArrayLike, *, alpha: float = 0.05, weight: float = 1000.0
) -> SampleRatio | NotEnough:
    """Did units (N,), in order of arrival, go to arms 0..K-1 in the intended shares (K,)?

    Lindon and Malek 2022 (Anytime-valid inference for multinomial count data, eq. 4): a Dirichlet
    mixture around the intended shares, worth `weight` observations; large values look for small
    deviations. Exact: a correct split is ever accused with probability at most alpha.
    """
    arm, share = whole("arms", arms), numbers("intended", intended)
    if len(share) < 2 or (share <= 0).any() or not math.isclose(share.sum(), 1, abs_tol=1e-9):
        raise BadInput("intended shares must be positive, at least two, and sum to 1")
    if len(arm) and (arm.min() < 0 or arm.max() >= len(share)):
        raise BadInput(f"an arm lies outside 0..{len(share) - 1}: give every arm its share")
    _settings(alpha, weight, 1)
    if len(arm) == 0:
        return NotEnough("nobody was assigned yet")
    prior = weight * share
    total = np.arange(1, len(arm) + 1)
    log_ratio = special.gammaln(weight) - special.gammaln(weight + total)
    for k in range(len(share)):
        count = np.cumsum(arm == k)
        log_ratio += special.gammaln(prior[k] + count) - special.gammaln(prior[k])
        log_ratio -= count * math.log(share[k])
    p = _running_p(log_ratio)
    counts = np.bincount(arm, minlength=len(share)).astype(np.int64)
    return SampleRatio(counts, share, p, alpha, _first(total, p <= alpha))


def _middle(arm: Ints, value: Floats, least: int, kind: str) -> Floats:
    """What each arm's values are held against: 0 for rates; for means the commonest of the first,
    as nobody knows the later ones. A value itself, so that equal ones leave exactly 0.  # (2,)"""
    if kind == "rate":
        return np.zeros(2)
    middle = []
    for side in (0, 1):
        found, times = np.unique(value[arm == side][:least], return_counts=True)
        middle.append(found[times.argmax()])
    return np.array(middle)


def _telling(arm: Ints, value: Floats, counts: Ints, middle: Floats, kind: str) -> np.ndarray:
    """Whether both arms have enough values of the rarer sort, at every look.  # (N,)"""
    other = np.stack([np.cumsum((arm == side) & (value != middle[side])) for side in (0, 1)])
    if kind == "rate":
        return np.asarray(np.minimum(other, counts - other).min(0) >= _EVENTS)
    return np.asarray(other.min(0) >= _UNLIKE)


def _moments(
    arm: Ints, value: Floats, counts: Ints, looks: Ints, kind: str, middle: Floats
) -> tuple[Floats, Floats]:
    """Means and variances of both arms at every look.  # (2, T) each"""
    n = counts[:, looks]
    # Centering first, or the variance of large numbers drowns in rounding.
    own = np.stack([np.where(arm == side, value - middle[side], 0.0) for side in (0, 1)])
    gaps = np.cumsum(own, axis=1)[:, looks] / n
    means = gaps + middle[:, None]
    if kind == "rate":
        share = (means * n + 0.5) / (n + 1)
        return means, share * (1 - share)
    squares = np.cumsum(own**2, axis=1)[:, looks]
    return means, np.maximum(squares - n * gaps**2, 0.0) / np.maximum(n - 1, 1)


def _decided(n: Ints, d: Floats, variance: Floats, tau2: float, alpha: float) -> AlwaysValid:
    p = _running_p(log_mixture_ratio(d, variance, tau2))
    total = variance + tau2
    # Every difference theta with Lambda(theta) < 1 / alpha: the test turned round.
    room = math.log(1 / alpha) + (np.log(total) - np.log(variance)) / 2
    half = np.sqrt(2 * variance * total / tau2 * room)
    low, high = np.maximum.accumulate(d - half), np.minimum.accumulate(d + half)
    return AlwaysValid(n, d, low, high, p, alpha, _first(n, p <= alpha))


def _running_p(log_ratio: Floats) -> Floats:
    """p_n = min(p_{n-1}, 1 / Lambda_n), from 1."""
    return np.asarray(np.exp(-np.maximum(np.maximum.accumulate(log_ratio), 0.0)))


def _first(n: Ints, reached: np.ndarray) -> int | None:
    return int(n[np.argmax(reached)]) if reached.any() else None


def _settings(alpha: float, size: float, least: int) -> None:
    if not 0 < alpha < 1:
        raise BadInput(f"alpha {alpha}: give a probability between 0 and 1")
    if not (size > 0 and math.isfinite(size)):
        raise BadInput(f"{size}: the effect, or the weight of the mixture, must be positive")
    if least < 1:
        raise BadInput(f"least {least}: at least one observation in each arm")
