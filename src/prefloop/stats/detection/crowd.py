"""What people of this crowd are like, learned from the crowd although some of them are not.

Honest people differ: in skill, in speed, in how much they like a long answer. So a person is not
compared with a fixed number but with other people: each one's estimate is drawn from a normal
distribution of persons, plus the noise of their own judgments (random effects), and the p-value
asks how odd one more such person would be. The distribution is fitted to the part of the crowd in
which nobody is odd: a normal cut off where the odd ones begin, by maximum likelihood (an empirical
null after Efron 2004, JASA 99:96, with the cut found from the data and noise that differs by
person). Of skill more is known: whoever flips a coin lies at chance, so there the fit is a mixture
of people and coins, which wastes nobody.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

from prefloop.stats.columns import Floats
from prefloop.stats.result import NotEnough

__all__ = ["LEAST_PEOPLE", "People", "Tail", "likeness", "people", "people_and_coins"]

LEAST_PEOPLE = 10  # fewer cannot say what people are like
_CUT = 2.5  # standard deviations beyond which nobody takes part in the fit
_ROUNDS = 12
Tail = Literal["low", "high", "both"]


@dataclass(frozen=True, slots=True)
class People:
    """The distribution of persons: normal, with `spread` beside each one's own noise."""

    usual: float
    spread: float
    kept: int  # how many the fit rests on


def people(
    estimates: Floats, variances: Floats, tail: Tail, at_first: float = 0.25
) -> People | NotEnough:
    """Fit the distribution to estimates (A,) with noise variances (A,).

    `tail` says on which side the odd ones lie, `at_first` which share of the crowd, there, is left
    out of the first fit; after that the cut follows the fit until it stands still.
    """
    if len(estimates) < LEAST_PEOPLE:
        return _too_few(len(estimates))
    low, high = _first_cut(estimates, tail, at_first)
    found = People(0.0, 0.0, 0)
    for _ in range(_ROUNDS):
        kept = (estimates >= low) & (estimates <= high)
        fitted = _fit(estimates[kept], variances[kept], low, high)
        settled = abs(fitted.usual - found.usual) + abs(fitted.spread - found.spread) < 1e-4
        found = fitted
        if settled:
            break
        reach = _CUT * float(np.sqrt(found.spread**2 + np.median(variances[kept])))
        low = found.usual - reach if tail != "high" else -np.inf
        high = found.usual + reach if tail != "low" else np.inf
    return found


def people_and_coins(log_odds: Floats, variances: Floats) -> People | NotEnough:
    """Fit a normal of persons beside a share of coins, who have skill 0 and noise alone.

    log_odds (A,) of being right, with noise variances (A,).
    """
    if len(log_odds) < LEAST_PEOPLE:
        return _too_few(len(log_odds))
    floor = 0.1 * float(np.sqrt(np.median(variances)))
    start = float(np.quantile(log_odds, 0.6))
    coin = stats.norm.pdf(log_odds, 0, np.sqrt(variances))

    def minus_log_likelihood(at: Floats) -> float:
        mean, spread, share = at[0], np.exp(at[1]), 1 / (1 + np.exp(-at[2]))
        person = stats.norm.pdf(log_odds, mean, np.sqrt(spread**2 + variances))
        seen = np.log((1 - share) * person + share * coin + 1e-300).sum()
        return float(-seen - np.log(share * (1 - share)))  # one imaginary person, one coin

    best = optimize.minimize(
        minus_log_likelihood,
        np.array([start, np.log(0.3), -3.0]),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4},
    )
    share = 1 / (1 + np.exp(-best.x[2]))
    kept = max(round(len(log_odds) * (1 - share)), 3)
    return People(float(best.x[0]), max(float(np.exp(best.x[1])), floor), kept)


def likeness(estimates: Floats, variances: Floats, crowd: People, tail: Tail) -> Floats:
    """p-values (A,) of "one more person of this crowd", on that side or on both.

    Student's t, since the spread of persons was itself estimated from `crowd.kept` of them.
    """
    z = (estimates - crowd.usual) / np.sqrt(crowd.spread**2 + variances)
    freedom = max(crowd.kept - 2, 1)
    if tail == "low":
        return np.asarray(stats.t.cdf(z, freedom))
    if tail == "high":
        return np.asarray(stats.t.sf(z, freedom))
    return np.asarray(2 * stats.t.sf(np.abs(z), freedom))


def _too_few(count: int) -> NotEnough:
    return NotEnough(
        f"{count} annotators have enough judgments to be compared: what people are like takes at "
        f"least {LEAST_PEOPLE}"
    )


def _first_cut(estimates: Floats, tail: Tail, share: float) -> tuple[float, float]:
    low = float(np.quantile(estimates, share if tail == "low" else share / 2))
    high = float(np.quantile(estimates, 1 - (share if tail == "high" else share / 2)))
    return (low if tail != "high" else -np.inf, high if tail != "low" else np.inf)


def _fit(estimates: Floats, variances: Floats, low: float, high: float) -> People:
    """Maximum likelihood of a normal of persons, seen only between `low` and `high`."""
    middle = float(np.median(estimates))
    # At least a fraction of the noise, so that no crowd is taken to be of one mind exactly.
    floor = 0.1 * float(np.sqrt(np.median(variances)))
    scale = max(float(np.std(estimates)), floor, 1e-6)

    def minus_log_likelihood(at: Floats) -> float:
        mean, spread = at[0], np.exp(at[1])
        # Twice the spread seen is as far as a cut-off half can be stretched.
        if abs(mean - middle) > 4 * scale or spread > 3 * scale:
            return np.inf
        width = np.sqrt(spread**2 + variances)
        inside = stats.norm.cdf((high - mean) / width) - stats.norm.cdf((low - mean) / width)
        density = stats.norm.logpdf(estimates, mean, width)
        return float(-(density - np.log(np.maximum(inside, 1e-12))).sum())

    best = optimize.minimize(
        minus_log_likelihood,
        np.array([middle, np.log(scale)]),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4},
    )
    return People(float(best.x[0]), max(float(np.exp(best.x[1])), floor), len(estimates))
