"""What each annotator's verdicts follow: what others say, the side, the length, the list.

For every annotator at once a linear probability model

    verdict = skill * truth + side * first + length * longer + list * bullets + answer + error

with verdicts in 1, 0, -1. The truth is unknown; its place takes r = E[truth | what the others
said], never one's own word. Since r is a posterior mean, truth - r is uncorrelated with r, and the
slope on r estimates the slope on the truth without attenuation (Berkson 1950). With one-coin
annotators (Dawid and Skene 1979, symmetric errors) skill = 2 * accuracy - 1. Truth and skills are
found in turns.
"""

from dataclasses import dataclass

import numpy as np

from prefloop.stats.columns import Floats
from prefloop.stats.detection.judged import Judged

__all__ = ["FOLLOWED", "Traits", "traits"]

FOLLOWED = ("truth", "first", "longer", "bullets", "answer")
_TURNS = 12
_MOST = 3.0  # log-odds of the surest witness: accuracy .95, so that no one decides alone
_PRIOR = 1.0  # imaginary judgments that follow nothing, so that every model can be solved


@dataclass(frozen=True, slots=True)
class Traits:
    """The model of every annotator. Columns are `FOLLOWED`."""

    slopes: Floats  # (A, 5)
    variances: Floats  # (A, 5) of the slopes
    weight: Floats  # (A, 5) sum of squares of each predictor: on how much a slope rests
    truth: Floats  # (N,) E[truth | all others], -1 to 1; 0 where nobody else judged
    whole: Floats  # (items,) E[truth | everybody]
    expected: Floats  # (N,) what the model expects, by everything but the truth
    shared: Floats  # (A,) judgments on items that somebody else judged too


def traits(data: Judged) -> Traits:
    """Fit the model of every annotator.  # slopes and variances (A, 5)"""
    design = _design(data)
    alone = np.diff(data.rows.starts)[data.rows.items] < 2
    skill = np.full(data.people, 0.6)
    for _ in range(_TURNS):
        own, whole = _truth(data, skill)
        own[alone] = 0.0
        design[0] = own
        slopes, _, _ = _regress(data, design)
        settled = float(np.abs(slopes[:, 0] - skill).max(initial=0)) < 1e-3
        skill = slopes[:, 0]
        if settled:
            break
    slopes, variances, weight = _regress(data, design)
    who = data.rows.annotators
    expected = sum(slopes[who, k] * design[k] for k in range(1, len(design)))
    shared = np.bincount(who, ~alone, minlength=data.people)
    return Traits(
        slopes, variances, weight, design[0], whole, np.asarray(expected), shared.astype(float)
    )


def _design(data: Judged) -> list[Floats]:
    n = len(data.verdicts)
    given = (data.first, data.longer, data.bullets)
    return [np.zeros(n), *(np.zeros(n) if x is None else x for x in given), np.ones(n)]


def _truth(data: Judged, skill: Floats) -> tuple[Floats, Floats]:
    """E[truth] per judgment without its own word (N,), and per item (items,)."""
    witness = np.clip(2 * np.arctanh(np.clip(skill, 0.0, 0.995)), 0.0, _MOST)
    said = witness[data.rows.annotators] * data.verdicts
    total = np.bincount(data.rows.items, said, minlength=len(data.rows.item_codes))
    common = np.clip(np.tanh(total / 2).mean() if len(total) else 0.0, -0.98, 0.98)
    prior = 2 * np.arctanh(common)  # log-odds that the answer is a, before anybody speaks
    return np.tanh((total[data.rows.items] - said + prior) / 2), np.tanh((total + prior) / 2)


def _regress(data: Judged, design: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """Least squares per annotator, by sums over their judgments alone."""
    who, people, k = data.rows.annotators, data.people, len(design)
    gram = np.zeros((people, k, k))
    for i in range(k):
        for j in range(i, k):
            gram[:, i, j] = np.bincount(who, design[i] * design[j], minlength=people)
            gram[:, j, i] = gram[:, i, j]
    cross = np.stack(
        [np.bincount(who, column * data.verdicts, minlength=people) for column in design], axis=1
    )
    weight = np.diagonal(gram, axis1=1, axis2=2).copy()
    inverse = np.linalg.inv(gram + _PRIOR * np.eye(k))
    slopes = np.einsum("aij,aj->ai", inverse, cross)
    square = np.bincount(who, data.verdicts**2, minlength=people)
    left = square - 2 * (slopes * cross).sum(1) + np.einsum("ai,aij,aj->a", slopes, gram, slopes)
    n = data.per_person
    # One imaginary judgment of full surprise, so that a perfect fit is no certainty.
    noise = (left + 1.0) / np.maximum(n - k + 1.0, 1.0)
    return slopes, noise[:, None] * np.diagonal(inverse, axis1=1, axis2=2), weight
