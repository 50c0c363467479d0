"""What a measure says when the data give no number, or none whose interval can be trusted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefloop.stats.columns import Columns, Ints

__all__ = [
    "BY_BOOTSTRAP",
    "BY_LARGE_SAMPLES",
    "OF_OTHER_PEOPLE",
    "TRUSTED_ITEMS",
    "TRUSTED_OTHERS",
    "TRUSTED_UNLIKE",
    "NotEnough",
    "interval_caveat",
    "judgments_caveat",
]

# What an interval speaks of, and how it was found.
BY_BOOTSTRAP = "items random, annotators fixed (bootstrap)"
BY_LARGE_SAMPLES = "items random, annotators fixed (large samples)"
OF_OTHER_PEOPLE = "annotators random, items fixed (bootstrap)"

TRUSTED_ITEMS, TRUSTED_OTHERS, TRUSTED_UNLIKE = 100, 60, 10


@dataclass(frozen=True, slots=True)
class NotEnough:
    """There is no number to report; `reason` is one line that says why."""

    reason: str

    def json(self) -> dict[str, str]:
        """The form every report uses in the place of an estimate."""
        return {"not_enough": self.reason}


def interval_caveat(
    counts: NDArray[np.int64], times: NDArray[np.int64] | None = None, skew: bool = True
) -> str | None:
    """Why an agreement interval that claims 95 % is not to be trusted, or None.

    counts (items, K) of each label; with `times` a row is a kind of items, of which there are so
    many. By simulation of two people, 95 % intervals cover 88 to 91 % of the time with 20 items and
    79 % where nine in ten of their truths are alike, 91 to 94 % with 50, and 91 % with 300 of which
    six are judged unlike. So fewer than 100 items, fewer than 60 items' worth of labels that are
    not the commonest (unless `skew` is no matter), and fewer than 10 items on which people differ
    are said.
    """
    shared = counts.sum(1) >= 2
    counts = counts[shared]
    each = np.ones(len(counts), np.int64) if times is None else times[shared]
    unlike = int(each[counts.max(1) < counts.sum(1)].sum())
    return _caveat(int(each.sum()), each @ counts, unlike, skew)


def judgments_caveat(data: Columns) -> str | None:
    """`interval_caveat` of judgments as they stand, without a table of items x labels."""
    size = np.diff(data.starts)
    shared = size >= 2
    labels = np.bincount(data.labels[shared[data.items]], minlength=len(data.label_codes))
    # An item is of one mind where no label follows another one of the same item.
    other = (np.diff(data.labels) != 0) & (np.diff(data.items) == 0)
    unlike = len(np.unique(data.items[1:][other]))
    return _caveat(int(shared.sum()), labels, unlike, skew=True)


def _caveat(n: int, labels: Ints, unlike: int, skew: bool) -> str | None:
    if n < TRUSTED_ITEMS:
        return f"{n} items judged twice: under {TRUSTED_ITEMS} the interval is too narrow"
    others = (1 - labels.max() / labels.sum()) * n
    if skew and others < TRUSTED_OTHERS:
        worth = f"{others:.0f} items' worth are not the commonest"
        return f"labels are skewed: {worth}, under {TRUSTED_OTHERS}"
    if unlike < TRUSTED_UNLIKE:
        return f"people differ on {unlike} items: under {TRUSTED_UNLIKE} the interval is too narrow"
    return None
