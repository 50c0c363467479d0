"""Intervals of the kappas of all pairs of annotators, by item bootstrap, many pairs at a time."""

from dataclasses import dataclass

import numpy as np

from prefloop.stats.agreement import agreements, credit
from prefloop.stats.columns import Floats
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
    are redrawn as multinomials, many pairs at a time."""
    pairs, k = len(found.n), found.tables.shape[1]
    low, high = np.full(pairs, -1.0), np.full(pairs, 1.0)
    trusted = np.zeros(pairs, dtype=bool)
    worth, cells = credit(k, found.weights), found.tables.reshape(pairs, k * k)
    step = max(1, _CELLS // (replicates * k * k))
    for first in range(0, pairs, step):
        part = slice(first, first + step)
        n = found.n[part]
        drawn = rng.multinomial(n, cells[part] / n[:, None], size=(replicates, len(n)))
        _, observed, expected = agreements(drawn.reshape(-1, k, k).astype(np.float64), worth)
        none = np.full(len(observed), np.nan)
        room = 1 - expected
        kappas = np.divide(observed - expected, room, out=none, where=room > 1e-12)
        kappas = kappas.reshape(replicates, len(n))
        enough = np.isfinite(kappas).mean(0) >= _DEFINED
        ends = np.nanquantile(kappas[:, enough], [0.025, 0.975], axis=0)
        low[part][enough], high[part][enough] = ends
        labels = found.tables[part].sum(1) + found.tables[part].sum(2)  # (pairs, K)
        others = (1 - labels.max(1) / labels.sum(1)) * n
        unlike = n - np.trace(found.tables[part], axis1=1, axis2=2)
        trusted[part] = enough & (n >= TRUSTED_ITEMS) & (others >= TRUSTED_OTHERS)
        trusted[part] &= unlike >= TRUSTED_UNLIKE
    return PairIntervals(low, high, trusted, BY_BOOTSTRAP)
