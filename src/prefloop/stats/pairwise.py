"""Cohen's kappa of every two annotators, in one pass over long-format judgments, and pooled.

Intervals resample items and keep the annotators: they speak of these people on other items, not of
other people, unless the annotators themselves are resampled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from prefloop.core.records import Estimate
from prefloop.stats.agreement import Weights, credit
from prefloop.stats.columns import Columns, Floats, Ints, columns, compact
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import NotEnough, interval_caveat

__all__ = ["PairwiseKappa", "PooledKappa", "pairwise_kappa", "pooled_kappa"]

_PEOPLE = 5  # annotators that are a sample of anybody
_CHUNK = 4_000_000  # pairs of judgments held at a time


@dataclass(frozen=True, slots=True)
class PairwiseKappa:
    """Cohen's kappa of every two annotators who share items and whose kappa exists.  # (pairs,)

    `undefined` counts pairs that share items but used one and the same category throughout.
    """

    first: Ints
    second: Ints
    kappa: Floats
    n: Ints  # items they share
    observed: Floats
    expected: Floats
    undefined: int


@dataclass(frozen=True, slots=True)
class PooledKappa:
    """One kappa for all annotators; n counts the items with two judgments or more.

    `pooled` averages agreement seen and expected before the ratio is taken (De Vries 2008), each
    pair of annotators weighted by shared items, and stays sound with few items per pair. `mean`
    averages the pairs' kappas by the same weights.
    """

    pooled: Estimate
    mean: float
    pairs: int
    caveat: str | None = None  # why the interval is not to be trusted


def pairwise_kappa(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    weights: Weights = "unweighted",
) -> PairwiseKappa | NotEnough:
    """Cohen's kappa of all pairs of annotators, in one pass over long-format judgments.

    Labels are ranked among those in use anywhere, so that weights mean the same for every pair.
    """
    data = columns(items, annotators, labels)
    cells, mass, _ = _pair_cells(data, np.zeros(len(data.item_codes), dtype=np.int64))
    if len(cells) == 0:
        return NotEnough("no two annotators share an item")
    k = len(data.label_codes)
    pair_codes, pair = compact(cells // (k * k))
    tables = np.zeros((len(pair_codes), k * k))
    np.add.at(tables, (pair, cells % (k * k)), mass)
    n, observed, expected = _agreements(tables.reshape(-1, k, k), credit(k, weights))
    exists = expected < 1 - 1e-12
    if not exists.any():
        return NotEnough("every two annotators used one and the same category throughout")
    first, second = np.divmod(pair_codes[exists], len(data.annotator_codes))
    observed, expected = observed[exists], expected[exists]
    return PairwiseKappa(
        data.annotator_codes[first],
        data.annotator_codes[second],
        (observed - expected) / (1 - expected),
        n[exists].astype(np.int64),
        observed,
        expected,
        int((~exists).sum()),
    )


def pooled_kappa(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator,
    weights: Weights = "unweighted",
    replicates: int = 1000,
    resample: Literal["items", "annotators"] = "items",
) -> PooledKappa | NotEnough:
    """One kappa over all pairs of annotators, with a 95 % percentile interval.

    By default items are resampled and the interval speaks of these annotators on other items. With
    "annotators" it speaks of other people from where these came from, on these items: a pair of
    two different people counts as often as both were drawn, and nobody is paired with themselves.
    Fewer than five annotators are then NotEnough.
    """
    data = columns(items, annotators, labels)
    shared = np.bincount(data.items, minlength=len(data.item_codes)) >= 2
    pairs = pairwise_kappa(items, annotators, labels, weights)
    if isinstance(pairs, NotEnough):
        return pairs
    if resample == "annotators":
        return _other_people(data, pairs, rng, weights, replicates)
    groups = np.zeros(len(shared), dtype=np.int64)
    groups[shared] = random_groups(int(shared.sum()), rng)
    cells, mass, group = _pair_cells(data, groups)
    statistic = _Pooled(cells, mass, group, len(data.label_codes), weights)
    pooled = float(statistic(np.ones((1, statistic.groups)))[0])
    found = bootstrap(
        statistic, statistic.groups, rng, replicates=replicates, width=statistic.width
    )
    if isinstance(found, NotEnough):
        return found
    mean = float((pairs.kappa * pairs.n).sum() / pairs.n.sum())
    low, high = percentiles(found)
    caveat = interval_caveat(data.counts)
    return PooledKappa(Estimate(pooled, low, high, int(shared.sum())), mean, len(pairs.n), caveat)


def _other_people(
    data: Columns, pairs: PairwiseKappa, rng: np.random.Generator, weights: Weights, replicates: int
) -> PooledKappa | NotEnough:
    """Pooled kappa with the annotators resampled."""
    first, second = (np.searchsorted(data.annotator_codes, p) for p in (pairs.first, pairs.second))
    people = len(np.unique(np.concatenate([first, second])))
    if people < _PEOPLE:
        return NotEnough(f"{people} annotators say little of others: at least {_PEOPLE} are needed")
    seen, chance, n = pairs.observed * pairs.n, pairs.expected * pairs.n, pairs.n

    def statistic(drawn: Floats) -> Floats:
        times = drawn[:, first] * drawn[:, second]  # (R, pairs)
        room = times @ (n - chance)
        none = np.full(len(drawn), np.nan)
        return np.asarray(
            np.divide(times @ (seen - chance), room, out=none, where=room > 1e-9), dtype=np.float64
        )

    units = len(data.annotator_codes)
    found = bootstrap(statistic, units, rng, replicates=replicates, width=len(n))
    if isinstance(found, NotEnough):
        return found
    value = float(statistic(np.ones((1, units)))[0])
    mean = float((pairs.kappa * n).sum() / n.sum())
    shared = int((np.bincount(data.items) >= 2).sum())
    few = f"{people} annotators: under 20 the interval is too narrow" if people < 20 else None
    return PooledKappa(Estimate(value, *percentiles(found), n=shared), mean, len(n), few)


class _Pooled:
    """Pooled kappa as a function of how often each group of items was drawn."""

    def __init__(self, cells: Ints, mass: Floats, group: Ints, k: int, weights: Weights) -> None:
        pair_codes, pair = compact(cells // (k * k))
        self.k, self.pairs, self.groups = k, len(pair_codes), int(group.max()) + 1
        self.width = self.pairs * k * k
        at = pair * (k * k) + cells % (k * k)
        self.sums = sparse.csr_array((mass, (group, at)), shape=(self.groups, self.width))
        self.worth = credit(k, weights)

    def __call__(self, drawn: Floats) -> Floats:
        tables = np.asarray(drawn @ self.sums).reshape(-1, self.k, self.k)
        n, observed, expected = (
            part.reshape(len(drawn), self.pairs) for part in _agreements(tables, self.worth)
        )
        seen, chance = (n * observed).sum(1), (n * expected).sum(1)
        room = n.sum(1) - chance
        none = np.full(len(drawn), np.nan)
        return np.asarray(np.divide(seen - chance, room, out=none, where=room > 1e-9))


def _agreements(tables: Floats, credit: Floats) -> tuple[Floats, Floats, Floats]:
    """Size, agreement seen and agreement expected of tables (T, K, K); 0, 0, 0 for an empty one."""
    n = tables.sum((1, 2))
    safe = np.maximum(n, 1)
    observed = np.einsum("tij,ij->t", tables, credit) / safe
    chance = np.einsum("ti,ij,tj->t", tables.sum(2), credit, tables.sum(1), optimize=True)
    return n, observed, chance / safe**2


def _pair_cells(data: Columns, groups: Ints) -> tuple[Ints, Floats, Ints]:
    """Distinct (pair, label, label) cells per group of items: codes, counts, groups."""
    k, people = len(data.label_codes), len(data.annotator_codes)
    n_groups = int(groups.max()) + 1 if len(groups) else 1
    parts: list[tuple[Ints, Ints]] = []
    for left, right in _pairs(data):
        pair = data.annotators[left] * people + data.annotators[right]
        cell = (pair * k + data.labels[left]) * k + data.labels[right]
        keys = cell * n_groups + groups[data.items[left]]
        found, times = np.unique(keys, return_counts=True)
        parts.append((found, times))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
    keys, where = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    mass = np.bincount(where, np.concatenate([p[1] for p in parts]).astype(np.float64))
    return keys // n_groups, np.asarray(mass, dtype=np.float64), keys % n_groups


def _pairs(data: Columns) -> Iterator[tuple[Ints, Ints]]:
    """Row numbers of every two judgments of one item, in chunks; the smaller annotator first."""
    ends = data.starts[1:][data.items]  # where each row's item ends
    rows, lag = np.arange(len(data.items)), 1
    held: list[tuple[Ints, Ints]] = []
    while len(rows := rows[rows + lag < ends[rows]]):
        held.append((rows, rows + lag))
        lag += 1
        if sum(len(left) for left, _ in held) >= _CHUNK:
            yield np.concatenate([p[0] for p in held]), np.concatenate([p[1] for p in held])
            held = []
    if held:
        yield np.concatenate([p[0] for p in held]), np.concatenate([p[1] for p in held])
