"""How far each annotator agrees with everybody else who judged the same items, all in one pass.

For one annotator every item counts once: their label against the shares of the others' labels.

    observed = mean of the others' share that says the same
    expected = sum over labels of (share of own labels) x (mean share of the others' labels)
    kappa    = (observed - expected) / (1 - expected)

With one other annotator this is Cohen 1960. The interval is linearised over items (Cohen's
large-sample variance is the same sum, Fleiss, Cohen and Everitt 1969, eq. 8): the item is the unit,
these annotators are fixed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, stats

from prefloop.core.records import Estimate
from prefloop.stats.columns import Columns, Floats, Ints, columns
from prefloop.stats.intervals import cluster_mean
from prefloop.stats.result import NotEnough

__all__ = ["WithOthers", "with_others"]


@dataclass(frozen=True, slots=True)
class WithOthers:
    """One annotator beside the others; n counts the items they share with anybody.

    Kappa's interval has no width where the two sides never differ: read percent's beside it.
    """

    percent: Estimate
    kappa: Estimate | NotEnough


def with_others(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike
) -> dict[int, WithOthers | NotEnough]:
    """{annotator's code: agreement with everybody else} of long-format judgments (N,).

    Somebody who shares no item is NotEnough, and so is the kappa of somebody who, like the others,
    used one and the same label throughout. Raises BadInput for an annotator who judged twice.
    """
    data = columns(items, annotators, labels)
    shape = len(data.item_codes), len(data.label_codes)
    said = np.ones(len(data.items)), (data.items, data.labels)
    counts = sparse.csr_array(said, shape=shape)  # items of many labels are mostly empty
    size = np.diff(data.starts)[data.items]
    order = np.argsort(data.annotators, kind="stable")
    order = order[size[order] >= 2]
    edges = np.searchsorted(data.annotators[order], np.arange(len(data.annotator_codes) + 1))
    found: dict[int, WithOthers | NotEnough] = {}
    for code, start, end in zip(data.annotator_codes.tolist(), edges, edges[1:], strict=False):
        rows = order[start:end]
        own = np.eye(shape[1])[data.labels[rows]]
        rest = (counts[data.items[rows]].toarray() - own) / (size[rows] - 1)[:, None]
        found[int(code)] = _one(data, rows, rest)
    return found


def _one(data: Columns, rows: Ints, rest: Floats) -> WithOthers | NotEnough:
    if len(rows) == 0:
        return NotEnough("nobody else judged what they judged")
    own = data.labels[rows]
    same = rest[np.arange(len(rows)), own]
    percent = cluster_mean(same, np.arange(len(rows)))
    return WithOthers(percent, _kappa(own, same, rest))


def _kappa(own: Ints, same: Floats, rest: Floats) -> Estimate | NotEnough:
    n, k = rest.shape
    mine, theirs = np.bincount(own, minlength=k) / n, rest.mean(0)  # (K,)
    seen, chance = float(same.mean()), float(mine @ theirs)
    if chance >= 1 - 1e-12:
        return NotEnough("they and the others used one and the same label throughout")
    if n < 2:
        return NotEnough("one shared item: an interval needs at least 2")
    value = (seen - chance) / (1 - chance)
    # Each item's influence: on agreement seen, and through both margins on chance.
    moved = theirs[own] + rest @ mine - 2 * chance
    own_part = (same - seen) - (1 - value) * moved
    se = float(np.sqrt((own_part**2).sum() / (n * (n - 1)))) / (1 - chance)
    half = float(stats.t.ppf(0.975, n - 1)) * se
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), n)
