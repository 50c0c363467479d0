"""Who gives the same answers as somebody else, more than being of one mind explains.

Two honest people agree because both follow the truth, like long answers, or take the first. What
is left over, summed over everything both judged, should be noise. For a binary truth t with
t^2 = 1, and f what the model of `traits` expects of each besides the truth,

    E[v_j v_k] = s_j s_k + (s_j f_k + s_k f_j) E[t] + f_j f_k

so that sums over shared items are products of sparse matrices: never judgments by pairs. Skills s
are those on the item's topic, where topics are known.

More agreement than that is no copying yet: a minority with a view of its own agrees on what it is
about. But people err, each in their own way, so two of one mind agree no more often than two able
people do about the truth. Whoever copies does: an alarm takes agreement most of the way from there
to always. What lies between is said to be a shared view or copying, and accuses nobody.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection.judged import LEAST, Alike, Detected, Judged
from prefloop.stats.detection.traits import Traits
from prefloop.stats.result import NotEnough

__all__ = ["Pairs", "needed_overlap", "pairs", "ring", "with_somebody"]

_ALPHA = 0.05
_ABLE = 0.9  # quantile of skill that two people of one mind are taken to have at least
_COPIED = 0.6  # of the way from two such people to always the same answer
_SURE = 0.001  # a coin may not agree with somebody so surely


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two people who share enough.  # (P,) each; first < second"""

    first: Ints
    second: Ints
    shared: Ints
    agreed: Floats  # share of the shared items
    one_mind: Floats  # share that two able people of one mind would agree on
    p: Floats  # of agreeing so often, given skill, side, length and lists
    able: float  # skill of an able person of this crowd
    needed: int  # items two people must share before copying can show


def needed_overlap(skill: float, people: int) -> int:
    """Items two people of this skill (2 * accuracy - 1) must share before copying can show at all.

    The fewest m at which agreeing every single time has a probability below .05 over all pairs of
    the crowd: ((1 + skill^2) / 2)^m <= .05 / pairs.
    """
    pairs = max(people * (people - 1) / 2, 1.0)
    chance = (1 + min(skill**2, 0.98)) / 2
    return math.ceil(math.log(_ALPHA / pairs) / math.log(chance))


def pairs(data: Judged, found: Traits) -> Pairs | NotEnough:
    """Every two people with enough overlap; NotEnough, with what is needed, where there are none.

    p-values are binomial, with the pairs of the crowd centered and scaled by their own median and
    quartiles, since difficult items make honest people alike too.
    """
    skill = np.clip(found.slopes[:, 0], 0.0, 0.97)
    needed = needed_overlap(float(np.median(skill)) if data.people else 0.0, data.people)
    first, second, shared, agreed, expected = _together(data, found)
    seen = shared >= needed_overlap(0.0, data.people)
    if not seen.any():
        most = int(shared.max(initial=0))
        return NotEnough(
            f"no two annotators share more than {most} comparisons: copying can show from {needed} "
            "on; let everybody judge a common block of so many"
        )
    first, second, shared = first[seen], second[seen], shared[seen]
    p = stats.norm.sf(_z(shared, agreed[seen], expected[seen]))
    reliable, able = _reliable(data, found)
    one_mind = (1 + reliable[first] * reliable[second]) / 2
    return Pairs(first, second, shared, agreed[seen] / shared, one_mind, p, able, needed)


def ring(data: Judged, held: Pairs | NotEnough) -> Detected | NotEnough:
    """Who gives nearly the same answers as somebody; `effect` is how often they agree with the one
    they agree with most (by p-value), `usual` how often two able people of one mind would.

    A person's p-value is Simes' over the pairs they are in (Simes 1986). Who agrees with others
    more than skill explains, and less than copying would make them, is told in `alike`.
    """
    if isinstance(held, NotEnough):
        return held
    copied = held.agreed - held.one_mind >= _COPIED * (1 - held.one_mind)
    strict, loose = np.where(copied, held.p, 1.0), held.p
    person, p, closest = _people(held, strict)
    seen = _people(held, loose)[1] < _ALPHA / len(person)
    accused = p < _ALPHA
    codes = data.rows.annotator_codes
    why = NotEnough(
        f"shares too few comparisons with anybody: copying can show from {held.needed} on"
    )
    return Detected(
        "ring",
        codes[person],
        held.agreed[closest],
        p,
        held.shared[closest],
        (1 + held.able**2) / 2,
        float(np.quantile(held.agreed, 0.75) - np.quantile(held.agreed, 0.25)) / 1.349,
        {int(codes[a]): why for a in np.setdiff1d(np.arange(data.people), person)},
        {int(codes[a]): _alike(codes, held, strict, a).partners for a in person[accused]},
        {int(codes[a]): _alike(codes, held, loose, a) for a in person[seen & ~accused]},
    )


