"""How far two people agree: in percent, and beyond chance (Cohen's kappa).

`pairwise` has every two of many annotators in one pass; `multirater` the measures that take all of
them at once; `alpha` Krippendorff's, for any scale and missing judgments. With a generator every
measure draws items anew for its interval, without one it takes the form for large samples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, columns, compact, same_length, whole
from prefloop.stats.intervals import cluster_mean
from prefloop.stats.item_kinds import kinds, over_items
from prefloop.stats.other_people import (
    Resample,
    check,
    item_sums,
    over_people,
    people_caveat,
)
from prefloop.stats.resampling import bootstrap, percentiles
from prefloop.stats.result import (
    BY_BOOTSTRAP,
    BY_LARGE_SAMPLES,
    OF_OTHER_PEOPLE,
    NotEnough,
    interval_caveat,
)

__all__ = [
    "Kappa",
    "Percent",
    "Weights",
    "agreements",
    "cohen_kappa",
    "credit",
    "partial_credit",
    "percent_agreement",
]

Weights = Literal["unweighted", "linear", "quadratic"]

_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Kappa:
    """Kappa with its 95 % interval, the agreement seen and expected, and the standard errors: of
    the estimate, and under chance alone. The interval has no width where the two never differ."""

    kappa: Estimate
    observed: float
    expected: float
    se: float
    se_null: float
    interval: str  # what it speaks of, and how it was found
    caveat: str | None = None  # why the interval is not to be trusted


@dataclass(frozen=True, slots=True)
class Percent:
    """Raw agreement with its 95 % interval; n counts what is random, items judged twice or more, or
    annotators."""

    agreement: Estimate
    interval: str  # what it speaks of, and how it was found
    caveat: str | None = None  # why the interval is not to be trusted


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    weights: Weights = "unweighted",
    categories: int | None = None,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
) -> Kappa | NotEnough:
    """Cohen 1960, 1968: two annotators' labels (N,) of the same items.

    Labels are ranked among those in use; with `categories` they are 0..categories-1 as given, so
    that an unused one keeps its place between its neighbours. With `rng` the interval is by item
    bootstrap.
    """
    table = _table(first, second, categories)
    n = float(table.sum())
    if n == 0:
        return NotEnough("the two annotators share no item")
    share = table / n  # (K, K)
    rows, cols = share.sum(1), share.sum(0)
    worth = credit(len(share), weights)
    observed, expected = float((worth * share).sum()), float(rows @ worth @ cols)
    if expected >= 1 - 1e-12:
        return NotEnough("both annotators used one and the same category throughout")
    kappa = (observed - expected) / (1 - expected)
    # Fleiss, Cohen, Everitt 1969, Psych. Bull. 72:323, eq. 8 (the estimate) and 9 (chance alone).
    margin = (worth @ cols)[:, None] + (worth.T @ rows)[None, :]
    centre = kappa - expected * (1 - kappa)
    spread = float((share * (worth - margin * (1 - kappa) - centre) ** 2).sum())
    null = float((np.outer(rows, cols) * (worth - margin + expected) ** 2).sum())
    scale = (1 - expected) * np.sqrt(n)
    se = float(np.sqrt(spread) / scale)
    ends = max(-1.0, kappa - _Z * se), min(1.0, kappa + _Z * se)
    if rng is not None:
        drawn = _redrawn(table, worth, rng, replicates)
        if isinstance(drawn, NotEnough):
            return drawn
        ends = percentiles(drawn)
    return Kappa(
        Estimate(kappa, *ends, n=int(n)),
        observed,
        expected,
        se,
        float(np.sqrt(null) / scale),
        BY_LARGE_SAMPLES if rng is None else BY_BOOTSTRAP,
        _caveat(table),
    )


def percent_agreement(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator | None = None,
    replicates: int = 1000,
    resample: Resample = "items",
) -> Percent | NotEnough:
    """The share of agreeing pairs of judgments per item, averaged over items judged at least
    twice (Fleiss' P-bar). With `rng` the interval is by bootstrap of items, or of annotators: then
    it speaks of other people; without it is that of `cluster_mean`, which keeps a width where
    nobody ever disagreed."""
    check(resample, rng)
    data = columns(items, annotators, labels)
    found = kinds(data, least=2)
    counts, times = found.counts, found.items
    if not len(times):
        return NotEnough("no item was judged by two annotators")
    size = counts.sum(1)
    agree = (counts * (counts - 1)).sum(1) / (size * (size - 1))  # (P,)
    caveat = interval_caveat(counts, times)
    if rng is None:
        each = np.repeat(agree, times)
        return Percent(cluster_mean(each, np.arange(len(each))), BY_LARGE_SAMPLES)
    n = int(times.sum())
    value = float(agree @ times / n)
    if resample == "annotators":
        worth = np.eye(len(data.label_codes))
        others = over_people(data, lambda at: _seen(item_sums(at, worth)), rng, replicates)
        if isinstance(others, NotEnough):
            return others
        people = Estimate(value, *percentiles(others), n=len(data.annotator_codes))
        return Percent(people, OF_OTHER_PEOPLE, people_caveat(data))
    sums = np.column_stack([agree, np.ones(len(agree))])
    drawn = over_items(sums, found, lambda at: at[:, 0] / at[:, 1], rng, replicates)
    if isinstance(drawn, NotEnough):
        return drawn
    return Percent(Estimate(value, *percentiles(drawn), n=n), BY_BOOTSTRAP, caveat)


def _seen(sums: Floats) -> Floats:
    none = np.full(len(sums), np.nan)
    return np.asarray(np.divide(sums[:, 1], sums[:, 2], out=none, where=sums[:, 2] > 0))


def agreements(tables: Floats, credit: Floats) -> tuple[Floats, Floats, Floats]:
    """Size, agreement seen and agreement expected of tables (T, K, K), two annotators each;
    0, 0, 0 for an empty one.  # (T,) each"""
    n = tables.sum((1, 2))
    safe = np.maximum(n, 1)
    observed = np.einsum("tij,ij->t", tables, credit) / safe
    chance = np.einsum("ti,ij,tj->t", tables.sum(2), credit, tables.sum(1), optimize=True)
    return n, observed, chance / safe**2


def _redrawn(
    table: Floats, worth: Floats, rng: np.random.Generator, replicates: int
) -> Floats | NotEnough:
    """Kappas of items drawn anew: an item is its cell, so tables are multinomial."""
    k = len(table)

    def statistic(cells: Floats) -> Floats:
        _, observed, expected = agreements(cells.reshape(-1, k, k), worth)
        none = np.full(len(cells), np.nan)
        room = 1 - expected
        return np.asarray(np.divide(observed - expected, room, out=none, where=room > 1e-12))

    of_each = table.ravel().astype(np.int64)
    return bootstrap(statistic, k * k, rng, replicates=replicates, of_each=of_each)


def _caveat(table: Floats) -> str | None:
    """The caveat of a table: each label of one beside one of the other, as counts per item."""
    eye = np.eye(len(table), dtype=np.int64)
    pairs = (eye[:, None, :] + eye[None, :, :]).reshape(-1, len(table))
    return interval_caveat(pairs, table.ravel().astype(np.int64))


def _table(first: ArrayLike, second: ArrayLike, categories: int | None) -> Floats:
    a, b = whole("first", first), whole("second", second)
    same_length(first=a, second=b)
    both = np.concatenate([a, b])
    if categories is None:
        distinct, both = compact(both)
        k = len(distinct)
    else:
        k = categories
        if len(both) and (both.min() < 0 or both.max() >= k):
            raise BadInput(f"a label lies outside 0..{k - 1}: give every category a code")
    cells = both[: len(a)] * k + both[len(a) :]
    return np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.float64)


def credit(k: int, weights: Weights) -> Floats:
    """Credit for a pair of categories: 1 on the diagonal, down to 0 for the farthest.  # (K, K)"""
    ranks = np.arange(k)
    return partial_credit(ranks[:, None], ranks[None, :], k, weights)


def partial_credit(one: Ints, other: Ints, k: int, weights: Weights) -> Floats:
    """The same for ranks one by one, of k: arrays that fit each other.  # (...)"""
    if weights not in ("unweighted", "linear", "quadratic"):
        raise BadInput(f"weights {weights!r}: use unweighted, linear or quadratic")
    if weights == "unweighted" or k < 2:
        return np.asarray(one == other, dtype=np.float64)
    share = np.abs(one - other) / (k - 1)
    return np.asarray(1 - share ** (1 if weights == "linear" else 2), dtype=np.float64)
