"""Chance-corrected agreement of any number of annotators: Fleiss' kappa, Scott's pi, Gwet's AC1
and, with partial credit, AC2.

They differ only in what chance means: for kappa and pi two draws from the pooled labels, for AC1 a
guess on the items that are hard (Gwet 2008), which stays sane when nearly all labels are alike.
Items may have different numbers of judgments (Gwet 2014, ch. 2); with equal numbers kappa is that
of Fleiss 1971, with two annotators it is Scott's pi. Intervals hold the annotators fixed: with a
generator by bootstrap over items, without in the form for large samples.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.agreement import Weights, credit
from prefloop.stats.columns import Columns, Floats, Ints, columns, same_length, whole
from prefloop.stats.item_kinds import Kinds, kinds, over_items
from prefloop.stats.other_people import (
    Resample,
    check,
    item_sums,
    over_people,
    people_caveat,
)
from prefloop.stats.resampling import percentiles
from prefloop.stats.result import (
    BY_BOOTSTRAP,
    BY_LARGE_SAMPLES,
    OF_OTHER_PEOPLE,
    NotEnough,
    interval_caveat,
)

__all__ = [
    "Multirater",
    "fleiss_chance_z",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "scott_pi",
]


@dataclass(frozen=True, slots=True)
class Multirater:
    """A coefficient with its 95 % interval, agreement seen and expected; n counts what is random,
    items or annotators.

    `by_category` maps a label to the coefficient of that label against all others, where both
    occur.
    """

    coefficient: Estimate
    observed: float
    expected: float
    se: float
    by_category: dict[int, float]
    interval: str  # what it speaks of, and how it was found
    caveat: str | None = None  # why the interval is not to be trusted


@dataclass(frozen=True, slots=True)
class _Chance:
    """What agreement by chance means: the label codes in rank order, the credit of every two, and
    for AC1 and AC2 how often a guess is lucky (None for kappa)."""

    codes: Ints  # (K,)
    worth: Floats  # (K, K)
    lucky: float | None = None


def fleiss_kappa(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
    resample: Resample = "items",
) -> Multirater | NotEnough:
    """Fleiss 1971 over long-format judgments; items judged once inform chance only. With `rng` the
    interval is by bootstrap of items, or of annotators: then it speaks of other people."""
    data = columns(items, annotators, labels)
    return _with_interval(data, _pooled(data), rng, replicates, resample)


def gwet_ac1(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    categories: int | None = None,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
    resample: Resample = "items",
) -> Multirater | NotEnough:
    """Gwet 2008 over long-format judgments. `categories` counts those offered, by default those
    in use; an offered category nobody used still makes a lucky guess less likely. With `rng` the
    interval is by bootstrap of items, or of annotators: then it speaks of other people."""
    data = columns(items, annotators, labels)
    used = len(data.label_codes)
    if categories is not None and categories < used:
        raise BadInput(f"{used} categories are in use, {categories} were said to be offered")
    k = used if categories is None else categories
    lucky = 1 / (k - 1) if k > 1 else 0.0
    chance = _Chance(data.label_codes.astype(np.int64), np.eye(used), lucky)
    return _with_interval(data, chance, rng, replicates, resample)


def gwet_ac2(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    weights: Weights = "quadratic",
    categories: int | None = None,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
    resample: Resample = "items",
) -> Multirater | NotEnough:
    """AC1 with partial credit for ordered labels (Gwet 2014, eq. 4.3 and 5.9).

    Labels are ranked among those in use; with `categories` they are 0..categories-1 as given, so
    that an unused one keeps its place between its neighbours. With `rng` the interval is by
    bootstrap of items, or of annotators: then it speaks of other people.
    """
    data = columns(items, annotators, labels)
    codes = data.label_codes.astype(np.int64)
    worth = credit(len(codes) if categories is None else categories, weights)
    k = len(worth)
    lucky = float(worth.sum()) / (k * (k - 1)) if k > 1 else 0.0  # T_w / (K (K - 1))
    if categories is not None:
        if len(codes) and (codes.min() < 0 or codes.max() >= categories):
            raise BadInput(f"a label lies outside 0..{categories - 1}: give every category a code")
        worth = worth[np.ix_(codes, codes)]  # nobody used the others
    return _with_interval(data, _Chance(codes, worth, lucky), rng, replicates, resample)


def fleiss_chance_z(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike
) -> float | NotEnough:
    """Fleiss' kappa over its standard error under chance alone (Fleiss, Nee and Landis 1979,
    eq. 12). Needs the same number of judgments, two or more, on every item."""
    data = columns(items, annotators, labels)
    kappa = _coefficient(kinds(data), _pooled(data))
    if isinstance(kappa, NotEnough):
        return kappa
    size = np.diff(data.starts)
    if (size != size[0]).any():
        return NotEnough("items have different numbers of judgments: use the interval of kappa")
    n, m = len(size), int(size[0])
    p = np.bincount(data.labels) / (n * m)
    pq = float(p @ (1 - p))
    spread = pq**2 - float((p * (1 - p)) @ (1 - 2 * p))
    return float(kappa.coefficient.estimate * pq / np.sqrt(2 * spread / (n * m * (m - 1))))


def scott_pi(
    first: ArrayLike,
    second: ArrayLike,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
) -> Multirater | NotEnough:
    """Scott 1955: two annotators' labels (N,) of the same items. With `rng` the interval is by item
    bootstrap."""
    a, b = whole("first", first), whole("second", second)
    same_length(first=a, second=b)
    item = np.arange(len(a))
    who = np.repeat([0, 1], len(a))
    both = np.concatenate([item, item])
    return fleiss_kappa(both, who, np.concatenate([a, b]), rng, replicates)


def _pooled(data: Columns) -> _Chance:
    return _Chance(data.label_codes.astype(np.int64), np.eye(len(data.label_codes)))


def _with_interval(
    data: Columns,
    chance: _Chance,
    rng: np.random.Generator | None,
    replicates: int,
    resample: Resample,
) -> Multirater | NotEnough:
    check(resample, rng)
    if resample == "items" or rng is None:
        return _coefficient(kinds(data), chance, rng, replicates)
    found = _coefficient(kinds(data), chance)
    if isinstance(found, NotEnough):
        return found
    drawn = over_people(
        data, lambda at: _values(item_sums(at, chance.worth), chance)[2], rng, replicates
    )
    if isinstance(drawn, NotEnough):
        return drawn
    estimate = Estimate(
        found.coefficient.estimate, *percentiles(drawn), n=len(data.annotator_codes)
    )
    return replace(
        found, coefficient=estimate, interval=OF_OTHER_PEOPLE, caveat=people_caveat(data)
    )


def _coefficient(
    found: Kinds,
    chance: _Chance,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
) -> Multirater | NotEnough:
    counts, times = found.counts, found.items
    size = counts.sum(1)  # judgments per item of each kind
    shared = size >= 2
    n, n_shared = int(times.sum()), int(times[shared].sum())
    if n_shared < 2:
        return NotEnough(f"{n_shared} items were judged by two annotators: at least 2 are needed")
    if chance.lucky == 0.0:
        return NotEnough("only one category is in use: say how many were offered")
    share = counts / size[:, None]  # (P, K)
    agree = _agree(counts, size, chance.worth)
    sums = np.column_stack([np.ones(len(agree)), np.where(shared, agree, 0.0), shared, share])
    seen, expected, value = (float(x[0]) for x in _values((times @ sums)[None], chance))
    if not np.isfinite(value):
        return NotEnough("only one category is in use: chance alone agrees on everything")
    # Gwet 2014, eq. 5.16 ff.: each item's influence, agreement and chance both linearised.
    overall = times @ share / n
    per_item = share @ overall if chance.lucky is None else chance.lucky * (share @ (1 - overall))
    own = np.where(shared, n / n_shared * (agree - expected) / (1 - expected), 0.0)
    own = own - 2 * (1 - value) * (per_item - expected) / (1 - expected)
    se = float(np.sqrt(times @ (own - value) ** 2 / (n - 1) / n))
    half = float(stats.t.ppf(0.975, n - 1)) * se
    ends = max(-1.0, value - half), min(1.0, value + half)
    if rng is not None:
        drawn = over_items(sums, found, lambda at: _values(at, chance)[2], rng, replicates)
        if isinstance(drawn, NotEnough):
            return drawn
        ends = percentiles(drawn)
    return Multirater(
        Estimate(value, *ends, n=n),
        seen,
        expected,
        se,
        _by_category(counts, times, chance.codes) if chance.lucky is None else {},
        BY_LARGE_SAMPLES if rng is None else BY_BOOTSTRAP,
        interval_caveat(counts, times),
    )


def _values(sums: Floats, chance: _Chance) -> tuple[Floats, Floats, Floats]:
    """Agreement seen, expected, and the coefficient, NaN where there is none, of sums over items
    (R, 3 + K): their number, agreement and number of those judged twice, and shares of labels.
    # (R,) each"""
    none = np.full(len(sums), np.nan)
    seen = np.divide(sums[:, 1], sums[:, 2], out=none.copy(), where=sums[:, 2] > 0)
    overall = sums[:, 3:] / sums[:, :1]
    level = overall if chance.lucky is None else chance.lucky * (1 - overall)
    expected = (overall * level).sum(1)
    room = 1 - expected
    value = np.divide(seen - expected, room, out=none, where=room > 1e-12)
    return seen, expected, value


def _agree(counts: Ints, size: Ints, worth: Floats) -> Floats:
    """The mean credit of pairs of judgments per item; 0 where there is no pair.  # (items,)"""
    pairs = np.maximum(size * (size - 1), 1)
    return np.asarray((counts * (counts @ worth - 1)).sum(1) / pairs, dtype=np.float64)


def _by_category(counts: Ints, times: Ints, codes: Ints) -> dict[int, float]:
    """Each label against the rest (Fleiss 1971, Table 2)."""
    size = counts.sum(1)
    shared = size >= 2
    found = {}
    for label, mine in zip(codes.tolist(), counts.T, strict=True):
        overall = float(times @ (mine / size)) / times.sum()
        if not 0 < overall < 1:
            continue
        expected = overall**2 + (1 - overall) ** 2
        two = np.stack([mine, size - mine], axis=1)
        seen = float(times[shared] @ _agree(two, size, np.eye(2))[shared]) / times[shared].sum()
        found[int(label)] = (seen - expected) / (1 - expected)
    return found
