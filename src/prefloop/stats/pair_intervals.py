"""Intervals of the kappas of all pairs of annotators, by item bootstrap, many pairs at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prefloop.stats.columns import Floats, Ints
from prefloop.stats.pair_tables import PairTables, TablesAgreement
from prefloop.stats.pairwise import PairwiseKappa
from prefloop.stats.result import BY_BOOTSTRAP, TRUSTED_ITEMS, TRUSTED_OTHERS, TRUSTED_UNLIKE

__all__ = ["PairIntervals", "pair_intervals"]

_DEFINED = 0.9  # share of replicates that must have a value
_CELLS = 4_000_000  # counts redrawn at a time: 32 MB


@dataclass(frozen=True, slots=True)
class PairIntervals:
    """95 % intervals of the kappas of a `PairwiseKappa`, in its order.  # (pairs,)

    A pair is `trusted` from 100 shared items on, if 60 items' worth are not of the commonest label
    and the two differ on 10; a pair whose resamples mostly have no kappa spans -1 to 1 and is not.
    """

    low: Floats
    high: Floats
    trusted: np.ndarray
    interval: str  # what they speak of, and how they were found


def pair_intervals(
    found: PairwiseKappa, rng: np.random.Generator, replicates: int = 1000
) -> PairIntervals:
    """Item bootstrap of every pair alone: a shared item is its cell of the pair's table, so tables
    are redrawn as multinomials of the cells that hold anything, many pairs at a time."""
    pairs = len(found.n)
    low, high = np.full(pairs, -1.0), np.full(pairs, 1.0)
    trusted = np.zeros(pairs, dtype=bool)
    for part in _blocks(found.tables, replicates):
        tables = found.tables.pick(part)
        n = tables.shared
        drawn = _redrawn(tables, rng, replicates)  # (C, R)
        agreement = TablesAgreement(tables, found.weights)
        _, observed, expected = agreement(drawn)
        none = np.full(observed.shape, np.nan)
        room = 1 - expected
        kappas = np.divide(observed - expected, room, out=none, where=room > 1e-12)
        enough = np.isfinite(kappas).mean(1) >= _DEFINED
        low[part[enough]], high[part[enough]] = np.nanquantile(
            kappas[enough], [0.025, 0.975], axis=1
        )
        one, other = agreement.margins(tables.times)
        commonest = np.maximum.reduceat(one + other, agreement.starts[:-1]) / (2 * n)
        held = enough & (n >= TRUSTED_ITEMS) & ((1 - commonest) * n >= TRUSTED_OTHERS)
        trusted[part] = held & (n - tables.alike >= TRUSTED_UNLIKE)
    return PairIntervals(low, high, trusted, BY_BOOTSTRAP)


def _blocks(tables: PairTables, replicates: int) -> Iterator[Ints]:
    """Pairs to be redrawn together: alike in their number of cells, and not too many at a time."""
    size = np.diff(tables.starts)
    order = np.argsort(size, kind="stable")
    room = max(_CELLS // replicates, 1)
    first = 0
    while first < len(order):
        # Drawn as a rectangle, as wide as the widest of the block.
        reach = size[order[first:]] * np.arange(1, len(order) - first + 1)
        last = first + max(int(np.searchsorted(reach, room, side="right")), 1)
        yield order[first:last]
        first = last


def _redrawn(tables: PairTables, rng: np.random.Generator, replicates: int) -> Floats:
    """Counts of the cells with every pair's items drawn anew.  # (C, R)"""
    size = np.diff(tables.starts)
    held = np.arange(size.max()) < size[:, None]  # (T, widest)
    chance = np.zeros(held.shape)
    chance[held] = tables.times
    n = tables.shared
    drawn = rng.multinomial(n.astype(np.int64), chance / n[:, None], size=(replicates, len(n)))
    return np.ascontiguousarray(drawn[:, held].T, dtype=np.float64)
