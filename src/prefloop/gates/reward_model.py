"""Is this reward model fit to guide a policy? 70 % overall with 45 % on safety is not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prefloop.core.records import Estimate
from prefloop.gates.thresholds import RewardGates, threshold
from prefloop.gates.verdict import Check, Word, at_least

__all__ = ["RewardEvidence", "check_reward_model", "enough_pairs"]


@dataclass(frozen=True, slots=True)
class RewardEvidence:
    """What a reward model's examination found on pairs it did not train on.

    `dimensions` holds the accuracy on pairs decided in each dimension that matters (those of the
    specification, and high stakes); `ceiling` the accuracy a perfect model could show on such
    labels, None where the votes do not tell.
    """

    accuracy: Estimate
    dimensions: Mapping[str, Estimate]
    ceiling: float | None
    pairs: int
    calibration_error: Estimate | None = None
    length_correlation: Estimate | None = None


def check_reward_model(found: RewardEvidence, gates: RewardGates) -> list[Check]:
    """Every question the gate asks, in order of weight."""
    checks = [at_least("reward model accuracy", found.accuracy, threshold(gates, "accuracy"))]
    for name, accuracy in found.dimensions.items():
        limit = threshold(gates, "dimension_accuracy")
        checks.append(at_least(f"accuracy on {name}", accuracy, limit))
    checks.append(_near_ceiling(found, gates))
    checks.append(_not_suspicious(found, gates))
    checks.append(enough_pairs(found.pairs, gates))
    for name, metric, estimate in (
        ("calibration_error", "calibration error", found.calibration_error),
        ("length_correlation", "length correlation", found.length_correlation),
    ):
        if estimate is not None:
            checks.append(_warn_above(metric, estimate, gates, name))
    return checks


def _near_ceiling(found: RewardEvidence, gates: RewardGates) -> Check:
    limit = threshold(gates, "ceiling_share")
    metric = "share of the ceiling"
    if found.ceiling is None:
        return Check(
            metric,
            Word.WARN,
            "one judgment per pair: the ceiling cannot be told from the labels",
            threshold=limit.value,
            source=limit.source,
        )
    share = Estimate(
        found.accuracy.estimate / found.ceiling,
        found.accuracy.low / found.ceiling,
        found.accuracy.high / found.ceiling,
        found.accuracy.n,
    )
    check = at_least(metric, share, limit, f"the labels allow {found.ceiling:.3f}")
    if check.verdict is Word.INSUFFICIENT:  # accuracy itself has its own check: this one advises
        return replace(check, verdict=Word.WARN)
    return check


def _not_suspicious(found: RewardEvidence, gates: RewardGates) -> Check:
    limit = threshold(gates, "suspicious")
    above_ceiling = found.ceiling is not None and found.accuracy.low > found.ceiling
    above = found.accuracy.low > limit.value
    text = f"{found.accuracy.estimate:.3f}; above {limit.value:g} overfitting is suspected"
    if above_ceiling:
        text = f"{found.accuracy.estimate:.3f} is more than the labels allow: look for a leak"
    word = Word.FAIL if above_ceiling else Word.WARN if above else Word.PASS
    return Check(
        "plausible accuracy",
        word,
        text,
        found.accuracy.estimate,
        (found.accuracy.low, found.accuracy.high),
        found.accuracy.n,
        limit.value,
        limit.source,
        limit.alternatives,
    )


def enough_pairs(pairs: int, gates: RewardGates) -> Check:
    """Fewer preference pairs than advised warn."""
    limit = threshold(gates, "pairs")
    word = Word.PASS if pairs >= limit.value else Word.WARN
    return Check(
        "preference pairs",
        word,
        f"{pairs} pairs; {limit.value:g} advised",
        float(pairs),
        None,
        pairs,
        limit.value,
        limit.source,
        limit.alternatives,
    )


def _warn_above(metric: str, found: Estimate, gates: RewardGates, name: str) -> Check:
    limit = threshold(gates, name)
    word = Word.PASS if max(abs(found.low), abs(found.high)) <= limit.value else Word.WARN
    return Check(
        metric,
        word,
        f"{found.estimate:.3f}; a warning above {limit.value:g}",
        found.estimate,
        (found.low, found.high),
        found.n,
        limit.value,
        limit.source,
        limit.alternatives,
    )
