"""What groups of annotators do otherwise: habits, and outcomes by their votes; and who there is.

The unit is the annotator, whose p-values come from people changing places, as in `groups`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, columns, compact, numbers, same_length, whole
from prefloop.stats.groups import divisions, positions
from prefloop.stats.intervals import wilson
from prefloop.stats.result import NotEnough

__all__ = ["Flips", "Habit", "effective_number", "flips", "habit", "holm"]


@dataclass(frozen=True, slots=True)
class Habit:
    """A group's mean of some value of its judgments less the rest's, both over annotators."""

    inside: float
    outside: float
    difference: Estimate  # n counts annotators
    p: float


@dataclass(frozen=True, slots=True)
class Flips:
    """The share of items on which the group's majority is not the rest's, over items where both
    have one; `expected` is the mean share when people change places."""

    share: Estimate
    expected: float


def habit(
    annotators: ArrayLike,
    values: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    rng: np.random.Generator,
    items: ArrayLike | None = None,
    permutations: int = 4999,
) -> Habit | NotEnough:
    """Compare annotators' means of `values` (N,); a mean counts once, however many judgments.

    With `items` each value is first held against the mean of what others got on the same item, so
    that an uneven assignment is no habit; items with one judgment are then left out. The interval
    is Welch's, over annotators.
    """
    who, given = whole("annotators", annotators), numbers("values", values)
    same_length(annotators=who, values=given)
    moved = given.copy()
    if items is not None:
        which = compact(whole("items", items))[1]
        same_length(annotators=who, items=which)
        size, total = np.bincount(which), np.bincount(which, given)
        keep = size[which] >= 2
        which, who, given = which[keep], who[keep], given[keep]
        moved = given - (total[which] - given) / (size[which] - 1)
    means = [_means(who, moved, side) for side in (inside, outside)]
    if min(len(one) for one in means) < 2:
        return NotEnough("fewer than two people on one of the two sides have such judgments")
    both = np.concatenate(means)
    group = np.arange(len(both)) < len(means[0])
    # Others of one's own kind are one fewer: without this the difference is A / (A - 1) too large.
    scale = (len(both) - 1) / len(both) if items is not None else 1.0
    seen = float(means[0].mean() - means[1].mean()) * scale
    drawn = divisions(group, permutations, rng)
    beyond = (
        np.abs(_welch_t(drawn, both))
        >= abs(_welch_t(group[None].astype(np.float64), both)[0]) - 1e-9
    )
    p = float((1 + beyond.sum()) / (1 + permutations))
    spread = [one.var(ddof=1) / len(one) for one in means]
    half = _welch(spread, means) * scale
    sides = [float(_means(who, given, side).mean()) for side in (inside, outside)]
    return Habit(sides[0], sides[1], Estimate(seen, seen - half, seen + half, len(both)), p)


def flips(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    rng: np.random.Generator,
    permutations: int = 50,
) -> Flips | NotEnough:
    """How often the outcome would be another one by the group's vote than by the rest's. An item
    counts where each side has one most frequent label."""
    data = columns(items, annotators, labels)
    inner, outer = (positions(data.annotator_codes, side) for side in (inside, outside))
    people = np.concatenate([inner, outer])
    keep = np.isin(data.annotators, people)
    item, who, label = data.items[keep], data.annotators[keep], data.labels[keep]
    shape = len(data.item_codes), len(data.label_codes)

    def differ(side: Ints) -> tuple[int, int]:
        mine = np.isin(who, side)
        first, one = _plurality(item[mine], label[mine], shape)
        second, other = _plurality(item[~mine], label[~mine], shape)
        both = one & other
        return int((first != second)[both].sum()), int(both.sum())

    turned, n = differ(inner)
    share = wilson(turned, n)
    if isinstance(share, NotEnough):
        return NotEnough("on no item both sides have a majority")
    worlds = [differ(rng.permutation(people)[: len(inner)]) for _ in range(permutations)]
    shares = [a / b for a, b in worlds if b]
    if not shares:
        return NotEnough("on no item both sides have a majority when people change places")
    return Flips(share, float(np.mean(shares)))


def effective_number(sizes: ArrayLike) -> float | NotEnough:
    """How many groups of equal size are as diverse: exp of Shannon's entropy (Hill 1973)."""
    counts = whole("sizes", sizes)
    if (counts < 0).any():
        raise BadInput("a group cannot have fewer than no members")
    if counts.sum() == 0:
        return NotEnough("nobody is in any group")
    share = counts[counts > 0] / counts.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def holm(p: ArrayLike) -> Floats:
    """Holm 1979: p-values (m,) adjusted so that any false alarm at all stays under the level."""
    given = numbers("p", p)
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    result = np.empty(len(given))
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return result


def _means(who: Ints, values: Floats, side: ArrayLike) -> Floats:
    """The mean of each person of a side who has any value.  # (people,)"""
    mine = np.isin(who, whole("people", side))
    people = compact(who[mine])[1]
    return np.asarray(np.bincount(people, values[mine]) / np.bincount(people))


def _welch_t(inside: Floats, values: Floats) -> Floats:
    """Welch's t of each division (R, A) of values (A,); 0 where nobody differs.  # (R,)"""
    middles, errors = [], []
    for side in (inside, 1 - inside):
        n = side.sum(1)
        middle = side @ values / n
        spread = (side @ values**2 / n - middle**2) * n / (n - 1)
        middles.append(middle)
        errors.append(np.maximum(spread, 0.0) / n)
    error = np.sqrt(errors[0] + errors[1])
    none = np.zeros(len(inside))
    return np.asarray(np.divide(middles[0] - middles[1], error, out=none, where=error > 1e-12))


def _welch(spread: list[float], means: list[Floats]) -> float:
    """Half the width of Welch's 95 % interval; no width where nobody differs from anybody."""
    total = sum(spread)
    if total == 0:
        return 0.0
    df = total**2 / sum(s**2 / (len(m) - 1) for s, m in zip(spread, means, strict=True))
    return float(stats.t.ppf(0.975, df) * np.sqrt(total))


def _plurality(item: Ints, label: Ints, shape: tuple[int, int]) -> tuple[Ints, np.ndarray]:
    """The most frequent label per item, and whether there is exactly one.  # (items,) each"""
    counts = np.bincount(item * shape[1] + label, minlength=shape[0] * shape[1]).reshape(shape)
    top = counts.max(1)
    return counts.argmax(1), ((counts == top[:, None]).sum(1) == 1) & (top > 0)
