"""A reward model examined on pairs it did not train on.

Accuracy with an interval clustered by prompt: overall, and by dimension, topic, source and
stakes; calibration of the probability it implies; how far length alone explains it, measured on
pairs whose lengths hardly differ; what "the longer one wins" and a bag of words reach on the
same pairs; and the ceiling that the labels allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Pair
from prefloop.stats.calibration import expected_calibration_error
from prefloop.stats.intervals import cluster_mean

__all__ = ["RewardReport", "examine", "prompt_codes"]

_SIMILAR_LENGTH = 0.1  # pairs whose lengths differ by at most this share: length decoupled


@dataclass(frozen=True, slots=True)
class RewardReport:
    """The examination. Accuracies count an exact tie of scores as half."""

    accuracy: Estimate
    by_dimension: Mapping[str, Estimate]
    by_topic: Mapping[str, Estimate]
    by_source: Mapping[str, Estimate]
    high_stakes: Estimate | None
    calibration_error: Estimate
    length_correlation: Estimate
    similar_length: Estimate | None
    longer_wins: Estimate
    ceiling: float | None
    pairs: int


def prompt_codes(pairs: Sequence[Pair]) -> np.ndarray:
    """A code per pair, equal for equal prompts: the clusters of every interval here.  # (N,)"""
    codes: dict[object, int] = {}
    return np.array([codes.setdefault(pair.prompt.messages, len(codes)) for pair in pairs])


def examine(
    pairs: Sequence[Pair], margins: np.ndarray, ceiling: float | None, seed: int = 0
) -> RewardReport:
    """Examine score(chosen) - score(rejected) of each pair.

    `margins` (N,) are finite; raises BadInput otherwise or when there are no pairs.
    """
    if len(pairs) == 0 or len(pairs) != len(margins):
        raise BadInput(f"{len(pairs)} pairs and {len(margins)} margins: nothing to examine")
    if not np.isfinite(margins).all():
        raise BadInput("the reward model gave scores that are not numbers: it cannot be examined")
    clusters = prompt_codes(pairs)
    right = _right(margins)
    lengths = np.array([_words(p.chosen) - _words(p.rejected) for p in pairs], dtype=float)
    similar = np.array([_similar(p) for p in pairs])

    def among(mask: np.ndarray) -> Estimate | None:
        return cluster_mean(right[mask], clusters[mask]) if mask.any() else None

    def by(values: Sequence[str]) -> dict[str, Estimate]:
        names = np.array(values)
        found = {name: among(names == name) for name in sorted(set(values)) if name}
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    return RewardReport(
        accuracy=cluster_mean(right, clusters),
        by_dimension=_by_dimension(pairs, right, clusters),
        by_topic=by([pair.prompt.topic for pair in pairs]),
        by_source=by([pair.prompt.source.value for pair in pairs]),
        high_stakes=among(np.array([pair.prompt.high_stakes for pair in pairs])),
        calibration_error=_calibration(margins, clusters, seed),
        length_correlation=_correlation(margins, lengths, clusters),
        similar_length=among(similar),
        longer_wins=cluster_mean(_right(lengths), clusters),
        ceiling=ceiling,
        pairs=len(pairs),
    )


def _by_dimension(
    pairs: Sequence[Pair], right: np.ndarray, clusters: np.ndarray
) -> dict[str, Estimate]:
    """Accuracy on the pairs in which the chosen completion also won in that dimension."""
    names = sorted({name for pair in pairs for name in pair.dimensions})
    found = {}
    for name in names:
        mask = np.array([pair.dimensions.get(name, 0) > 0 for pair in pairs])
        if mask.any():
            found[name] = cluster_mean(right[mask], clusters[mask])
    return found


def _right(margins: np.ndarray) -> np.ndarray:
    return np.where(margins > 0, 1.0, np.where(margins < 0, 0.0, 0.5))


def _calibration(margins: np.ndarray, clusters: np.ndarray, seed: int) -> Estimate:
    """ECE of P(chosen wins) = sigmoid(margin); each pair is shown both ways round, so that the
    answer is not always yes."""
    probability = 1 / (1 + np.exp(-np.clip(margins, -50, 50)))
    both = np.concatenate([probability, 1 - probability])
    outcome = np.concatenate([np.ones(len(margins)), np.zeros(len(margins))])
    return expected_calibration_error(
        both, outcome, rng(seed, "calibration"), clusters=np.concatenate([clusters, clusters])
    )


def _correlation(margins: np.ndarray, lengths: np.ndarray, clusters: np.ndarray) -> Estimate:
    """Correlation of score and length differences, every pair taken both ways round (which makes
    both means zero); 0 where all lengths or all scores are equal."""
    scale = np.sqrt((margins**2).sum() * (lengths**2).sum())
    prompts = len(set(clusters.tolist()))
    if scale == 0 or prompts < 4:
        return Estimate(0.0, -1.0, 1.0, len(margins))
    r = float((margins * lengths).sum() / scale)
    # Fisher 1921: atanh(r) is about normal with variance 1/(n - 3); n counts prompts, not pairs.
    spread = 1.959964 / np.sqrt(prompts - 3)
    low, high = np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)) + np.array([-spread, spread]))
    return Estimate(r, float(low), float(high), len(margins))


def _words(text: str) -> int:
    return len(text.split())


def _similar(pair: Pair) -> bool:
    a, b = _words(pair.chosen), _words(pair.rejected)
    return abs(a - b) <= _SIMILAR_LENGTH * max(a, b)
