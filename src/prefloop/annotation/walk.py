"""Where an annotator is in a queue, and the items before and behind them.

An annotator walks each lane of the queue with a cursor, so finding work is one index seek however
many items there are or were judged; a cursor never goes back over what its annotator had. Items
whose lease ran out go to the end, ahead of every cursor. Who finds nothing ahead looks back over
what others had locked, one window at a time: on the next turn the look goes on where it stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.annotation import queries
from prefloop.annotation.campaigns import Campaign
from prefloop.core.records import Purpose
from prefloop.store.engine import Transaction

__all__ = ["Walk", "ahead", "begin", "find", "passed"]

_WINDOW = 400  # items looked at per turn by somebody who finds nothing ahead
_LAST = 2**62
Row = Any


@dataclass(slots=True)
class Walk:
    """Where one annotator is in one campaign's queue. `cursors` has, by lane, the position of the
    last item passed, and the same for gold, ranked work, looks back and checks."""

    tx: Transaction
    campaign: Campaign
    annotator: str
    row: Row
    issued: int
    repeated: int
    cursors: dict[str, int]
    ranked: bool  # whether anything has priority

    def keep(self) -> None:
        """Remember it."""
        before = (self.row.issued, self.row.repeated, self.row.cursors)
        if (self.issued, self.repeated, self.cursors) != before:
            queries.save_progress(self.tx, self.row, self.issued, self.repeated, self.cursors)


def begin(tx: Transaction, campaign: Campaign, annotator: str, ranked: bool) -> Walk:
    """Where the annotator is; locked, so that two windows of one person take turns."""
    row = queries.progress(tx, campaign.id, annotator)
    return Walk(tx, campaign, annotator, row, row.issued, row.repeated, dict(row.cursors), ranked)


def find(walk: Walk, lanes: Sequence[str], count: int, kind: str, purpose: Purpose) -> list[Row]:
    """Up to `count` items this annotator has not had, in queue order."""
    return ahead(walk, lanes, count, kind, purpose) or _behind(walk, lanes, count, kind, purpose)


def ahead(
    walk: Walk,
    lanes: Sequence[str],
    count: int,
    kind: str,
    purpose: Purpose,
    order: queries.Order = "position",
) -> list[Row]:
    """Items beyond the cursors. Where nothing is left, the cursor goes to the end of its lane, so
    that what the annotator had is passed once."""
    found, name = list[Row](), _name(kind, order)
    for lane in lanes:
        after = walk.cursors.get(name + lane, 0)
        rows = _free(walk, lane, after, count, kind, purpose, order=order)
        if not rows:
            end = queries.lane_end(walk.tx, walk.campaign.id, lane, kind, order)
            if end > after:  # what was added a moment ago, between the two questions, counts
                rows = _free(walk, lane, after, count, kind, purpose, order=order, upto=end)
                walk.cursors[name + lane] = after if rows else end
        found += rows
    return sorted(found, key=lambda row: row.place)[:count]


def _behind(walk: Walk, lanes: Sequence[str], count: int, kind: str, purpose: Purpose) -> list[Row]:
    """Items that were locked by somebody else when the annotator passed, in the next window."""
    found = list[Row]()
    for lane in lanes:
        name = f"back {_name(kind)}{lane}"
        after = walk.cursors.get(name, 0)
        end = queries.window_end(walk.tx, walk.campaign.id, lane, after, _WINDOW, kind)
        rows = _free(walk, lane, after, count, kind, purpose, upto=end or _LAST)
        if not rows and end != after:
            walk.cursors[name] = end
        found += rows
    return found[:count]


def _free(
    walk: Walk,
    lane: str,
    after: int,
    count: int,
    kind: str,
    purpose: Purpose,
    *,
    upto: int = _LAST,
    order: queries.Order = "position",
) -> Sequence[Row]:
    return queries.free_items(
        walk.tx,
        walk.campaign.id,
        lane,
        walk.annotator,
        purpose.value,
        walk.campaign.settings.round,
        after,
        count,
        kind=kind,
        upto=upto,
        order=order,
    )


def passed(walk: Walk, rows: Sequence[Row], kind: str) -> None:
    """Move the cursors beyond these items."""
    for row in rows:
        name = _name(kind) + row.lane
        walk.cursors[name] = max(walk.cursors.get(name, 0), row.place)


def _name(kind: str, order: str = "position") -> str:
    """What the name of a cursor begins with; of work in queue order it is the lane alone."""
    kind = order if order == "rank" else kind
    return "" if kind == "work" else f"{kind} "
