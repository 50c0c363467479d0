"""What agreement and labels would be without some people: nothing is left out by looking."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.annotation import quality
from prefloop.annotation.labels import Labels
from prefloop.core.records import Verdict
from prefloop.datasets.aggregate import aggregate, counted
from prefloop.stats import NotEnough
from prefloop.stats.aggregation import verdicts

__all__ = ["from_labels", "from_rows"]

Rows = Sequence[Mapping[str, Any]]
Ints = NDArray[np.int64]

_CHANGES = ("touched", "same", "turned", "other", "lost")
_NONE = -1  # no category: several are level


def from_rows(
    rows: Rows, rules: Sequence[str], left_out: Collection[str], seed: int
) -> dict[str, Any]:
    """Agreement and labels with everybody, and without these people.

    Labels are the majority's, by the batch's tie-break rules; where the shorter one would decide,
    the label is a tie here.
    """
    kept = [
        {**row, "judgments": [one for one in row["judgments"] if one["annotator"] not in left_out]}
        for row in rows
    ]
    changes: Counter[str] = Counter()
    for row in rows:
        before = counted(row["judgments"], ())
        after = counted(row["judgments"], left_out)
        if before and len(after) < len(before):
            changes["touched"] += 1
            changes[_change(before, after, rules)] += 1
    out = sum(len(row["judgments"]) for row in rows) - sum(len(row["judgments"]) for row in kept)
    agreement = [_kappa(*quality.long_format(some), seed) for some in (rows, kept)]
    return _said(left_out, out, agreement, changes)


def from_labels(labels: Labels, left_out: Collection[str], seed: int) -> dict[str, Any]:
    """The same for labels alone; an item's label is the one most people gave, none where level."""
    out = np.array([name in left_out for name in labels.annotators])[labels.annotator]
    before, after = _labels(labels, ~np.zeros_like(out)), _labels(labels, ~out)
    touched = np.bincount(labels.item, out, len(labels.items)) > 0
    lost = np.bincount(labels.item, ~out, len(labels.items)) == 0
    neither = 0 if labels.categories is None else _NONE
    same = before == after
    turned = ~same & (before != neither) & (after != neither)
    counts = {
        "touched": touched,
        "same": touched & same & ~lost,
        "turned": touched & turned & ~lost,
        "other": touched & ~same & ~turned & ~lost,
        "lost": touched & lost,
    }
    agreement = [
        _kappa(labels.item[some], labels.annotator[some], labels.label[some], seed)
        for some in (slice(None), ~out)
    ]
    changes = {name: int(which.sum()) for name, which in counts.items()}
    return _said(left_out, int(out.sum()), agreement, changes)


def _said(
    left_out: Collection[str],
    judgments: int,
    agreement: Sequence[dict[str, Any]],
    changes: Mapping[str, int],
) -> dict[str, Any]:
    return {
        "annotators": sorted(left_out),
        "judgments_left_out": judgments,
        "agreement": dict(zip(("with", "without"), agreement, strict=True)),
        "labels": {name: changes.get(name, 0) for name in _CHANGES},
    }


def _change(before: Any, after: Any, rules: Sequence[str]) -> str:
    if not after:
        return "lost"
    one, other = aggregate(before, rules).verdict, aggregate(after, rules).verdict
    if one == other:
        return "same"
    return "turned" if {one, other} == {Verdict.A, Verdict.B} else "other"


def _labels(labels: Labels, kept: NDArray[np.bool_]) -> Ints:
    """What the people kept say of each item, in the end.  # (I,)"""
    several = len(labels.items)

    def votes(code: int) -> NDArray[np.float64]:
        given = kept & (labels.label == code)
        return np.bincount(labels.item, given, several).astype(np.float64)

    if labels.categories is None:
        return verdicts(votes(1), votes(-1), votes(0))[0]
    counts = np.stack([votes(code) for code in range(len(labels.categories))])  # (K, I)
    top = counts.max(0)
    return np.where((counts == top).sum(0) == 1, counts.argmax(0), _NONE).astype(np.int64)


def _kappa(item: Ints, annotator: Ints, label: Ints, seed: int) -> dict[str, Any]:
    if len(item) == 0:
        return NotEnough("no judgments are left").json()
    return quality.agreement(item, annotator, label, seed)[0].json()
