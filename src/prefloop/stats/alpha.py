"""Krippendorff's alpha: any number of annotators, missing judgments, four scales of measurement.

From the coincidence matrix (Krippendorff 2011, sections C-E), built sparsely: items judged once are
dropped, and an item with m judgments weighs each of its pairs 1/(m-1). The interval resamples
items and keeps the annotators; it recomputes the expected disagreement with each resample, unlike
Krippendorff's own bootstrap, which holds it fixed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Columns, Floats, columns
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import NotEnough, interval_caveat

__all__ = ["Alpha", "Scale", "krippendorff_alpha"]

Scale = Literal["nominal", "ordinal", "interval", "ratio"]

_FEW = 7  # labels up to which the coincidences are summed cell after cell
_VALUES = 2048  # distinct labels: the coincidence matrix has their square


@dataclass(frozen=True, slots=True)
class Alpha:
    """Alpha with its 95 % interval (n counts items judged twice or more), and the number of
    judgments in them."""

    alpha: Estimate
    judgments: int
    caveat: str | None = None  # why the interval is not to be trusted


def krippendorff_alpha(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator,
    scale: Scale = "nominal",
    replicates: int = 1000,
) -> Alpha | NotEnough:
    """Alpha of judgments in long format; labels are numbers whose meaning `scale` says.

    Raises BadInput for a negative label on a ratio scale or more than 2,048 distinct labels.
    """
    data = columns(items, annotators, labels, numeric=True)
    values = data.label_codes.astype(np.float64)
    _check(values, scale)
    size = np.bincount(data.items, minlength=len(data.item_codes))
    units = int((size >= 2).sum())
    if units == 0:
        return NotEnough("no item was judged by two annotators")
    groups = np.zeros(len(size), dtype=np.int64)
    groups[size >= 2] = random_groups(units, rng)
    statistic = _AlphaOf(data, groups, values, scale)
    alpha = float(statistic(np.ones((1, statistic.groups)))[0])
    if not np.isfinite(alpha):
        return NotEnough("every judgment that can be compared has one and the same label")
    found = bootstrap(
        statistic, statistic.groups, rng, replicates=replicates, width=4 * len(values) ** 2
    )
    if isinstance(found, NotEnough):
        return found
    low, high = percentiles(found)
    caveat = interval_caveat(data.counts) if scale == "nominal" or units < 100 else None
    return Alpha(Estimate(alpha, low, high, units), int(size[size >= 2].sum()), caveat)


class _AlphaOf:
    """Alpha as a function of how often each group of items was drawn."""

    def __init__(self, data: Columns, groups: np.ndarray, values: Floats, scale: Scale) -> None:
        self.values, self.scale, self.groups = values, scale, int(groups.max()) + 1
        if len(values) <= _FEW:
            self.sums = sparse.csr_array(_few(data, groups, self.groups))
            return
        rows, cols, mass = _coincidences(data)
        k = len(values)
        at = groups[rows], cols
        self.sums = sparse.csr_array((mass, at), shape=(self.groups, k * k))
        self.sums.sum_duplicates()

    def __call__(self, drawn: Floats) -> Floats:
        k = len(self.values)
        seen = np.asarray(drawn @ self.sums).reshape(len(drawn), k, k)  # coincidences
        margin = seen.sum(2)  # n_c: (R, K)
        n = margin.sum(1)
        gap = _gap(self.values, margin, self.scale)
        observed = (seen * gap).sum((1, 2))
        expected = np.einsum("rc,rck,rk->r", margin, gap, margin, optimize=True)
        none = np.full(len(drawn), np.nan)
        ratio = np.divide((n - 1) * observed, expected, out=none, where=expected > 0)
        return np.asarray(1 - ratio)


def _few(data: Columns, groups: np.ndarray, n_groups: int) -> Floats:
    """The same as `_coincidences`, summed by group, where labels are few: cell after cell, without
    a list of pairs.  # (groups, K * K)"""
    counts = np.ascontiguousarray(data.counts.T)  # (K, items)
    size = counts.sum(0)
    weight = np.where(size >= 2, 1 / np.maximum(size - 1, 1), 0.0)
    k = len(counts)
    sums = np.zeros((k, k, n_groups))
    for c in range(k):
        own = counts[c] * weight
        for other in range(c, k):
            mass = own * (counts[other] - (c == other))
            sums[c, other] = sums[other, c] = np.bincount(groups, mass, n_groups)
    return np.ascontiguousarray(sums.reshape(k * k, n_groups).T)


def _coincidences(data: Columns) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Item, cell (c * K + k) and mass o_ck / (m - 1) of every pair of labels within an item."""
    k = len(data.label_codes)
    counts = sparse.csr_array(
        (np.ones(len(data.items)), (data.items, data.labels)), shape=(len(data.item_codes), k)
    )
    counts.sum_duplicates()
    size = np.diff(data.starts)
    per_item = np.diff(counts.indptr)  # distinct labels of each item
    owner = np.repeat(np.arange(len(per_item)), per_item)
    fan = per_item[owner]  # each (item, label) meets every label of its item
    left = np.repeat(np.arange(len(owner)), fan)
    step = np.arange(len(left)) - np.repeat(np.cumsum(fan) - fan, fan)
    right = counts.indptr[owner[left]] + step
    mass = counts.data[left] * (counts.data[right] - (left == right))
    item = owner[left]
    keep = (size[item] >= 2) & (mass > 0)
    item, left, right, mass = item[keep], left[keep], right[keep], mass[keep]
    cell = counts.indices[left].astype(np.int64) * k + counts.indices[right]
    return item, cell, np.asarray(mass / (size[item] - 1), dtype=np.float64)


def _gap(values: Floats, margin: Floats, scale: Scale) -> Floats:
    """Squared difference of every two values (R or 1, K, K), Krippendorff 2011, section E."""
    row, col = values[:, None], values[None, :]
    if scale == "nominal":
        return np.asarray(row != col, dtype=np.float64)[None]
    if scale == "interval":
        return np.asarray((row - col) ** 2)[None]
    if scale == "ratio":
        total = row + col
        share = np.divide(row - col, total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(share**2)[None]
    # Ordinal: the ranks between c and k, each end counted half.
    middle = np.cumsum(margin, axis=1) - margin / 2  # (R, K)
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)


def _check(values: Floats, scale: Scale) -> None:
    if scale not in ("nominal", "ordinal", "interval", "ratio"):
        raise BadInput(f"scale {scale!r}: use nominal, ordinal, interval or ratio")
    if scale == "ratio" and len(values) and values.min() < 0:
        raise BadInput("a ratio scale starts at 0: a label is negative, use interval")
    if len(values) > _VALUES:
        raise BadInput(f"{len(values)} distinct labels: round them to at most {_VALUES}")
