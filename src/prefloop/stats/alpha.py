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
from prefloop.stats.columns import Floats, columns
from prefloop.stats.item_kinds import Kinds, kinds, over_items
from prefloop.stats.other_people import Resample, check, over_people, pair_sums, people_caveat
from prefloop.stats.resampling import percentiles
from prefloop.stats.result import BY_BOOTSTRAP, OF_OTHER_PEOPLE, NotEnough, interval_caveat

__all__ = ["Alpha", "Scale", "krippendorff_alpha"]

Scale = Literal["nominal", "ordinal", "interval", "ratio"]

_CELLS = 4_000_000  # numbers held at a time: 32 MB
_VALUES = 2048  # distinct labels: the coincidence matrix has their square


@dataclass(frozen=True, slots=True)
class Alpha:
    """Alpha with its 95 % interval (n counts what is random: items judged twice or more, or
    annotators), and the number of judgments of such items."""

    alpha: Estimate
    judgments: int
    interval: str  # what it speaks of, and how it was found
    caveat: str | None = None  # why the interval is not to be trusted


def krippendorff_alpha(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator,
    scale: Scale = "nominal",
    replicates: int = 1000,
    resample: Resample = "items",
) -> Alpha | NotEnough:
    """Alpha of judgments in long format; labels are numbers whose meaning `scale` says. The
    interval is by bootstrap of items, or of annotators: then it speaks of other people. Where too
    few resamples of items have an alpha it is all of -1 to 1, and `caveat` says why.

    Raises BadInput for a negative label on a ratio scale or more than 2,048 distinct labels.
    """
    check(resample, rng)
    data = columns(items, annotators, labels, numeric=True)
    values = data.label_codes.astype(np.float64)
    _check(values, scale)
    found = kinds(data, least=2)
    units = len(found.of)
    if units == 0:
        return NotEnough("no item was judged by two annotators")
    statistic = _AlphaOf(values, scale)
    sums = _coincidences(found)
    alpha = float(statistic((found.items.astype(np.float64) @ sums)[None])[0])
    if not np.isfinite(alpha):
        return NotEnough("every judgment that can be compared has one and the same label")
    size = np.diff(found.first.starts)
    judgments = int(found.items @ size)
    if resample == "annotators":
        others = over_people(data, lambda at: statistic(pair_sums(at)), rng, replicates)
        if isinstance(others, NotEnough):
            return others
        people = Estimate(alpha, *percentiles(others), n=len(data.annotator_codes))
        return Alpha(people, judgments, OF_OTHER_PEOPLE, people_caveat(data))
    if units < 2:
        return NotEnough("one item judged twice: an interval needs at least 2")
    drawn = over_items(sums, found, statistic, rng, replicates, width=4 * len(values) ** 2)
    if isinstance(drawn, NotEnough):
        return Alpha(Estimate(alpha, -1.0, 1.0, units), judgments, BY_BOOTSTRAP, drawn.reason)
    caveat = None
    if len(size) * len(values) <= _CELLS:  # beyond, items are many and of many kinds
        caveat = interval_caveat(found.counts, found.items, skew=scale == "nominal")
    low, high = percentiles(drawn)
    return Alpha(Estimate(alpha, low, high, units), judgments, BY_BOOTSTRAP, caveat)


class _AlphaOf:
    """Alpha as a function of coincidences (R, K * K)."""

    def __init__(self, values: Floats, scale: Scale) -> None:
        self.values, self.scale = values, scale

    def __call__(self, sums: Floats) -> Floats:
        k = len(self.values)
        seen = sums.reshape(len(sums), k, k)
        margin = seen.sum(2)  # n_c: (R, K)
        n = margin.sum(1)
        gap = _gap(self.values, margin, self.scale)
        observed = (seen * gap).sum((1, 2))
        expected = np.einsum("rc,rck,rk->r", margin, gap, margin, optimize=True)
        none = np.full(len(sums), np.nan)
        ratio = np.divide((n - 1) * observed, expected, out=none, where=expected > 0)
        return np.asarray(1 - ratio)


def _coincidences(found: Kinds) -> sparse.csr_array:
    """o_ck / (m - 1) of every two labels within an item of each kind.  # (P, K * K)"""
    data = found.first
    k = len(data.label_codes)
    ones = np.ones(len(data.items))
    counts = sparse.csr_array((ones, (data.items, data.labels)), shape=(len(found.items), k))
    counts.sum_duplicates()
    per_item = np.diff(counts.indptr)  # distinct labels of each item
    owner = np.repeat(np.arange(len(per_item)), per_item)
    fan = per_item[owner]  # each (item, label) meets every label of its item
    left = np.repeat(np.arange(len(owner)), fan)
    step = np.arange(len(left)) - np.repeat(np.cumsum(fan) - fan, fan)
    right = counts.indptr[owner[left]] + step
    mass = counts.data[left] * (counts.data[right] - (left == right))
    left, right, mass = left[mass > 0], right[mass > 0], mass[mass > 0]
    cell = counts.indices[left].astype(np.int64) * k + counts.indices[right]
    share = mass / (np.diff(data.starts)[owner[left]] - 1)
    return sparse.csr_array((share, (owner[left], cell)), shape=(len(found.items), k * k))


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
