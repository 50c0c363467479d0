"""Comparisons, and their places in a campaign's queue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.people import lanes
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "anchors_for",
    "answers",
    "chunks",
    "comparisons",
    "counts",
    "free_work",
    "insert_queue",
    "items_of_kind",
    "known_comparisons",
    "lock_places",
    "origins",
    "queue_counts",
    "queue_end",
    "queued",
    "retake_place",
    "take_places",
    "unchecked",
]

Row = sa.Row[Any]


def known_comparisons(reader: Reader, ids: Iterable[str]) -> set[str]:
    c = t.comparison.c.id
    return {row.id for row in reader.where_in(sa.select(c), c, ids)}


def comparisons(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    c = t.comparison
    return {row.id: row for row in reader.where_in(sa.select(c), c.c.id, ids)}


def answers(reader: Reader, campaign: str) -> dict[str, Row]:
    a = t.answer
    query = sa.select(a).where(a.c.campaign == campaign)
    return {row.comparison: row for row in reader.all(query)}


def queued(reader: Reader, campaign: str, ids: Iterable[str]) -> set[str]:
    q = t.queue_item.c
    query = sa.select(q.comparison).where(q.campaign == campaign)
    return {row.comparison for row in reader.where_in(query, q.comparison, ids)}


def origins(reader: Reader, campaign: str) -> dict[str, dict[str, str]]:
    """Which model wrote a and b of each comparison, as this campaign was given them."""
    q = t.queue_item.c
    query = sa.select(q.comparison, q.origin).where(q.campaign == campaign)
    return {row.comparison: row.origin for row in reader.all(query)}


def queue_end(reader: Reader, campaign: str) -> int:
    q = t.queue_item.c
    row = reader.one(sa.select(sa.func.max(q.position)).where(q.campaign == campaign))
    return int(row[0]) if row and row[0] is not None else 0


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


def free_work(
    tx: Transaction,
    campaign: str,
    lane: str,
    after: int,
    annotator: str,
    purpose: str,
    round_: int,
    limit: int,
) -> Sequence[Row]:
    """Work items with a free place that this annotator has not had, locked, in queue order."""
    q = t.queue_item
    query = sa.select(q.c.comparison, q.c.position, q.c.lane).where(
        q.c.campaign == campaign,
        q.c.kind == "work",
        q.c.lane == lane,
        q.c.position > after,
        q.c.taken < q.c.wanted,
        _not_had(q, annotator, purpose, round_),
    )
    ordered = query.order_by(q.c.position).limit(limit)
    return tx.all(ordered.with_for_update(skip_locked=True, of=q))


def items_of_kind(
    reader: Reader, campaign: str, kind: str, annotator: str, round_: int, limit: int
) -> list[str]:
    """Gold or anchor items in this annotator's lanes that they have not had in this round, in
    queue order."""
    q = t.queue_item
    query = sa.select(q.c.comparison).where(
        _of_kind(campaign, kind, lanes(reader, annotator)), _not_had(q, annotator, kind, round_)
    )
    return [r.comparison for r in reader.all(query.order_by(q.c.position).limit(limit))]


def anchors_for(reader: Reader, campaign: str, annotator: str) -> int:
    """How many anchors there are in this annotator's lanes."""
    query = sa.select(sa.func.count()).select_from(t.queue_item)
    row = reader.one(query.where(_of_kind(campaign, "anchor", lanes(reader, annotator))))
    return int(row[0]) if row else 0


def unchecked(reader: Reader, campaign: str, checker: str, round_: int, limit: int) -> list[str]:
    """Judged work that nobody has spot-checked and that the checker did not judge."""
    q, a = t.queue_item, t.assignment
    touched = sa.exists().where(
        a.c.comparison == q.c.comparison,
        a.c.round == round_,
        sa.or_(
            sa.and_(a.c.purpose == "spot check", a.c.state.in_(("leased", "judged"))),
            sa.and_(a.c.purpose != "spot check", a.c.annotator == checker),
        ),
    )
    query = sa.select(q.c.comparison).where(
        q.c.campaign == campaign, q.c.kind == "work", q.c.judged > 0, ~touched
    )
    return [r.comparison for r in reader.all(query.order_by(q.c.position).limit(limit))]


def take_places(tx: Transaction, campaign: str, comparisons: Sequence[str]) -> None:
    q = t.queue_item
    for chunk in chunks(comparisons):
        tx.execute(
            sa.update(q)
            .where(q.c.campaign == campaign, q.c.comparison.in_(chunk))
            .values(taken=q.c.taken + 1)
        )


def lock_places(tx: Transaction, campaign: str, comparisons: Iterable[str]) -> None:
    """Lock queue items in id order, which the UPDATE of many rows alone would not do."""
    q = t.queue_item
    if tx.ledger.is_postgresql:
        query = sa.select(q.c.comparison).where(q.c.campaign == campaign).order_by(q.c.comparison)
        list(tx.where_in(query.with_for_update(), q.c.comparison, sorted(set(comparisons))))


def retake_place(tx: Transaction, campaign: str, comparison: str) -> bool:
    """Take one place if one is free; whether it was."""
    q = t.queue_item
    done = tx.execute(
        sa.update(q)
        .where(q.c.campaign == campaign, q.c.comparison == comparison, q.c.taken < q.c.wanted)
        .values(taken=q.c.taken + 1)
    )
    return done.rowcount == 1


def counts(purpose: str) -> bool:
    """Whether an assignment of this purpose takes one of the wanted places."""
    return purpose in ("live", "relabel", "evaluation")


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]


def _of_kind(campaign: str, kind: str, lanes: Sequence[str]) -> sa.ColumnElement[bool]:
    q = t.queue_item.c
    # Gold and anchors never run out of places; saying so lets the index of open places serve.
    return sa.and_(q.campaign == campaign, q.kind == kind, q.lane.in_(lanes), q.taken < q.wanted)


def _not_had(q: sa.Table, annotator: str, purpose: str, round_: int) -> sa.ColumnElement[bool]:
    a = t.assignment
    # An expired lease may be taken up again by the same annotator; a returned one as well.
    return ~sa.exists().where(
        a.c.comparison == q.c.comparison,
        a.c.annotator == annotator,
        a.c.purpose == purpose,
        a.c.round == round_,
        a.c.state.in_(("leased", "judged")),
    )
