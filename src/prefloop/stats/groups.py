"""Do groups of annotators judge differently? Agreement within groups and between them.

The unit is the annotator: if the group did not matter, people could change places, so p-values come
from permuting people between the groups (Fisher 1935; for distances between units Anderson 2001,
Austral Ecology 26:32), which asks nothing of how skill is spread. What is permuted is a contrast
over its own error, since who shares items with whom may hang on the group; and because even then
the permutation can be too sure (12 % of alike groups at 5 %, where groups hardly share items), the
p-value is the larger of its own and Student's. Errors and intervals leave out one annotator at a
time (jackknife of a U-statistic, Arvesen 1969).

Two things are told apart. Groups stand *apart* when two people of one group agree more than two of
different groups do:  (within + rest) / 2 - across.  A group is *unlike* when its people agree among
themselves more or less than the others among themselves: within - rest. With right answers and
accuracies (1 + s) / 2 and (1 + t) / 2 the first is (s - t)^2 / 4, nearly nothing, and the second
(t^2 - s^2) / 2: a less practiced group is unlike, one with another taste stands apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, columns, whole
from prefloop.stats.pair_tables import pair_tables
from prefloop.stats.result import NotEnough

__all__ = ["Agreements", "Apart", "agreements", "apart", "divisions", "positions"]

_DEFINED = 0.9  # share of permutations that must have a value
_SURE = 1e-6  # the least error of a contrast
_CELLS = 1_000_000  # annotators times divisions held at a time


@dataclass(frozen=True, slots=True)
class Agreements:
    """How often every two annotators judged the same item, and how often they said the same."""

    annotators: Ints  # (A,) codes as they were given
    same: Floats  # (A, A) symmetric, nothing on the diagonal
    shared: Floats  # (A, A)


@dataclass(frozen=True, slots=True)
class Apart:
    """One group beside the rest: shares of agreeing pairs of judgments with 95 % intervals, n in
    annotators. `p_apart` is one-sided, `p_unlike` two-sided."""

    within: Estimate
    rest: Estimate
    across: Estimate
    apart: Estimate
    unlike: Estimate
    p_apart: float
    p_unlike: float


def agreements(items: ArrayLike, annotators: ArrayLike, labels: ArrayLike) -> Agreements:
    """Count long-format judgments (N,) pair by pair of annotators."""
    data = columns(items, annotators, labels)
    tables = pair_tables(data)
    people = len(data.annotator_codes)
    same, shared = np.zeros((people, people)), np.zeros((people, people))
    same[tables.first, tables.second] = tables.alike
    shared[tables.first, tables.second] = tables.shared
    return Agreements(data.annotator_codes, same + same.T, shared + shared.T)


def apart(
    found: Agreements,
    inside: ArrayLike,
    outside: ArrayLike,
    rng: np.random.Generator,
    permutations: int = 4999,
) -> Apart | NotEnough:
    """Hold the annotators `inside` a group against those `outside`; others take no part.

    Fewer than two people on a side, or no items shared within a side or across, is NotEnough.
    """
    group, same, shared = _sides(found, inside, outside)
    if min(group.sum(), (~group).sum()) < 2:
        return NotEnough("fewer than two people on one of the two sides judged anything")
    rates = _rates(group[None].astype(np.float64), same, shared)  # (3, 1)
    if not np.isfinite(rates).all():
        return NotEnough("people of one side, or of both, share no items")
    drawn = divisions(group, permutations, rng)
    worlds = _studentized(drawn, same, shared)  # (2, permutations)
    worlds = worlds[:, np.isfinite(worlds).all(0)]
    if worlds.shape[1] < _DEFINED * permutations:
        return NotEnough("too few items are shared: other divisions of these people have no value")
    seen = _studentized(group[None].astype(np.float64), same, shared)[:, 0]
    if not np.isfinite(seen).all():
        return NotEnough("all that is shared hangs on one person of a side")
    beyond = worlds[0] >= seen[0] - 1e-9, np.abs(worlds[1]) >= abs(seen[1]) - 1e-9
    p_apart, p_unlike = ((1 + one.sum()) / (1 + len(one)) for one in beyond)
    by_error = stats.t.sf(np.abs(seen), len(group) - 2) * (1, 2)
    p_apart = max(p_apart, by_error[0] if seen[0] > 0 else 1 - by_error[0])
    p_unlike = max(p_unlike, by_error[1])
    without = _without_each(group[None].astype(np.float64), same, shared)[:, 0]  # (3, A)
    several = np.concatenate([without, _contrasts(without)])
    value = np.concatenate([rates[:, 0], _contrasts(rates)[:, 0]])
    ends = (0.0, 0.0, 0.0, -1.0, -1.0)
    within, rest, across, gap, unlike = (
        _jackknife(v, one, group, low) for v, one, low in zip(value, several, ends, strict=True)
    )
    return Apart(within, rest, across, gap, unlike, float(p_apart), float(p_unlike))


def _sides(
    found: Agreements, inside: ArrayLike, outside: ArrayLike
) -> tuple[np.ndarray, Floats, Floats]:
    """Who of the two sides is inside, and their counts alone.  # (A',), (A', A'), (A', A')"""
    inner, outer = (positions(found.annotators, side) for side in (inside, outside))
    rows = np.concatenate([inner, outer])
    if len(np.unique(rows)) < len(rows):
        raise BadInput("somebody is on both sides: a person belongs to one")
    group = np.arange(len(rows)) < len(inner)
    some = found.shared[np.ix_(rows, rows)].sum(1) > 0
    rows, group = rows[some], group[some]
    at = np.ix_(rows, rows)
    return group, found.same[at], found.shared[at]


