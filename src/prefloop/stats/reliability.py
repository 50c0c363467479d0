"""How sure are we that somebody is wrong too often?

The documents exclude annotators beyond 25-30 % disagreement. On 20 anchors the raw rate of a truly
85 % accurate annotator exceeds 25 % in 7 % of cases, so the rule here is on the posterior
probability that the rate itself is too high, and it may answer that more anchors are needed.
"""

from dataclasses import dataclass
from typing import Literal

from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate

__all__ = ["RatePosterior", "Standing", "anchor_rule", "rate_posterior"]

Standing = Literal["keep", "exclude", "more anchors"]


@dataclass(frozen=True, slots=True)
class RatePosterior:
    """Beta posterior of a rate: its mean with the central 95 % interval (n trials seen), and the
    probabilities that it lies above, and at or below, the threshold."""

    rate: Estimate
    raw: float | None  # events / trials as counted; None without trials
    threshold: float
    above: float
    below: float


def rate_posterior(
    events: int, trials: int, threshold: float, prior: tuple[float, float] = (1.0, 1.0)
) -> RatePosterior:
    """Posterior of a rate after `events` in `trials`; without trials it is the prior.

    The default prior is uniform: before the first anchor every rate is as likely as any other.
    """
    if not 0 <= events <= trials:
        raise BadInput(f"{events} of {trials} is not a count: give 0 <= events <= trials")
    if not 0 < threshold < 1:
        raise BadInput(f"threshold {threshold} is not a rate: give 0 < threshold < 1")
    if not min(prior) > 0:
        raise BadInput(f"prior {prior} is not a Beta distribution: both shapes must be positive")
    a, b = prior[0] + events, prior[1] + trials - events
    beta = stats.beta(a, b)
    mean = Estimate(a / (a + b), float(beta.ppf(0.025)), float(beta.ppf(0.975)), trials)
    raw = events / trials if trials else None
    return RatePosterior(
        mean, raw, threshold, float(beta.sf(threshold)), float(beta.cdf(threshold))
    )


def anchor_rule(
    disagreed: int, judged: int, max_disagreement: float = 0.25, certainty: float = 0.95
) -> Standing:
    """Exclude an annotator whose disagreement with the experts is too high with the given
    certainty, keep one for whom it is not; in between more anchors can tell."""
    if not 0.5 < certainty < 1:
        raise BadInput(f"certainty {certainty} decides nothing: give 0.5 < certainty < 1")
    found = rate_posterior(disagreed, judged, max_disagreement)
    if found.above >= certainty:
        return "exclude"
    return "keep" if found.below >= certainty else "more anchors"
