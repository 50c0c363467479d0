"""Assignments: leased, returned, lapsed, leased again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.items import chunks, counts, queue_end
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "anchor_rounds",
    "assigned",
    "assignments",
    "end_leases",
    "held_anchors",
    "insert_assignments",
    "lapsed",
    "overdue",
    "own_leases",
    "renew",
    "repeatable",
]

Row = sa.Row[Any]


def assignments(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, locked in id order."""
    a = t.assignment
    query = sa.select(a).order_by(a.c.id).with_for_update()
    return {row.id: row for row in tx.where_in(query, a.c.id, sorted(ids))}


def assigned(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, to look at."""
    a = t.assignment
    return {row.id: row for row in reader.where_in(sa.select(a), a.c.id, ids)}


def own_leases(reader: Reader, campaign: str, annotator: str, now: int) -> Sequence[Row]:
    a = t.assignment
    query = sa.select(a).where(
        a.c.campaign == campaign,
        a.c.annotator == annotator,
        a.c.state == "leased",
        a.c.lease_until >= now,
    )
    return reader.all(query.order_by(a.c.sequence))


def overdue(tx: Transaction, campaign: str) -> Sequence[Row]:
    """Leases that ran out, locked for returning."""
    a = t.assignment
    query = sa.select(a).where(
        a.c.campaign == campaign, a.c.state == "leased", a.c.lease_until < tx.now
    )
    return tx.all(query.order_by(a.c.lease_until, a.c.id).with_for_update(skip_locked=True))


def end_leases(tx: Transaction, leases: Sequence[Row], state: str) -> None:
    """Give the places of these leases (all of one campaign, and locked) back; the items go to the
    end of the queue, ahead of every annotator's cursor."""
    a, q = t.assignment, t.queue_item
    for chunk in chunks([lease.id for lease in leases]):
        tx.execute(sa.update(a).where(a.c.id.in_(chunk)).values(state=state))
    freed = Counter(lease.comparison for lease in leases if counts(lease.purpose))
    if not freed:
        return
    campaign = leases[0].campaign
    end = queue_end(tx, campaign)
    tx.execute(
        sa.update(q)
        .where(q.c.campaign == campaign, q.c.comparison == sa.bindparam("item"))
        .values(taken=q.c.taken - sa.bindparam("places"), position=sa.bindparam("place")),
        [
            {"item": item, "places": freed[item], "place": place}
            for place, item in enumerate(sorted(freed), start=end + 1)
        ],
    )


def repeatable(
    reader: Reader, campaign: str, annotator: str, after: int, upto: int, limit: int
) -> Sequence[Row]:
    """This annotator's newest work between two sequence numbers, oldest first, that was not
    repeated yet (another campaign may have), for hidden duplicates."""
    a, other = t.assignment, t.assignment.alias("other")
    repeated = sa.exists().where(
        other.c.comparison == a.c.comparison,
        other.c.annotator == annotator,
        other.c.purpose == "duplicate",
        other.c.round == a.c.round,
    )
    query = sa.select(a.c.comparison, a.c.sequence).where(
        a.c.campaign == campaign,
        a.c.annotator == annotator,
        a.c.sequence > after,
        a.c.sequence <= upto,
        a.c.state == "judged",
        a.c.purpose.in_(("live", "relabel")),
        ~repeated,
    )
    return reader.all(query.order_by(a.c.sequence.desc()).limit(limit))[::-1]


def lapsed(
    reader: Reader, annotator: str, purpose: str, round_: int, ids: Iterable[str]
) -> dict[str, Row]:
    """This annotator's expired or returned assignments on these comparisons."""
    a = t.assignment
    query = sa.select(a).where(
        a.c.annotator == annotator,
        a.c.purpose == purpose,
        a.c.round == round_,
        a.c.state.in_(("expired", "returned")),
    )
    return {row.comparison: row for row in reader.where_in(query, a.c.comparison, ids)}


def insert_assignments(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        tx.execute(sa.insert(t.assignment), rows)


def renew(tx: Transaction, campaign: str, lease_until: int, sequences: Mapping[str, int]) -> None:
    """Lease lapsed assignments again, for this campaign, at their new places in the sequence."""
    a = t.assignment
    if sequences:
        tx.execute(
            sa.update(a)
            .where(a.c.id == sa.bindparam("lapsed"))
            .values(
                campaign=campaign,
                state="leased",
                lease_until=lease_until,
                sequence=sa.bindparam("place"),
            ),
            [{"lapsed": one, "place": place} for one, place in sequences.items()],
        )


def held_anchors(reader: Reader, campaign: str, annotator: str, round_: int) -> int:
    """How many anchors of a round an annotator holds."""
    a = t.assignment.c
    query = sa.select(sa.func.count()).where(
        a.campaign == campaign,
        a.annotator == annotator,
        a.purpose == "anchor",
        a.round == round_,
        a.state == "leased",
    )
    row = reader.one(query)
    return int(row[0]) if row else 0


def anchor_rounds(reader: Reader, campaign: str, annotator: str) -> tuple[int, int]:
    """The last round in which an annotator had this campaign's anchors: here, and elsewhere."""
    a, q = t.assignment.c, t.queue_item.c
    here = sa.func.max(sa.case((a.campaign == campaign, a.round), else_=0))
    elsewhere = sa.func.max(sa.case((a.campaign != campaign, a.round), else_=0))
    anchors = sa.select(q.comparison).where(
        q.campaign == campaign, q.kind == "anchor", q.taken < q.wanted
    )
    row = reader.one(
        sa.select(here.label("here"), elsewhere.label("elsewhere")).where(
            a.comparison.in_(anchors), a.annotator == annotator, a.purpose == "anchor"
        )
    )
    return (row.here or 0, row.elsewhere or 0) if row else (0, 0)
