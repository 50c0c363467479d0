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
from prefloop.stats.agreement import Weights, agreements, credit
from prefloop.stats.columns import Columns, Floats, Ints, columns, compact
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import (
    BY_BOOTSTRAP,
    OF_OTHER_PEOPLE,
    NotEnough,
    interval_caveat,
)

__all__ = [
    "PairwiseKappa",
    "PooledKappa",
    "pair_tables",
    "pairwise_kappa",
    "pooled_kappa",
]

_PEOPLE = 5  # annotators that are a sample of anybody
_DENSE = 8_000_000  # numbers up to which a matrix is kept as it is: 64 MB
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
    tables: Floats  # (pairs, K, K) how often one said each label where the other said each
    weights: Weights


@dataclass(frozen=True, slots=True)
class PooledKappa:
    """One kappa for all annotators; n counts the items with two judgments or more.

    `pooled` averages agreement seen and expected before the ratio is taken (De Vries 2008), each
    pair of annotators weighted by shared items. What chance gives a pair is told from all that each
    of the two shares with anybody: from the few items of a thin pair alone it would be far too
    high, and kappa .3 where it is .6. Two annotators give Cohen's kappa. `mean` averages the pairs'
    kappas by the same weights, and is not sound with few items per pair.
    """

    pooled: Estimate
    mean: float
    pairs: int
    interval: str  # what it speaks of, and how it was found
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
    first, second, tables = pair_tables(data)
    if len(tables) == 0:
        return NotEnough("no two annotators share an item")
    n, observed, expected = agreements(tables, credit(tables.shape[1], weights))
    exists = expected < 1 - 1e-12
    if not exists.any():
        return NotEnough("every two annotators used one and the same category throughout")
    observed, expected = observed[exists], expected[exists]
    return PairwiseKappa(
        data.annotator_codes[first[exists]],
        data.annotator_codes[second[exists]],
        (observed - expected) / (1 - expected),
        n[exists].astype(np.int64),
        observed,
        expected,
        int((~exists).sum()),
        tables[exists],
        weights,
    )


