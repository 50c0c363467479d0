"""Chance-corrected agreement of any number of annotators: Fleiss' kappa, Scott's pi, Gwet's AC1
and, with partial credit, AC2.

They differ only in what chance means: for kappa and pi two draws from the pooled labels, for AC1 a
guess on the items that are hard (Gwet 2008), which stays sane when nearly all labels are alike.
Items may have different numbers of judgments (Gwet 2014, ch. 2); with equal numbers kappa is that
of Fleiss 1971, with two annotators it is Scott's pi. Intervals hold the annotators fixed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.agreement import Weights, credit
from prefloop.stats.columns import Floats, Ints, columns, same_length, whole
from prefloop.stats.result import NotEnough, interval_caveat

__all__ = [
    "Multirater",
    "fleiss_chance_z",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "scott_pi",
]


@dataclass(frozen=True, slots=True)
class Multirater:
    """A coefficient with its 95 % interval (n counts items), agreement seen and expected.

    `by_category` maps a label to the coefficient of that label against all others, where both
    occur.
    """

    coefficient: Estimate
    observed: float
    expected: float
    se: float
    by_category: dict[int, float]
    caveat: str | None = None  # why the interval is not to be trusted


def fleiss_kappa(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike
) -> Multirater | NotEnough:
    """Fleiss 1971 over long-format judgments; items judged once inform chance only."""
    data = columns(items, annotators, labels)
    return _coefficient(data.counts, data.label_codes.astype(np.int64), "kappa")


def gwet_ac1(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, categories: int | None = None
) -> Multirater | NotEnough:
    """Gwet 2008 over long-format judgments. `categories` counts those offered, by default those
    in use; an offered category nobody used still makes a lucky guess less likely."""
    data = columns(items, annotators, labels)
    used = len(data.label_codes)
    if categories is not None and categories < used:
        raise BadInput(f"{used} categories are in use, {categories} were said to be offered")
    return _coefficient(data.counts, data.label_codes.astype(np.int64), "ac1", categories)


def gwet_ac2(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    weights: Weights = "quadratic",
    categories: int | None = None,
) -> Multirater | NotEnough:
    """AC1 with partial credit for ordered labels (Gwet 2014, eq. 4.3 and 5.9).

    Labels are ranked among those in use; with `categories` they are 0..categories-1 as given, so
    that an unused one keeps its place between its neighbours.
    """
    data = columns(items, annotators, labels)
    codes, counts = data.label_codes.astype(np.int64), data.counts
    if categories is not None:
        if len(codes) and (codes.min() < 0 or codes.max() >= categories):
            raise BadInput(f"a label lies outside 0..{categories - 1}: give every category a code")
        wide = np.zeros((len(counts), categories), dtype=np.int64)
        wide[:, codes] = counts
        codes, counts = np.arange(categories), wide
    return _coefficient(counts, codes, "ac1", None, weights)


def fleiss_chance_z(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike
) -> float | NotEnough:
    """Fleiss' kappa over its standard error under chance alone (Fleiss, Nee and Landis 1979,
    eq. 12). Needs the same number of judgments, two or more, on every item."""
    data = columns(items, annotators, labels)
    kappa = _coefficient(data.counts, data.label_codes.astype(np.int64), "kappa")
    if isinstance(kappa, NotEnough):
        return kappa
    size = data.counts.sum(1)
    if (size != size[0]).any():
        return NotEnough("items have different numbers of judgments: use the interval of kappa")
    n, m = len(size), int(size[0])
    p = data.counts.sum(0) / (n * m)
    pq = float(p @ (1 - p))
    spread = pq**2 - float((p * (1 - p)) @ (1 - 2 * p))
    return float(kappa.coefficient.estimate * pq / np.sqrt(2 * spread / (n * m * (m - 1))))


def scott_pi(first: ArrayLike, second: ArrayLike) -> Multirater | NotEnough:
    """Scott 1955: two annotators' labels (N,) of the same items."""
    a, b = whole("first", first), whole("second", second)
    same_length(first=a, second=b)
    item = np.arange(len(a))
    who = np.repeat([0, 1], len(a))
    return fleiss_kappa(np.concatenate([item, item]), who, np.concatenate([a, b]))


def _coefficient(
    counts: Ints,
    codes: Ints,
    chance: str,
    categories: int | None = None,
    weights: Weights = "unweighted",
) -> Multirater | NotEnough:
    size = counts.sum(1)  # judgments per item
    shared = size >= 2
    n, n_shared = len(counts), int(shared.sum())
    if n_shared < 2:
        return NotEnough(f"{n_shared} items were judged by two annotators: at least 2 are needed")
    share = counts / size[:, None]  # (items, K)
    overall = share.mean(0)  # (K,)
    worth = credit(len(codes), weights)
    agree = _agree(counts, size, worth)
    seen = float(agree[shared].mean())
    if chance == "ac1":
        k = len(codes) if categories is None else categories
        if k < 2:
            return NotEnough("only one category is in use: say how many were offered")
        lucky = (worth.sum() + k - len(codes)) / (k * (k - 1))  # T_w / (K (K - 1))
        per_item, expected = lucky * (share @ (1 - overall)), lucky * (overall @ (1 - overall))
    else:
        per_item, expected = share @ overall, overall @ overall
    if expected >= 1 - 1e-12:
        return NotEnough("only one category is in use: chance alone agrees on everything")
    value = (seen - expected) / (1 - expected)
    # Gwet 2014, eq. 5.16 ff.: each item's influence, agreement and chance both linearised.
    own = np.where(shared, n / n_shared * (agree - expected) / (1 - expected), 0.0)
    own = own - 2 * (1 - value) * (per_item - expected) / (1 - expected)
    se = float(np.sqrt(((own - value) ** 2).sum() / (n - 1) / n))
    half = float(stats.t.ppf(0.975, n - 1)) * se
    found = Estimate(float(value), max(-1.0, float(value - half)), min(1.0, float(value + half)), n)
    parts = {} if chance == "ac1" else _by_category(counts, size, codes)
    return Multirater(found, seen, float(expected), se, parts, interval_caveat(counts))


def _agree(counts: Ints, size: Ints, worth: Floats) -> Floats:
    """The mean credit of pairs of judgments per item; 0 where there is no pair.  # (items,)"""
    pairs = np.maximum(size * (size - 1), 1)
    return np.asarray((counts * (counts @ worth - 1)).sum(1) / pairs, dtype=np.float64)


def _by_category(counts: Ints, size: Ints, codes: Ints) -> dict[int, float]:
    """Each label against the rest (Fleiss 1971, Table 2)."""
    shared = size >= 2
    found = {}
    for label, mine in zip(codes.tolist(), counts.T, strict=True):
        overall = float((mine / size).mean())
        if not 0 < overall < 1:
            continue
        expected = overall**2 + (1 - overall) ** 2
        two = np.stack([mine, size - mine], axis=1)
        seen = float(_agree(two, size, np.eye(2))[shared].mean())
        found[int(label)] = (seen - expected) / (1 - expected)
    return found
