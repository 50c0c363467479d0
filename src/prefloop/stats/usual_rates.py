"""What an annotator's error rate usually is, and on topics of which they think otherwise.

Learned from first judgments, drawn to what people here are like: Beta priors, averaged by how well
they explain everybody. A topic may be an exception: with a probability of one in ten an annotator
has a rate there that says nothing of the others, as somebody has who holds another view than most
on it. So who thinks otherwise on one topic is not expected to err more on all, and judging more of
that topic is no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from prefloop.stats.columns import Floats, Ints

__all__ = ["NOISE", "RATES", "Usual", "usual_rates"]

NOISE = np.arange(0, 25) / 50  # noise of checks told apart; more is no check
RATES = np.arange(1, 100) / 100  # error rates told apart
_OWN = 50  # of these, up to a half, that an annotator may have in general
_EXCEPTION = 0.1  # how probably a topic is one


@dataclass(frozen=True, slots=True)
class Usual:
    """Posterior of one annotator's rates, in general and on each of T topics."""

    general: Floats  # (rates up to a half,)
    exception: Floats  # (T, rates up to a half) probability that the topic is one, given the rate
    there: Floats  # (T, rates) of the rate if it is

    @property
    def mean(self) -> float:
        """The rate in general."""
        return float(self.general @ RATES[:_OWN])

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 95 % of the rate in general."""
        ends = np.searchsorted(np.cumsum(self.general), [0.025, 0.975]).clip(max=_OWN - 1)
        return float(RATES[ends[0]]), float(RATES[ends[1]])

    @property
    def by_topic(self) -> Floats:
        """The mean rate on each topic.  # (T,)"""
        alike = ((1 - self.exception) * RATES[:_OWN]) @ self.general
        return np.asarray(alike + (self.exception @ self.general) * (self.there @ RATES))

    def draw(self, rng: np.random.Generator, worlds: int) -> Floats:
        """Rates on each topic, drawn from what is known.  # (worlds, T)"""
        at = rng.choice(_OWN, size=worlds, p=self.general)
        rates = np.tile(RATES[at][:, None], len(self.exception))
        for topic, (chance, there) in enumerate(zip(self.exception, self.there, strict=True)):
            if not chance.any():
                continue
            apart = rng.random(worlds) < chance[at]
            rates[apart, topic] = rng.choice(RATES, size=int(apart.sum()), p=there)
        return np.asarray(rates)


def usual_rates(counts: Sequence[Ints]) -> list[Usual]:
    """Everybody's rates, from how often each topic's checks of each noise had no event and one.

    counts: per annotator (T, noises, 2). With a single topic there is no exception.
    """
    likely = [_likelihoods(one) for one in counts]
    general = np.array([_general(one) for one in likely]).reshape(len(likely), _OWN)
    return [
        _usual(one, posterior) for one, posterior in zip(likely, _posteriors(general), strict=True)
    ]


def _likelihoods(counts: Ints) -> Floats:
    """Log likelihood of each rate on each topic.  # (T, rates)"""
    chance = RATES[:, None] * (1 - 2 * NOISE) + NOISE  # (rates, noises)
    return np.asarray(counts[:, :, 1] @ np.log(chance).T + counts[:, :, 0] @ np.log(1 - chance).T)


def _general(likely: Floats) -> Floats:
    """Log likelihood of each general rate, over topics that may be exceptions.  # (rates)"""
    if len(likely) == 1:
        return likely[0, :_OWN]
    alike, apart = _either(likely)
    return np.asarray(np.logaddexp(alike, apart).sum(0))


def _either(likely: Floats) -> tuple[Floats, Floats]:
    """Log joint likelihood of being no exception (T, rates up to ½), and of being one (T, 1)."""
    most = likely.max(1, keepdims=True)
    anything = np.log(np.exp(likely - most).mean(1, keepdims=True)) + most
    return likely[:, :_OWN] + np.log(1 - _EXCEPTION), anything + np.log(_EXCEPTION)


def _usual(likely: Floats, general: Floats) -> Usual:
    there = np.exp(likely - likely.max(1, keepdims=True))
    there /= there.sum(1, keepdims=True)
    if len(likely) == 1:
        return Usual(general, np.zeros((1, _OWN)), there)
    alike, apart = _either(likely)
    return Usual(general, np.exp(apart - np.logaddexp(alike, apart)), there)


def _posteriors(likely: Floats) -> Floats:
    """Posterior over general rates of every annotator, under the average of Beta priors on 0 to ½
    weighed by the evidence of the whole crowd.  # (A, rates up to ½)"""
    if not len(likely):
        return likely
    priors = np.array(
        [
            stats.beta.pdf(2 * RATES[:_OWN] - 0.01, mean * size, (1 - mean) * size)
            for mean in np.arange(0.1, 1.0, 0.1)
            for size in (2, 3, 4, 6, 8, 12, 16, 24)
        ]
    )
    priors /= priors.sum(1, keepdims=True)
    share = np.exp(likely - likely.max(1, keepdims=True))  # (A, rates)
    evidence = np.log(share @ priors.T + 1e-300).sum(0)
    weight = np.exp(evidence - evidence.max())
    found = share * (weight @ priors)
    return np.asarray(found / found.sum(1, keepdims=True))
