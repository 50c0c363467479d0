"""How far two people agree: in percent, and beyond chance (Cohen's kappa).

`pairwise` has every two of many annotators in one pass; `multirater` the measures that take all of
them at once; `alpha` Krippendorff's, for any scale and missing judgments.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, columns, compact, same_length, whole
from prefloop.stats.intervals import cluster_mean
from prefloop.stats.result import NotEnough, interval_caveat

__all__ = [
    "Kappa",
    "Weights",
    "cohen_kappa",
    "credit",
    "percent_agreement",
]

Weights = Literal["unweighted", "linear", "quadratic"]

_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Kappa:
    """Kappa with its 95 % interval, the agreement seen and expected, and the standard errors: of
    the estimate, and under chance alone. The interval is that of large samples and has no width
    where the two never differ: read n beside it."""

    kappa: Estimate
    observed: float
    expected: float
    se: float
    se_null: float
    caveat: str | None = None  # why the interval is not to be trusted


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    weights: Weights = "unweighted",
    categories: int | None = None,
) -> Kappa | NotEnough:
    """Cohen 1960, 1968: two annotators' labels (N,) of the same items.

    Labels are ranked among those in use; with `categories` they are 0..categories-1 as given, so
    that an unused one keeps its place between its neighbours.
    """
    table = _table(first, second, categories)
    n = float(table.sum())
    if n == 0:
        return NotEnough("the two annotators share no item")
    share = table / n  # (K, K)
    rows, cols = share.sum(1), share.sum(0)
    worth = credit(len(share), weights)
    observed, expected = float((worth * share).sum()), float(rows @ worth @ cols)
    if expected >= 1 - 1e-12:
        return NotEnough("both annotators used one and the same category throughout")
    kappa = (observed - expected) / (1 - expected)
    # Fleiss, Cohen, Everitt 1969, Psych. Bull. 72:323, eq. 8 (the estimate) and 9 (chance alone).
    margin = (worth @ cols)[:, None] + (worth.T @ rows)[None, :]
    centre = kappa - expected * (1 - kappa)
    spread = float((share * (worth - margin * (1 - kappa) - centre) ** 2).sum())
    null = float((np.outer(rows, cols) * (worth - margin + expected) ** 2).sum())
    scale = (1 - expected) * np.sqrt(n)
    se = float(np.sqrt(spread) / scale)
    low, high = max(-1.0, kappa - _Z * se), min(1.0, kappa + _Z * se)
    found = Estimate(kappa, low, high, int(n))
    # Each label of one annotator beside one of the other, as counts per item.
    eye = np.eye(len(table), dtype=np.int64)
    pairs = (eye[:, None, :] + eye[None, :, :]).reshape(-1, len(table))
    counts = np.repeat(pairs, table.ravel().astype(np.int64), axis=0)
    caveat = interval_caveat(counts)
    return Kappa(found, observed, expected, se, float(np.sqrt(null) / scale), caveat)


def percent_agreement(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike
) -> Estimate | NotEnough:
    """The share of agreeing pairs of judgments per item, averaged over items judged at least
    twice (Fleiss' P-bar); n counts those items."""
    counts = columns(items, annotators, labels).counts
    size = counts.sum(1)
    shared = size >= 2
    if not shared.any():
        return NotEnough("no item was judged by two annotators")
    size, counts = size[shared], counts[shared]
    agree = ((counts * (counts - 1)).sum(1)) / (size * (size - 1))
    return cluster_mean(agree, np.arange(len(agree)))


def _table(first: ArrayLike, second: ArrayLike, categories: int | None) -> Floats:
    a, b = whole("first", first), whole("second", second)
    same_length(first=a, second=b)
    both = np.concatenate([a, b])
    if categories is None:
        distinct, both = compact(both)
        k = len(distinct)
    else:
        k = categories
        if len(both) and (both.min() < 0 or both.max() >= k):
            raise BadInput(f"a label lies outside 0..{k - 1}: give every category a code")
    cells = both[: len(a)] * k + both[len(a) :]
    return np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.float64)


def credit(k: int, weights: Weights) -> Floats:
    """Credit for a pair of categories: 1 on the diagonal, down to 0 for the farthest.  # (K, K)"""
    if weights not in ("unweighted", "linear", "quadratic"):
        raise BadInput(f"weights {weights!r}: use unweighted, linear or quadratic")
    gap = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if weights == "unweighted" or k < 2:
        return np.eye(k)
    return 1 - (gap / (k - 1)) ** (1 if weights == "linear" else 2)
