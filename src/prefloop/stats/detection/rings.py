"""Who gives the same answers as somebody else, more than both being right explains.

Two honest people agree because both follow the truth, like long answers, or take the first. What
is left over, summed over everything both judged, should be noise. For a binary truth t with
t^2 = 1, and f what the model of `traits` expects of each besides the truth,

    E[v_j v_k] = s_j s_k + (s_j f_k + s_k f_j) E[t] + f_j f_k

so that sums over shared items are products of sparse matrices: never judgments by pairs.
"""

import math

import numpy as np
from scipy import sparse, stats

from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection.judged import Detected, Judged
from prefloop.stats.detection.traits import Traits
from prefloop.stats.result import NotEnough

__all__ = ["needed_overlap", "ring"]

_ALPHA = 0.05


def needed_overlap(skill: float, people: int) -> int:
    """Items two people of this skill (2 * accuracy - 1) must share before copying can show at all.

    The fewest m at which agreeing every single time has a probability below .05 over all pairs of
    the crowd: ((1 + skill^2) / 2)^m <= .05 / pairs.
    """
    pairs = max(people * (people - 1) / 2, 1.0)
    chance = (1 + min(skill**2, 0.98)) / 2
    return math.ceil(math.log(_ALPHA / pairs) / math.log(chance))


def ring(data: Judged, found: Traits) -> Detected | NotEnough:
    """Who agrees with somebody beyond explanation; `effect` is how often they agree with the one
    they agree with most (by p-value), less what the model expects.

    Each pair's p-value is binomial; the pairs of the crowd are centered and scaled by their own
    median and quartiles, since difficult items make honest people alike too. A person's p-value is
    Simes' over the pairs they are in (Simes 1986). Too little overlap is NotEnough, with what is
    needed.
    """
    skill = np.clip(found.slopes[:, 0], 0.0, 0.97)
    typical = float(np.median(skill)) if data.people else 0.0
    first, second, shared, agreed, expected = _pairs(data, found)
    needed = needed_overlap(typical, data.people)
    seen = shared >= needed_overlap(0.0, data.people)
    if not seen.any():
        most = int(shared.max(initial=0))
        return NotEnough(
            f"no two annotators share more than {most} comparisons: copying can show from {needed} "
            "on; let everybody judge a common block of so many"
        )
    first, second, shared = first[seen], second[seen], shared[seen]
    agreed, expected = agreed[seen], expected[seen]
    z = _z(shared, agreed, expected)
    p = stats.norm.sf(z)
    return _by_person(data, first, second, shared, (agreed / shared - expected), p, needed)


def _pairs(data: Judged, found: Traits) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Every pair of annotators: what they share, how often they agree, and are expected to."""
    rows = data.rows
    r = found.whole[rows.items]
    skill = found.slopes[rows.annotators, 0]
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


def _z(shared: Ints, agreed: Floats, expected: Floats) -> Floats:
    """Mid-p binomial z of each pair, by the crowd's own median and spread."""
    k = np.rint(agreed)
    tail = stats.binom.sf(k, shared, expected) + 0.5 * stats.binom.pmf(k, shared, expected)
    z = np.asarray(stats.norm.isf(np.clip(tail, 1e-300, 1 - 1e-16)))
    quarter, middle, three = np.quantile(z, [0.25, 0.5, 0.75])
    scale = max(1.0, float(three - quarter) / 1.349)  # quartiles of a normal lie 1.349 apart
    return np.asarray((z - middle) / scale)


def _by_person(
    data: Judged, first: Ints, second: Ints, shared: Ints, excess: Floats, p: Floats, needed: int
) -> Detected:
    person = np.concatenate([first, second])
    other = np.concatenate([second, first])
    both_p, both_m = np.tile(p, 2), np.tile(shared, 2)
    order = np.lexsort((both_p, person))
    person, other = person[order], other[order]
    both_p, both_m, both_excess = both_p[order], both_m[order], np.tile(excess, 2)[order]
    held, begins, pairs = np.unique(person, return_index=True, return_counts=True)
    rank = np.arange(len(person)) - np.repeat(begins, pairs) + 1
    simes = np.minimum.reduceat(both_p * np.repeat(pairs, pairs) / rank, begins)
    codes = data.rows.annotator_codes
    sure = both_p < _ALPHA / len(p)
    partners = {
        int(codes[a]): tuple(int(codes[b]) for b in sorted(other[(person == a) & sure]))
        for a in np.unique(person[sure])
    }
    why = NotEnough(f"shares too few comparisons with anybody: copying can show from {needed} on")
    missing = {int(codes[a]): why for a in np.setdiff1d(np.arange(data.people), held)}
    return Detected(
        "ring",
        codes[held],
        both_excess[begins],
        np.minimum(simes, 1.0),
        both_m[begins],
        float(np.median(excess)),
        float(np.quantile(excess, 0.75) - np.quantile(excess, 0.25)) / 1.349,
        missing,
        partners,
    )