def pair_tables(data: Columns) -> tuple[Ints, Ints, Floats]:
    """Every two annotators who share items: positions of both, and how often one said each label
    where the other said each.  # (T,), (T,), (T, K, K)"""
    cells, mass, _ = _pair_cells(data, np.zeros(len(data.item_codes), dtype=np.int64))
    k = len(data.label_codes)
    pair_codes, pair = compact(cells // (k * k))
    tables = np.zeros((len(pair_codes), k * k))
    np.add.at(tables, (pair, cells % (k * k)), mass)
    first, second = np.divmod(pair_codes, max(len(data.annotator_codes), 1))
    return first, second, tables.reshape(len(pair_codes), k, k)


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
    statistic = _Pooled(data, shared[data.items], groups, weights)
    pooled = float(statistic(np.ones((1, statistic.groups)))[0])
    found = bootstrap(
        statistic, statistic.groups, rng, replicates=replicates, width=statistic.width
    )
    if isinstance(found, NotEnough):
        return found
    mean = float((pairs.kappa * pairs.n).sum() / pairs.n.sum())
    low, high = percentiles(found)
    caveat = interval_caveat(data.counts)
    return PooledKappa(
        Estimate(pooled, low, high, int(shared.sum())), mean, len(pairs.n), BY_BOOTSTRAP, caveat
    )


def _other_people(
    data: Columns, pairs: PairwiseKappa, rng: np.random.Generator, weights: Weights, replicates: int
) -> PooledKappa | NotEnough:
    """Pooled kappa with the annotators resampled."""
    first, second = (np.searchsorted(data.annotator_codes, p) for p in (pairs.first, pairs.second))
    people = len(np.unique(np.concatenate([first, second])))
    if people < _PEOPLE:
        return NotEnough(f"{people} annotators say little of others: at least {_PEOPLE} are needed")
    shares = _shares(data)
    lucky = shares @ credit(shares.shape[1], weights)
    n, seen = pairs.n, pairs.observed * pairs.n
    chance = n * (lucky[first] * shares[second]).sum(1)

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
    estimate = Estimate(value, *percentiles(found), n=shared)
    return PooledKappa(estimate, mean, len(n), OF_OTHER_PEOPLE, few)


class _Pooled:
    """Pooled kappa as a function of how often each group of items was drawn.

    How much each pair of annotators weighs in what chance gives is that of all items in every
    replicate: it hardly varies, and a replicate then costs no more with many pairs.
    """

    def __init__(self, data: Columns, rows: np.ndarray, groups: Ints, weights: Weights) -> None:
        k, people = len(data.label_codes), len(data.annotator_codes)
        cells, mass, group = _pair_cells(data, groups)
        self.worth, self.groups = credit(k, weights), int(groups.max()) + 1
        first, second = np.divmod(cells // (k * k), people)
        self.shared = sparse.csr_array((mass, (first, second)), shape=(people, people))
        self.shared.sum_duplicates()
        self.n = np.bincount(group, mass, self.groups)
        agreed = mass * self.worth.ravel()[cells % (k * k)]
        self.seen = np.bincount(group, agreed, self.groups)
        said = data.annotators[rows] * k + data.labels[rows]
        at = groups[data.items[rows]], said
        margins = sparse.csr_array((np.ones(len(said)), at), shape=(self.groups, people * k))
        small = self.groups * people * k <= _DENSE
        self.margins = margins.toarray() if small else margins
        self.shape, self.width = (people, k), 4 * people * k

    def __call__(self, drawn: Floats) -> Floats:
        said = np.asarray(drawn @ self.margins).reshape(len(drawn), *self.shape)
        share = said / np.maximum(said.sum(2, keepdims=True), 1)  # (R, A, K)
        lucky = share @ self.worth
        chance = np.zeros(len(drawn))
        for code in range(self.shape[1]):
            reached = np.asarray(lucky[:, :, code] @ self.shared)  # (R, A)
            chance += (reached * share[:, :, code]).sum(1)
        expected = chance / self.n.sum()
        n = drawn @ self.n
        observed = np.divide(drawn @ self.seen, n, out=np.full(len(drawn), np.nan), where=n > 0)
        none = np.full(len(drawn), np.nan)
        room = 1 - expected
        return np.asarray(np.divide(observed - expected, room, out=none, where=room > 1e-9))


def _shares(data: Columns) -> Floats:
    """Each annotator's share of each label, on items they share with anybody.  # (A, K)"""
    shape = len(data.annotator_codes), len(data.label_codes)
    rows = np.diff(data.starts)[data.items] >= 2
    cells = data.annotators[rows] * shape[1] + data.labels[rows]
    said = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    return np.asarray(said / np.maximum(said.sum(1, keepdims=True), 1), dtype=np.float64)


def _pair_cells(data: Columns, groups: Ints) -> tuple[Ints, Floats, Ints]:
    """Distinct (pair, label, label) cells per group of items: codes, counts, groups."""
    k, people = len(data.label_codes), len(data.annotator_codes)
    n_groups = int(groups.max()) + 1 if len(groups) else 1
    parts: list[tuple[Ints, Ints]] = []
    for left, right in _pairs(data):
        pair = data.annotators[left] * people + data.annotators[right]
        cell = (pair * k + data.labels[left]) * k + data.labels[right]
        keys = cell * n_groups + groups[data.items[left]]
        found, times = _counted(keys, people**2 * k**2 * n_groups)
        parts.append((found, times))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
    keys, where = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    mass = np.bincount(where, np.concatenate([p[1] for p in parts]).astype(np.float64))
    return keys // n_groups, np.asarray(mass, dtype=np.float64), keys % n_groups


def _counted(keys: Ints, names: int) -> tuple[Ints, Ints]:
    """The distinct keys, all below `names`, and how often each occurs."""
    if names > len(keys) + _CHUNK:
        found, times = np.unique(keys, return_counts=True)
        return found, times.astype(np.int64)
    times = np.bincount(keys)  # linear in the rows, where sorting is not
    found = np.flatnonzero(times)
    return found, times[found]


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
