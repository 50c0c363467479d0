"""How far people agree: the same figures for all the work, and for any part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.annotation.labels import VERDICTS, Labels, of_rows
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.aggregation import verdicts
from prefloop.stats.agreement import percent_agreement
from prefloop.stats.alpha import krippendorff_alpha
from prefloop.stats.columns import columns
from prefloop.stats.intervals import wilson
from prefloop.stats.pairwise import pooled_kappa

__all__ = ["Agreement", "agreement", "long_format", "measure", "said"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement over the items that several people judged, and how often their vote was level.

    `split` is as in aggregation: as many for one side as for the other, and ties do not lead.
    """

    judgments: int
    overlapping: int
    percent: Estimate | NotEnough
    kappa: Estimate | NotEnough
    alpha: Estimate | NotEnough
    split: Estimate | NotEnough
    caveat: str | None = None  # why kappa's interval is not to be trusted

    def json(self) -> dict[str, Any]:
        """The figures for programs; one that cannot be had is {"not_enough": reason}."""
        return {
            "judgments": self.judgments,
            "overlapping": self.overlapping,
            "percent": self.percent.json(),
            "kappa": self.kappa.json(),
            "alpha": self.alpha.json(),
            "split": self.split.json(),
            "caveat": self.caveat,
        }


def measure(labels: Labels, seed: int, *path: str | int) -> Agreement:
    """Everything about the agreement in these judgments; `path` names the part they are."""
    if len(labels.item) == 0:
        none = NotEnough("no judgments")
        return Agreement(0, 0, none, none, none, none)
    data = columns(labels.item, labels.annotator, labels.label)
    given = labels.item, labels.annotator
    size = np.bincount(data.items)
    raw = percent_agreement(*given, labels.label)
    kappa = pooled_kappa(*given, labels.label, rng(seed, "kappa", *path))
    alpha = krippendorff_alpha(*given, labels.values, rng(seed, "alpha", *path), labels.scale)
    return Agreement(
        len(labels.item),
        int((size >= 2).sum()),
        raw if isinstance(raw, NotEnough) else raw.agreement,
        kappa if isinstance(kappa, NotEnough) else kappa.pooled,
        alpha if isinstance(alpha, NotEnough) else alpha.alpha,
        _split(data.counts, data.label_codes, labels.categories is None),
        None if isinstance(kappa, NotEnough) else kappa.caveat,
    )


def agreement(
    items: np.ndarray, annotators: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[Estimate | NotEnough, float | None]:
    """Cohen's kappa pooled over all pairs of annotators with its interval, and the pairs' mean."""
    found = pooled_kappa(items, annotators, labels, rng(seed, "kappa"))
    if isinstance(found, NotEnough):
        return found, None
    return found.pooled, found.mean


def long_format(
    rows: Sequence[Mapping[str, Any]], dimension: str | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(item, annotator, label) codes of the work in rows, overall or on one dimension.  # (N,)"""
    found = of_rows(rows, dimension)
    return found.item, found.annotator, found.label


def said(found: Estimate | NotEnough) -> str:
    """A figure in one phrase."""
    if isinstance(found, NotEnough):
        return f"not enough data: {found.reason}"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}], n={found.n}"


def _split(counts: np.ndarray, codes: np.ndarray, sides: bool) -> Estimate | NotEnough:
    """How often a vote of several people is level; counts (items, labels in use)."""
    several = counts[counts.sum(1) >= 2]
    if not len(several):
        return NotEnough("no item was judged by two annotators")
    if not sides:  # categories: no single one was given most often
        level = (several == several.max(1, keepdims=True)).sum(1) > 1
        return wilson(int(level.sum()), len(several))
    votes = {code: several[:, n].astype(np.float64) for n, code in enumerate(codes.tolist())}
    none = np.zeros(len(several))
    a, b, tie = (votes.get(VERDICTS[name], none) for name in ("a", "b", "tie"))
    return wilson(int(verdicts(a, b, tie)[1].sum()), len(several))
