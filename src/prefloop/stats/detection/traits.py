"""What each annotator's verdicts follow: what others say, the side, the length, the list.

For every annotator at once a linear probability model

    verdict = skill * truth + side * first + length * longer + list * bullets + answer + error

with verdicts in 1, 0, -1. The truth is unknown; its place takes r = E[truth | what the others
said], never one's own word. Since r is a posterior mean, truth - r is uncorrelated with r, and the
slope on r estimates the slope on the truth without attenuation (Berkson 1950). With one-coin
annotators (Dawid and Skene 1979, symmetric errors) skill = 2 * accuracy - 1. Truth and skills are
found in turns.

Where topics are known, somebody may see one the other way round: who opposes the others there, and
follows them elsewhere, has a view of their own, not little skill. There the truth counts for them
with a minus sign, so that skill says how closely people follow their own view.
"""

from dataclasses import dataclass

import numpy as np

from prefloop.stats.columns import Floats, Ints, compact
from prefloop.stats.detection.judged import Judged

__all__ = ["FOLLOWED", "Traits", "traits"]

FOLLOWED = ("truth", "first", "longer", "bullets", "answer")
_TURNS = 12
_MOST = 3.0  # log-odds of the surest witness: accuracy .95, so that no one decides alone
_OWN = 10.0  # judgments that draw the skill on a topic to the person's own
_SURELY = 3.0  # standard errors from a coin, for a view of one's own
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
    skills: Floats  # (N,) the person's skill on the item's topic, below 0 for another view


def traits(data: Judged) -> Traits:
    """Fit the model of every annotator.  # slopes and variances (A, 5)"""
    design = _design(data)
    alone = np.diff(data.rows.starts)[data.rows.items] < 2
    topics = _topics(data)
    skill, view = np.full(data.people, 0.6), np.ones(len(data.verdicts))
    for _ in range(_TURNS):
        own, whole = _truth(data, skill, view)
        own[alone] = 0.0
        view = _views(data, own, topics)
        design[0] = own * view
        slopes, _, _ = _regress(data, design)
        settled = float(np.abs(slopes[:, 0] - skill).max(initial=0)) < 1e-3
        skill = slopes[:, 0]
        if settled:
            break
    slopes, variances, weight = _regress(data, design)
    who = data.rows.annotators
    expected = np.asarray(sum(slopes[who, k] * design[k] for k in range(1, len(design))))
    shared = np.bincount(who, ~alone, minlength=data.people).astype(float)
    skills = _by_topic(data, own, slopes[who, 0] * view, expected, topics)
    return Traits(slopes, variances, weight, own, whole, expected, shared, skills)


def _topics(data: Judged) -> tuple[Ints, int]:
    """One code for each annotator and topic (N,), and how many topics there are."""
    codes, topic = compact(np.zeros_like(data.rows.items) if data.topics is None else data.topics)
    return data.rows.annotators * len(codes) + topic, len(codes)


def _views(data: Judged, own: Floats, topics: tuple[Ints, int]) -> Floats:
    """-1 where a person surely opposes the others on the topic and follows them on another.  # (N,)

    Of somebody who tosses coins one topic in a thousand looks so.
    """
    cell, kinds = topics
    if kinds < 2:
        return np.ones(len(own))
    size = data.people * kinds
    followed = np.bincount(cell, own * data.verdicts, minlength=size).reshape(-1, kinds)
    weight = np.bincount(cell, own * own, minlength=size).reshape(-1, kinds)
    z = followed / np.sqrt(weight + _PRIOR)
    opposed = (z < -_SURELY) & (z > _SURELY).any(1, keepdims=True)
    return np.where(opposed.ravel()[cell], -1.0, 1.0)


def _by_topic(
    data: Judged, own: Floats, skill: Floats, beside: Floats, topics: tuple[Ints, int]
) -> Floats:
    """Skill by person and topic, drawn to the person's own by ten judgments, for every row.  # (N,)

    `skill` is the person's own, with the sign of their view on the topic.  # (N,)
    """
    cell, kinds = topics
    if kinds < 2:
        return skill
    size = data.people * kinds
    followed = np.bincount(cell, own * (data.verdicts - beside), minlength=size)[cell]
    weight = np.bincount(cell, own * own, minlength=size)[cell]
    return np.asarray((followed + _OWN * skill) / (weight + _OWN))


def _design(data: Judged) -> list[Floats]:
    n = len(data.verdicts)
    given = (data.first, data.longer, data.bullets)
    return [np.zeros(n), *(np.zeros(n) if x is None else x for x in given), np.ones(n)]


def _truth(data: Judged, skill: Floats, view: Floats) -> tuple[Floats, Floats]:
    """E[truth] per judgment without its own word (N,), and per item (items,)."""
    witness = np.clip(2 * np.arctanh(np.clip(skill, 0.0, 0.995)), 0.0, _MOST)
    said = witness[data.rows.annotators] * data.verdicts * view
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
