"""Comparisons, and their places in a campaign's queue.

What a turn asks is written once, at import, with bindparams; every one of these statements is a
seek in one index and reads no more rows than it returns, or as many as its `window` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.people import lanes
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "Order",
    "anchors_for",
    "answers",
    "comparisons",
    "counts",
    "free_items",
    "has_open_work",
    "insert_queue",
    "items_of_kind",
    "known_comparisons",
    "lane_end",
    "lock_places",
    "open_work",
    "origins",
    "queue_counts",
    "queue_end",
    "queued",
    "retake_place",
    "take_places",
    "window_end",
]

Row = sa.Row[Any]
Order = Literal["position", "rank"]

_Q, _A = t.queue_item.c, t.assignment.c
_CAMPAIGN: sa.BindParameter[Any] = sa.bindparam("campaign")
_OF_CAMPAIGN: sa.BindParameter[Any] = sa.bindparam("of_campaign")
_COMPARISONS = sa.select(t.comparison).where(
    t.comparison.c.id.in_(sa.bindparam("among", expanding=True))
)
# Not max(): PostgreSQL, before it has counted a new table, reads all of it for that.
_END = sa.select(_Q.position).where(_Q.campaign == _CAMPAIGN).order_by(_Q.position.desc()).limit(1)


def _lane(order: Order) -> sa.ColumnElement[bool]:
    """Open items of one kind in one lane."""
    kind = _Q.kind == sa.bindparam("kind")
    ranked = sa.and_(kind, _Q.rank.is_not(None)) if order == "rank" else kind
    return sa.and_(
        _Q.campaign == _CAMPAIGN, ranked, _Q.lane == sa.bindparam("lane"), _Q.taken < _Q.wanted
    )


def _not_had(purpose: Any) -> sa.ColumnElement[bool]:
    # An expired lease may be taken up again by the same annotator; a returned one as well, a
    # skipped one not.
    return ~sa.exists().where(
        _A.comparison == _Q.comparison,
        _A.annotator == sa.bindparam("annotator"),
        _A.purpose == purpose,
        _A.round == sa.bindparam("round"),
        _A.state.in_(("leased", "judged", "skipped")),
    )


def _free(order: Order) -> sa.Select[Any]:
    at = _Q[order]
    return (
        sa.select(_Q.comparison, at.label("place"), _Q.lane)
        .where(_lane(order), at > sa.bindparam("after"), at <= sa.bindparam("upto"))
        .where(_not_had(sa.bindparam("purpose")))
        .order_by(at)
        .limit(sa.bindparam("most"))
    )


_ORDERS: tuple[Order, ...] = ("position", "rank")
_SEEN = {order: _free(order) for order in _ORDERS}
_FREE = {
    order: query.with_for_update(skip_locked=True, of=t.queue_item)
    for order, query in _SEEN.items()
}
_LANE_END = {
    order: sa.select(_Q[order]).where(_lane(order)).order_by(_Q[order].desc()).limit(1)
    for order in _ORDERS
}
_WINDOW_END = (
    sa.select(_Q.position)
    .where(_lane("position"), _Q.position > sa.bindparam("after"))
    .order_by(_Q.position)
    .limit(1)
    .offset(sa.bindparam("window"))
)
_TAKE = (
    sa.update(t.queue_item)
    .where(_Q.campaign == _OF_CAMPAIGN, _Q.comparison.in_(sa.bindparam("among", expanding=True)))
    .values(taken=_Q.taken + 1)
)
_RETAKE = (
    sa.update(t.queue_item)
    .where(_Q.campaign == _OF_CAMPAIGN, _Q.comparison == sa.bindparam("item"))
    .where(_Q.taken < _Q.wanted)
    .values(taken=_Q.taken + 1)
)


def known_comparisons(reader: Reader, ids: Iterable[str]) -> set[str]:
    c = t.comparison.c.id
    return {row.id for row in reader.where_in(sa.select(c), c, ids)}


def comparisons(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    return {row.id: row for row in reader.each(_COMPARISONS, ids)}


def answers(reader: Reader, campaign: str) -> dict[str, Row]:
    a = t.answer
    query = sa.select(a).where(a.c.campaign == campaign)
    return {row.comparison: row for row in reader.all(query)}


def has_known(reader: Reader, campaign: str) -> bool:
    """Whether this campaign has gold or anchor items."""
    a = t.answer.c
    return reader.one(sa.select(a.comparison).where(a.campaign == campaign).limit(1)) is not None


def queued(reader: Reader, campaign: str, ids: Iterable[str], kind: str | None = None) -> set[str]:
    """Which of these are in the queue, as whatever or as one kind."""
    q = t.queue_item.c
    query = sa.select(q.comparison).where(q.campaign == campaign)
    query = query.where(q.kind == kind) if kind else query
    return {row.comparison for row in reader.where_in(query, q.comparison, ids)}


def origins(reader: Reader, campaign: str) -> dict[str, dict[str, str]]:
    """Which model wrote a and b of each comparison, as this campaign was given them."""
    q = t.queue_item.c
    query = sa.select(q.comparison, q.origin).where(q.campaign == campaign)
    return {row.comparison: row.origin for row in reader.all(query)}


def open_work(reader: Reader, campaign: str) -> list[str]:
    """Comparisons of work with a place still free."""
    query = sa.select(_Q.comparison).where(
        _Q.campaign == campaign, _Q.kind == "work", _Q.taken < _Q.wanted
    )
    return [row.comparison for row in reader.all(query)]


def has_open_work(reader: Reader, campaign: str) -> bool:
    """Whether any place of work is still free."""
    query = sa.select(_Q.comparison).where(
        _Q.campaign == campaign, _Q.kind == "work", _Q.taken < _Q.wanted
    )
    return reader.one(query.limit(1)) is not None


def queue_end(reader: Reader, campaign: str) -> int:
    """The last position; 0 in an empty queue."""
    return _number(reader.one(_END, campaign=campaign))


def insert_queue(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    tx.execute(sa.insert(t.queue_item), rows)


def queue_counts(reader: Reader, campaign: str) -> dict[str, dict[str, int]]:
    q = t.queue_item.c
    query = sa.select(
        q.kind,
        sa.func.count().label("items"),
        sa.func.sum(q.wanted).label("wanted"),
        sa.func.sum(q.taken).label("taken"),
        sa.func.sum(q.judged).label("judged"),
    ).where(q.campaign == campaign)
    return {
        row.kind: {name: int(row._mapping[name]) for name in ("items", "wanted", "taken", "judged")}
        for row in reader.all(query.group_by(q.kind))
    }


def free_items(
    tx: Transaction,
    campaign: str,
    lane: str,
    annotator: str,
    purpose: str,
    round_: int,
    after: int,
    limit: int,
    *,
    kind: str = "work",
    upto: int = 2**62,
    order: Order = "position",
) -> Sequence[Row]:
    """Items of a lane with a free place that this annotator has not had, in order. Work is locked,
    and what somebody else has locked is skipped; gold is for everybody at once."""
    statement = _FREE if kind == "work" else _SEEN
    return tx.all(
        statement[order],
        campaign=campaign,
        kind=kind,
        lane=lane,
        after=after,
        upto=upto,
        annotator=annotator,
        purpose=purpose,
        round=round_,
        most=limit,
    )


def lane_end(
    reader: Reader, campaign: str, lane: str, kind: str = "work", order: Order = "position"
) -> int:
    """Where the last open item of a lane stands; 0 if there is none."""
    return _number(reader.one(_LANE_END[order], campaign=campaign, kind=kind, lane=lane))


def window_end(
    reader: Reader, campaign: str, lane: str, after: int, window: int, kind: str = "work"
) -> int:
    """The position of the open item that comes so many items after another; 0 beyond the last."""
    row = reader.one(
        _WINDOW_END, campaign=campaign, kind=kind, lane=lane, after=after, window=window - 1
    )
    return _number(row)


def items_of_kind(
    reader: Reader, campaign: str, kind: str, annotator: str, round_: int, limit: int
) -> list[str]:
    """Anchor items in this annotator's lanes that they have not had in this round, in queue
    order."""
    query = sa.select(_Q.comparison).where(
        _of_kind(campaign, kind, lanes(reader, annotator)), _not_had(kind)
    )
    ordered = query.order_by(_Q.position).limit(limit)
    return [row.comparison for row in reader.all(ordered, annotator=annotator, round=round_)]


def anchors_for(reader: Reader, campaign: str, annotator: str) -> int:
    """How many anchors there are in this annotator's lanes."""
    query = sa.select(sa.func.count()).select_from(t.queue_item)
    row = reader.one(query.where(_of_kind(campaign, "anchor", lanes(reader, annotator))))
    return int(row[0]) if row else 0


