"""Cohen's kappa of every two annotators, in one pass over long-format judgments, and pooled.

Intervals resample items and keep the annotators: they speak of these people on other items, not of
other people, unless the annotators themselves are resampled.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from prefloop.core.records import Estimate
from prefloop.stats.agreement import Weights, credit, partial_credit
from prefloop.stats.columns import Columns, Floats, Ints, columns
from prefloop.stats.pair_tables import PairTables, TablesAgreement, label_pairs, pair_tables
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import (
    BY_BOOTSTRAP,
    OF_OTHER_PEOPLE,
    NotEnough,
    judgments_caveat,
)

__all__ = [
    "PairwiseKappa",
    "PooledKappa",
    "pairwise_kappa",
    "pooled_kappa",
]

_PEOPLE = 5  # annotators that are a sample of anybody
_DENSE = 8_000_000  # numbers up to which a matrix is kept as it is: 64 MB


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
    tables: PairTables  # how often one said each label where the other said each
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
    return _kappas(data, pair_tables(data), weights)


def _kappas(data: Columns, tables: PairTables, weights: Weights) -> PairwiseKappa | NotEnough:
    if len(tables.first) == 0:
        return NotEnough("no two annotators share an item")
    n, observed, expected = TablesAgreement(tables, weights)(tables.times)
    exists = expected < 1 - 1e-12
    if not exists.any():
        return NotEnough("every two annotators used one and the same category throughout")
    observed, expected = observed[exists], expected[exists]
    return PairwiseKappa(
        data.annotator_codes[tables.first[exists]],
        data.annotator_codes[tables.second[exists]],
        (observed - expected) / (1 - expected),
        n[exists].astype(np.int64),
        observed,
        expected,
        int((~exists).sum()),
        tables if exists.all() else tables.pick(np.flatnonzero(exists)),
        weights,
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
    Fewer than five annotators are then NotEnough. Where too few resamples have a kappa the interval
    is all of -1 to 1, and `caveat` says why.
    """
    data = columns(items, annotators, labels)
    tables = pair_tables(data)
    pairs = _kappas(data, tables, weights)
    if isinstance(pairs, NotEnough):
        return pairs
    if resample == "annotators":
        return _other_people(data, pairs, rng, weights, replicates)
    shared = np.diff(data.starts) >= 2
    n = int(shared.sum())
    if n < 2:
        return NotEnough("one shared item: an interval needs at least 2")
    groups = np.zeros(len(shared), dtype=np.int64)
    groups[shared] = random_groups(n, rng)
    statistic = _Pooled(data, tables, shared[data.items], groups, weights)
    value = float(statistic(np.ones((1, statistic.groups)))[0])
    if not np.isfinite(value):
        return NotEnough("all annotators used one and the same category throughout")
    found = bootstrap(
        statistic, statistic.groups, rng, replicates=replicates, width=statistic.width
    )
    mean = float((pairs.kappa * pairs.n).sum() / pairs.n.sum())
    if isinstance(found, NotEnough):
        open_ended = Estimate(value, -1.0, 1.0, n)
        return PooledKappa(open_ended, mean, len(pairs.n), BY_BOOTSTRAP, found.reason)
    pooled = Estimate(value, *percentiles(found), n=n)
    return PooledKappa(pooled, mean, len(pairs.n), BY_BOOTSTRAP, judgments_caveat(data))


def _other_people(
    data: Columns, pairs: PairwiseKappa, rng: np.random.Generator, weights: Weights, replicates: int
) -> PooledKappa | NotEnough:
    """Pooled kappa with the annotators resampled."""
    first, second = (np.searchsorted(data.annotator_codes, p) for p in (pairs.first, pairs.second))
    people = len(np.unique(np.concatenate([first, second])))
    if people < _PEOPLE:
        return NotEnough(f"{people} annotators say little of others: at least {_PEOPLE} are needed")
    shares = _shares(data)
    lucky = shares if weights == "unweighted" else shares @ credit(shares.shape[1], weights)
    n, seen = pairs.n, pairs.observed * pairs.n
    chance = np.zeros(len(n))
    for share, luck in zip(shares.T, lucky.T, strict=True):  # a label at a time: pairs are many
        chance += n * luck[first] * share[second]

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

    def __init__(
        self, data: Columns, tables: PairTables, rows: np.ndarray, groups: Ints, weights: Weights
    ) -> None:
        k, people = tables.k, len(data.annotator_codes)
        self.worth = None if weights == "unweighted" else credit(k, weights)
        self.groups = int(groups.max()) + 1
        at = tables.first, tables.second
        shared = sparse.csr_array((tables.shared, at), shape=(people, people))
        self.shared = shared.toarray() if people**2 <= _DENSE else shared
        self.n, self.seen = np.zeros(self.groups), np.zeros(self.groups)
        for left, right in label_pairs(data):
            group = groups[data.items[left]]
            worth = partial_credit(data.labels[left], data.labels[right], k, weights)
            self.n += np.bincount(group, minlength=self.groups)
            self.seen += np.bincount(group, worth, self.groups)
        said = data.annotators[rows] * k + data.labels[rows]
        cells = np.ones(len(said)), (groups[data.items[rows]], said)
        margins = sparse.csr_array(cells, shape=(self.groups, people * k))
        small = self.groups * people * k <= _DENSE
        self.margins = margins.toarray() if small else margins
        self.shape, self.width = (people, k), 4 * people * k

    def __call__(self, drawn: Floats) -> Floats:
        said = np.asarray(drawn @ self.margins).reshape(len(drawn), *self.shape)
        share = said / np.maximum(said.sum(2, keepdims=True), 1)  # (R, A, K)
        lucky = share if self.worth is None else share @ self.worth
        # One product of matrices for all replicates and labels: sum over pairs of n * luck * share.
        beside = share.transpose(1, 0, 2)  # (A, R, K)
        reached = np.asarray(self.shared @ beside.reshape(len(beside), -1)).reshape(beside.shape)
        chance = np.einsum("rak,ark->r", lucky, reached)
        expected = chance / self.n.sum()
        n = drawn @ self.n
        none = np.full(len(drawn), np.nan)
        observed = np.divide(drawn @ self.seen, n, out=none.copy(), where=n > 0)
        room = 1 - expected
        return np.asarray(np.divide(observed - expected, room, out=none, where=room > 1e-9))


def _shares(data: Columns) -> Floats:
    """Each annotator's share of each label, on items they share with anybody.  # (A, K)"""
    shape = len(data.annotator_codes), len(data.label_codes)
    rows = np.diff(data.starts)[data.items] >= 2
    cells = data.annotators[rows] * shape[1] + data.labels[rows]
    said = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    return np.asarray(said / np.maximum(said.sum(1, keepdims=True), 1), dtype=np.float64)