def with_somebody(held: Pairs | NotEnough, people: int) -> np.ndarray:
    """Who agrees with anybody more surely than a coin can, whatever the others say.  # (A,)"""
    if isinstance(held, NotEnough):
        return np.zeros(people, dtype=bool)
    lowest = np.ones(people)
    for side in (held.first, held.second):
        np.minimum.at(lowest, side, held.p)
    count = np.bincount(np.concatenate([held.first, held.second]), minlength=people)
    return np.asarray(lowest * count < _SURE)


def _together(data: Judged, found: Traits) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Every pair of annotators: what they share, how often they agree, and are expected to."""
    rows = data.rows
    r = found.whole[rows.items]
    skill = np.clip(found.skills, -0.97, 0.97)
    decided = np.abs(data.verdicts)  # a tie agrees with nobody and disagrees with nobody

    def together(values: Floats) -> sparse.csr_array:
        shape = len(rows.item_codes), data.people
        held = sparse.csr_array((values, (rows.items, rows.annotators)), shape=shape)
        return sparse.triu(held.T @ held, 1).tocsr()

    shared = together(decided).tocoo()
    first, second = shared.row.astype(np.int64), shared.col.astype(np.int64)

    def at(values: Floats) -> Floats:
        return np.asarray(together(values)[first, second]).ravel()

    product = at(data.verdicts)
    model = at(np.clip(skill * r + found.expected, -1, 1) * decided)
    hidden = at(skill * np.sqrt(np.maximum(1 - r**2, 0)) * decided)
    m = shared.data
    agreed = (m + product) / 2
    expected = np.clip((1 + (model + hidden) / m) / 2, 0.01, 0.99)
    return first, second, np.rint(m).astype(np.int64), agreed, expected


def _reliable(data: Judged, found: Traits) -> tuple[Floats, float]:
    """How closely each person follows their own view: their skill by topic whatever its sign, and
    no less than an able person's (A,); and that."""
    size = np.abs(np.clip(found.skills, -0.97, 0.97))
    n = data.per_person
    own = np.bincount(data.rows.annotators, size, minlength=data.people) / np.maximum(n, 1)
    enough = n >= LEAST
    able = float(np.quantile(own[enough] if enough.any() else own, _ABLE))
    return np.maximum(own, able), able


def _z(shared: Ints, agreed: Floats, expected: Floats) -> Floats:
    """Mid-p binomial z of each pair, by the crowd's own median and spread."""
    k = np.rint(agreed)
    tail = stats.binom.sf(k, shared, expected) + 0.5 * stats.binom.pmf(k, shared, expected)
    z = np.asarray(stats.norm.isf(np.clip(tail, 1e-300, 1 - 1e-16)))
    quarter, middle, three = np.quantile(z, [0.25, 0.5, 0.75])
    scale = max(1.0, float(three - quarter) / 1.349)  # quartiles of a normal lie 1.349 apart
    return np.asarray((z - middle) / scale)


def _people(held: Pairs, p: Floats) -> tuple[Ints, Floats, Ints]:
    """Everybody in a pair, Simes' p-value of each, and the pair with their closest.  # (D,) each"""
    person = np.concatenate([held.first, held.second])
    both_p = np.tile(p, 2)
    order = np.lexsort((-np.tile(held.agreed, 2), both_p, person))
    person, both_p = person[order], both_p[order]
    found, begins, count = np.unique(person, return_index=True, return_counts=True)
    rank = np.arange(len(person)) - np.repeat(begins, count) + 1
    simes = np.minimum.reduceat(both_p * np.repeat(count, count) / rank, begins)
    return found, np.minimum(simes, 1.0), order[begins] % len(p)


def _alike(codes: Ints, held: Pairs, p: Floats, person: int) -> Alike:
    """With whom one person agrees for sure, the closest first."""
    own = np.flatnonzero((held.first == person) | (held.second == person))
    own = own[np.lexsort((-held.agreed[own], p[own]))]
    sure = own[: max(int((p[own] < _ALPHA / len(p)).sum()), 1)]
    others = held.first[sure] + held.second[sure] - person
    return Alike(
        tuple(codes[others].tolist()), float(held.agreed[own[0]]), int(held.shared[own[0]])
    )
