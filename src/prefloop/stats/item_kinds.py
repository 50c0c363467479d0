"""Items that received the same labels, whoever gave them, are of one kind.

Agreement measures see an item only by how often it received each label, and a million items have a
handful of such patterns. So a measure is a function of how many items there are of each kind, and
its bootstrap over items a multinomial draw: exact, and for a million items as fast as for a
hundred.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from prefloop.core.digest import rng as derived
from prefloop.stats.columns import Columns, Floats, Ints, compact
from prefloop.stats.resampling import Statistic, bootstrap, random_groups
from prefloop.stats.result import NotEnough

__all__ = ["Kinds", "kinds", "over_items"]

_AT_MOST = 2000  # kinds drawn one by one; more are drawn by random groups of items


@dataclass(frozen=True, slots=True)
class Kinds:
    """One item of each kind, and how many there are of it."""

    first: Columns  # the judgments of one item per kind; its item codes are 0..P-1
    items: Ints  # (P,) how many items are of the kind
    of: Ints  # (items,) the kind of every item

    @property
    def counts(self) -> Ints:
        """How often an item of each kind received each label.  # (P, labels)"""
        return self.first.counts


def kinds(data: Columns, least: int = 1) -> Kinds:
    """The kinds of items judged at least `least` times. Labels keep their codes."""
    size = np.diff(data.starts)
    keep = size >= least
    if not len(size) or not keep.any():
        none = np.zeros(0, np.int64)
        return Kinds(_rows(data, np.zeros(0, bool), none), none, none)
    names = np.add.reduceat(_weights(data, int(size.max()))[data.labels], data.starts[:-1])
    found, of = compact(names[keep])
    shown = np.empty(len(found), np.int64)
    at = np.flatnonzero(keep)
    shown[of[::-1]] = at[::-1]  # the first item of each kind
    place = np.full(len(size), -1)
    place[shown] = np.arange(len(found))
    return Kinds(_rows(data, place >= 0, place), np.bincount(of).astype(np.int64), of)


def over_items(
    sums: Floats | sparse.csr_array,
    found: Kinds,
    statistic: Statistic,
    rng: np.random.Generator,
    replicates: int,
    width: int = 1,
) -> Floats | NotEnough:
    """Sorted replicates, over items drawn with replacement, of a statistic of sums (R, S).

    `sums` (P, S) is what one item of each kind adds. The statistic must be one of ratios: of very
    many kinds random groups of items are drawn, whose sizes differ by one.
    """
    units, of_each = len(found.items), found.items
    if units <= _AT_MOST:
        return bootstrap(
            lambda drawn: statistic(np.asarray(drawn @ sums)),
            units,
            rng,
            replicates=replicates,
            width=max(width, sums.shape[1]),
            of_each=of_each,
        )
    group = random_groups(len(found.of), rng)
    shape = int(group.max()) + 1, units
    folded = sparse.csr_array((np.ones(len(group)), (group, found.of)), shape=shape) @ sums
    return bootstrap(
        lambda drawn: statistic(np.asarray(drawn @ folded)),
        shape[0],
        rng,
        replicates=replicates,
        width=max(width, sums.shape[1]),
    )


def _weights(data: Columns, most: int) -> Ints:
    """One whole number per label whose sum over an item names its labels.  # (labels,)

    Digits of a number to the base of the most judgments + 1 where that is small, and else random
    64-bit numbers: two of a million unlike patterns then collide once in forty million worlds.
    """
    k, base = len(data.label_codes), most + 1
    if k * np.log2(base) < np.log2(4 * len(data.item_codes) + 1024):
        return np.asarray(base ** np.arange(k), dtype=np.int64)
    return derived(0, "kinds").integers(-(2**63), 2**63 - 1, k, dtype=np.int64)


def _rows(data: Columns, shown: np.ndarray, place: Ints) -> Columns:
    keep = shown[data.items] if len(shown) else np.zeros(0, bool)
    item = place[data.items[keep]] if len(shown) else np.zeros(0, np.int64)
    order = np.argsort(item, kind="stable")
    return Columns(
        item[order],
        data.annotators[keep][order],
        data.labels[keep][order],
        np.arange(int(shown.sum())),
        data.annotator_codes,
        data.label_codes,
        np.flatnonzero(keep)[order],
    )
