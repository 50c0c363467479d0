"""From judgments to one verdict per item: the majority, and what decides when people are level.

A side wins when it has more votes than the other and at least as many as the ties; the verdict is
a tie when ties outnumber both sides. Otherwise a and b are level: the item is *split*, and only
then the tie-break rule speaks. Exchanging a and b flips every verdict and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, Ints, columns, numbers, same_length, whole

__all__ = ["Majority", "TieBreak", "majority", "verdicts"]

TieBreak = Literal["tie", "exclude"] | ArrayLike | Callable[[Ints], ArrayLike]

_LEVEL = 1e-9  # weighted votes closer than this share of the total are level


@dataclass(frozen=True, slots=True)
class Majority:
    """One verdict per item, items in ascending order of code.  # all (items,)

    `margin` is (weight for the winner - weight for the loser) / weight of all votes, 0 to 1 (0
    for a tie or where the tie-break decided); `agreement` the unweighted share of judgments that
    say what the verdict says (for an excluded item, the largest share); `decided_by` is -1 for
    the vote itself, else the position of the dimension that broke the tie, or -2 where nothing did.
    """

    items: Ints
    verdict: Ints  # 1 (a), -1 (b), 0 (tie)
    margin: Floats
    agreement: Floats
    split: np.ndarray
    excluded: np.ndarray
    decided_by: Ints
    votes: Ints  # (items, 3): for a, for b, ties


def verdicts(for_a: Floats, for_b: Floats, ties: Floats) -> tuple[Ints, np.ndarray]:
    """Verdict and split of weighted votes, element by element: the rule `majority` applies."""
    room = _LEVEL * (for_a + for_b + ties)
    level = np.abs(for_a - for_b) <= room
    tie = ties > np.maximum(for_a, for_b) + room
    verdict = np.where(level | tie, 0, np.where(for_a > for_b, 1, -1))
    return verdict.astype(np.int64), level & ~tie


def majority(
    items: ArrayLike,
    annotators: ArrayLike,
    votes: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tie_break: TieBreak = "tie",
) -> Majority:
    """Aggregate long-format votes (1 a, -1 b, 0 tie); no judgments give an empty result.

    `tie_break` says what becomes of a split item: "tie" keeps it as a tie, "exclude" leaves it
    out, and verdicts per dimension in rank order decide by the first dimension with a side, else
    it stays a tie. Those are an array (items, dimensions) in ascending order of item code, or a
    callable that is given the codes of the split items. Raises BadInput for an annotator who
    judged an item twice, a vote that is none, or a weight that is not positive.
    """
    data = columns(items, annotators, votes)
    if not np.isin(data.label_codes, (-1, 0, 1)).all():
        raise BadInput("votes must be 1 (a), -1 (b) or 0 (tie)")
    weight = np.ones(len(data.items)) if weights is None else numbers("weights", weights)
    same_length(votes=data.items, weights=weight)
    if (weight <= 0).any():
        raise BadInput("every weight must be positive: leave out judgments that do not count")
    n = len(data.item_codes)
    vote = data.label_codes.astype(np.int64)[data.labels]
    cells = data.items * 3 + np.array([2, 0, 1])[vote]  # 0 (tie) -> 2, 1 (a) -> 0, -1 (b) -> 1
    raw = np.bincount(cells, minlength=3 * n).reshape(n, 3)
    heavy: Floats = np.bincount(cells, weight[data.order], 3 * n).reshape(n, 3).astype(np.float64)
    verdict, split = verdicts(heavy[:, 0], heavy[:, 1], heavy[:, 2])
    margin = np.abs(heavy[:, 0] - heavy[:, 1]) / heavy.sum(1) * (verdict != 0)
    decided_by = np.where(split, -2, -1)
    excluded = split & (isinstance(tie_break, str) and tie_break == "exclude")
    verdict, decided_by = _break(verdict, decided_by, split, data.item_codes, tie_break)
    place = np.array([2, 0, 1])[verdict]
    said = np.where(excluded, raw.max(1, initial=0), raw[np.arange(n), place])
    return Majority(
        data.item_codes, verdict, margin, said / raw.sum(1), split, excluded, decided_by, raw
    )


def _break(
    verdict: Ints, decided_by: Ints, split: np.ndarray, items: Ints, tie_break: TieBreak
) -> tuple[Ints, Ints]:
    """Verdicts after the tie-break, and which dimension decided."""
    if isinstance(tie_break, str):
        if tie_break not in ("tie", "exclude"):
            raise BadInput(f"tie-break {tie_break!r}: use tie, exclude or verdicts per dimension")
        return verdict, decided_by
    rows = np.flatnonzero(split)
    if callable(tie_break):
        table = _dimensions(tie_break(items[rows]), len(rows))
    else:
        table = _dimensions(tie_break, len(items))[rows]
    if not len(rows) or not table.shape[1]:
        return verdict, decided_by
    first = np.argmax(table != 0, axis=1)
    side = table[np.arange(len(rows)), first]
    verdict, decided_by = verdict.copy(), decided_by.copy()
    verdict[rows] = side
    decided_by[rows] = np.where(side != 0, first, -2)
    return verdict, decided_by


def _dimensions(given: ArrayLike, rows: int) -> Ints:
    table = np.asarray(given)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != rows:
        raise BadInput(
            f"tie-break verdicts have shape {table.shape}: give ({rows} items, dimensions)"
        )
    flat = whole("tie-break verdicts", table.ravel())
    if not np.isin(flat, (-1, 0, 1)).all():
        raise BadInput("tie-break verdicts must be 1 (a), -1 (b) or 0 (tie)")
    return flat.reshape(table.shape)
