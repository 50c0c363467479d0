"""How often every two annotators said each two labels of the same items.

A table of two annotators has K^2 cells, of which at most as many hold anything as the two share
items. Only those are kept, so that memory goes with the judgments whatever the number of labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from prefloop.stats.agreement import Weights, partial_credit
from prefloop.stats.columns import Columns, Floats, Ints, compact

__all__ = ["PairTables", "TablesAgreement", "label_pairs", "pair_tables"]

_CHUNK = 4_000_000  # pairs of judgments held at a time


@dataclass(frozen=True, slots=True)
class PairTables:
    """Tables of T pairs of annotators, as the C cells that hold anything, sorted by pair.

    Pair t has the cells starts[t] to starts[t + 1]; labels are ranks 0..k-1.
    """

    first: Ints  # (T,) position of the one annotator
    second: Ints  # (T,) and of the other, later one
    starts: Ints  # (T + 1,)
    one: Ints  # (C,) what the first said
    other: Ints  # (C,) what the second said
    times: Floats  # (C,) on how many items
    k: int

    @property
    def shared(self) -> Floats:
        """The items each pair shares.  # (T,)"""
        return self.each(self.times)

    @property
    def alike(self) -> Floats:
        """The items on which each pair agrees.  # (T,)"""
        return self.each(self.times * (self.one == self.other))

    def each(self, values: Floats) -> Floats:
        """Sums of values (C, ...) over the cells of each pair.  # (T, ...)"""
        if len(self.first) == 0:
            return np.zeros((0, *values.shape[1:]))
        return np.asarray(np.add.reduceat(values, self.starts[:-1], axis=0))

    def pick(self, pairs: Ints) -> "PairTables":
        """The tables of these pairs, in the order given."""
        size = np.diff(self.starts)[pairs]
        starts = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        rows = np.repeat(self.starts[pairs] - starts[:-1], size) + np.arange(starts[-1])
        return PairTables(
            self.first[pairs],
            self.second[pairs],
            starts,
            self.one[rows],
            self.other[rows],
            self.times[rows],
            self.k,
        )


class TablesAgreement:
    """Agreement seen and expected in tables, also with other counts in the same cells.

    Chance takes what each of the two said, kept for the labels a pair used and for no others:
    `labels` (L,), pair t from starts[t] to starts[t + 1].
    """

    def __init__(self, tables: PairTables, weights: Weights) -> None:
        self.tables, self.weights = tables, weights
        pairs, cells = len(tables.first), len(tables.times)
        pair = np.repeat(np.arange(pairs) * tables.k, np.diff(tables.starts))
        codes, at = compact(np.concatenate([pair + tables.one, pair + tables.other]))
        owner, self.labels = np.divmod(codes, tables.k)
        self.starts = np.searchsorted(owner, np.arange(pairs + 1))
        # A column per cell with a single 1, in the row of its label: sums of cells by label.
        ones, columns = np.ones(cells), np.arange(cells + 1)
        shape = len(codes), cells
        self.by_one = sparse.csc_array((ones, at[:cells], columns), shape=shape)
        self.by_other = sparse.csc_array((ones, at[cells:], columns), shape=shape)
        self.worth = partial_credit(tables.one, tables.other, tables.k, weights)

    def margins(self, times: Floats) -> tuple[Floats, Floats]:
        """How often the one, and the other, said each label.  # (L, ...) each"""
        return np.asarray(self.by_one @ times), np.asarray(self.by_other @ times)

    def __call__(self, times: Floats) -> tuple[Floats, Floats, Floats]:
        """Size, agreement seen and agreement expected for counts (C,) or (C, R); 0, 0, 0 for a
        table without counts.  # (T,) or (T, R) each"""
        n = self.tables.each(times)
        safe = np.maximum(n, 1)
        seen = self.tables.each((times.T * self.worth).T) / safe
        return n, seen, self._chance(*self.margins(times), n) / safe**2

    def _chance(self, one: Floats, other: Floats, n: Floats) -> Floats:
        """n^2 times the agreement expected, from sums over labels: no table of credits."""
        far = max(self.tables.k - 1, 1)
        if self.weights == "unweighted":
            return self._each(one * other)
        if self.weights == "quadratic":  # E (x - y)^2 = E x^2 + E y^2 - 2 E x E y
            rank = self.labels.reshape(-1, *[1] * (one.ndim - 1)).astype(np.float64)
            squares = n * self._each((one + other) * rank**2)
            crossed = 2 * self._each(one * rank) * self._each(other * rank)
            return np.asarray(n**2 - (squares - crossed) / far**2)
        # E |x - y| = sum over steps of the scale of P(x below, y above) + P(x above, y below)
        step = np.diff(self.labels, append=0).astype(np.float64)
        step[self.starts[1:] - 1] = 0
        size = np.repeat(n, np.diff(self.starts), axis=0)
        below, under = self._running(one), self._running(other)
        apart = below * (size - under) + under * (size - below)
        return np.asarray(n**2 - self._each((apart.T * step).T) / far)

    def _each(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.starts[:-1], axis=0))

    def _running(self, said: Floats) -> Floats:
        """Running sums over the labels of each pair: whole numbers, so that nothing is lost."""
        total = np.cumsum(said, axis=0)
        before = (total - said)[self.starts[:-1]]
        return np.asarray(total - np.repeat(before, np.diff(self.starts), axis=0))


def pair_tables(data: Columns) -> PairTables:
    """Every two annotators who share items, by position, and what the two said."""
    k, people = max(len(data.label_codes), 1), max(len(data.annotator_codes), 1)
    parts = []
    for left, right in label_pairs(data):
        pair = data.annotators[left] * people + data.annotators[right]
        cell = (pair * k + data.labels[left]) * k + data.labels[right]
        parts.append(_counted(cell, people**2 * k**2))
    cells, times = _merged(parts)
    pairs, labels = np.divmod(cells, k * k)
    codes, pair = compact(pairs)
    starts = np.searchsorted(pair, np.arange(len(codes) + 1)).astype(np.int64)
    return PairTables(*np.divmod(codes, people), starts, *np.divmod(labels, k), times, k)


def label_pairs(data: Columns) -> Iterator[tuple[Ints, Ints]]:
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


def _counted(keys: Ints, names: int) -> tuple[Ints, Ints]:
    """The distinct keys, all below `names`, and how often each occurs."""
    if names > len(keys) + _CHUNK:
        found, times = np.unique(keys, return_counts=True)
        return found, times.astype(np.int64)
    times = np.bincount(keys)  # linear in the rows, where sorting is not
    found = np.flatnonzero(times)
    return found, times[found]


def _merged(parts: list[tuple[Ints, Ints]]) -> tuple[Ints, Floats]:
    """Distinct keys of all parts, in order, and how often each occurs."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0)
    if len(parts) == 1:
        return parts[0][0], parts[0][1].astype(np.float64)
    keys, where = np.unique(np.concatenate([p[0] for p in parts]), return_inverse=True)
    times = np.bincount(where, np.concatenate([p[1] for p in parts]).astype(np.float64))
    return keys, np.asarray(times, dtype=np.float64)