def take_places(tx: Transaction, campaign: str, comparisons: Sequence[str]) -> None:
    tx.update_each(_TAKE, comparisons, of_campaign=campaign)


def lock_places(tx: Transaction, campaign: str, comparisons: Iterable[str]) -> None:
    """Lock queue items in id order, which the UPDATE of many rows alone would not do."""
    q = t.queue_item
    if tx.ledger.is_postgresql:
        query = sa.select(q.c.comparison).where(q.c.campaign == campaign).order_by(q.c.comparison)
        list(tx.where_in(query.with_for_update(), q.c.comparison, sorted(set(comparisons))))


def retake_place(tx: Transaction, campaign: str, comparison: str) -> bool:
    """Take one place if one is free; whether it was."""
    return tx.execute(_RETAKE, {"of_campaign": campaign, "item": comparison}).rowcount == 1


def counts(purpose: str) -> bool:
    """Whether an assignment of this purpose takes one of the wanted places."""
    return purpose in ("live", "relabel", "evaluation")


def _of_kind(campaign: str, kind: str, lanes: Sequence[str]) -> sa.ColumnElement[bool]:
    q = t.queue_item.c
    # Gold and anchors never run out of places; saying so lets the index of open places serve.
    return sa.and_(q.campaign == campaign, q.kind == kind, q.lane.in_(lanes), q.taken < q.wanted)


def _number(row: Row | None) -> int:
    return int(row[0]) if row and row[0] is not None else 0