def positions(codes: Ints, side: ArrayLike) -> Ints:
    """Where these people stand among the annotators; who judged nothing is left out."""
    return np.flatnonzero(np.isin(codes, whole("people", side)))


def _rates(inside: Floats, same: Floats, shared: Floats) -> Floats:
    """Agreement within, within the rest and across, per division (R, A).  # (3, R)"""
    parts = []
    for counts in (same, shared):
        reached = inside @ counts  # (R, A)
        both = (reached * inside).sum(1) / 2
        across = (reached * (1 - inside)).sum(1)
        parts.append(np.stack([both, counts.sum() / 2 - both - across, across]))
    none = np.full(parts[0].shape, np.nan)
    return np.asarray(np.divide(parts[0], parts[1], out=none, where=parts[1] > 0.5))


def _contrasts(rates: Floats) -> Floats:
    """Apart and unlike.  # (2, R)"""
    within, rest, across = rates
    return np.stack([(within + rest) / 2 - across, within - rest])


def _without_each(inside: Floats, same: Floats, shared: Floats) -> Floats:
    """The three rates of each division (R, A) with each annotator left out.  # (3, R, A)"""
    outside = 1 - inside
    parts = []
    for counts in (same, shared):
        toward, away = inside @ counts, outside @ counts  # (R, A)
        both = (inside * toward).sum(1, keepdims=True) / 2
        rest = (outside * away).sum(1, keepdims=True) / 2
        across = (inside * away).sum(1, keepdims=True)
        parts.append(
            np.stack(
                [
                    both - inside * toward,
                    rest - outside * away,
                    across - inside * away - outside * toward,
                ]
            )
        )
    none = np.full(parts[0].shape, np.nan)
    return np.asarray(np.divide(parts[0], parts[1], out=none, where=parts[1] > 0.5))


def _studentized(inside: Floats, same: Floats, shared: Floats) -> Floats:
    """Both contrasts over their jackknife errors, per division (R, A).  # (2, R)

    Groups that work at different times share few items with each other, so that their own division
    is less sure than a random one: only errors in the same units compare them (Janssen 1997).
    """
    found = []
    for part in np.array_split(inside, max(1, inside.size // _CELLS + 1)):
        value = _contrasts(_rates(part, same, shared))  # (2, R')
        without = _contrasts(_without_each(part, same, shared))  # (2, R', A)
        n = np.isfinite(without).sum(2)
        total = np.where(np.isfinite(without), without, 0.0).sum(2)
        middle = total / np.maximum(n, 1)
        gaps = np.where(np.isfinite(without), without - middle[..., None], 0.0)
        error = np.sqrt((gaps**2).sum(2) * np.maximum(n - 1, 0) / np.maximum(n, 1))
        found.append(np.where(n > 2, value / np.maximum(error, _SURE), np.nan))
    return np.concatenate(found, axis=1)


def _jackknife(value: float, without: Floats, group: np.ndarray, low: float) -> Estimate:
    known = without[np.isfinite(without)]
    n = len(known)
    if n < 2:  # nobody can be left out
        return Estimate(float(value), low, 1.0, len(group))
    spread = np.sqrt((n - 1) / n * ((known - known.mean()) ** 2).sum())
    df = max(int(min(group.sum(), (~group).sum())) - 1, 1)  # the smaller side is what is uncertain
    half = float(stats.t.ppf(0.975, df) * spread)
    return Estimate(float(value), max(low, float(value - half)), min(1.0, float(value + half)), n)


def divisions(group: np.ndarray, times: int, rng: np.random.Generator) -> Floats:
    """Divisions of the same people into sides of the same size.  # (times, A)"""
    return rng.permuted(np.broadcast_to(group, (times, len(group))), axis=1).astype(np.float64)
