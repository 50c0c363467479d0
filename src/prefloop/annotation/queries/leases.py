"""Assignments: leased, returned, lapsed, leased again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.items import counts, queue_end
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "anchor_rounds",
    "assigned",
    "assignments",
    "end_leases",
    "extend_leases",
    "given_back",
    "held_anchors",
    "insert_assignments",
    "judged_count",
    "lapsed",
    "overdue",
    "own_leases",
    "renew",
    "repeatable",
    "skipped",
]

Row = sa.Row[Any]

_A, _Q = t.assignment.c, t.queue_item.c
_BY_ID = sa.select(t.assignment).where(_A.id.in_(sa.bindparam("among", expanding=True)))
_LOCKED_BY_ID = _BY_ID.order_by(_A.id).with_for_update()
# Written out, not bound: a partial index serves only where the statement itself says so.
_LEASED = sa.text("state = 'leased'")
_OWN = (
    sa.select(t.assignment)
    .where(_A.campaign == sa.bindparam("campaign"), _A.annotator == sa.bindparam("annotator"))
    .where(_LEASED, _A.lease_until.between(sa.bindparam("now"), sa.bindparam("latest")))
    .order_by(_A.sequence)
)
# A lease that ends much later than any lease made now was made by a clock that ran ahead; a little
# later, by somebody who began after us and was served before us.
_SLACK = 10 * 60_000_000
_LEASES = sa.select(_A.id).where(_A.campaign == sa.bindparam("campaign"), _LEASED)
_OVERDUE = (
    sa.select(t.assignment)
    .where(
        # Two ranges of one index; an OR would read all leases there are.
        _A.id.in_(
            sa.union_all(
                _LEASES.where(_A.lease_until < sa.bindparam("now")),
                _LEASES.where(_A.lease_until > sa.bindparam("latest")),
            )
        ),
        _LEASED,
    )
    .order_by(_A.lease_until, _A.id)
    .with_for_update(skip_locked=True)
)
_END = (
    sa.update(t.assignment)
    .where(_A.id.in_(sa.bindparam("among", expanding=True)))
    .values(state=sa.bindparam("new_state"))
)
_EXTEND = (
    sa.update(t.assignment)
    .where(_A.id.in_(sa.bindparam("among", expanding=True)), _LEASED)
    .values(lease_until=sa.bindparam("until"))
)
_OF_ITEM = (_Q.campaign == sa.bindparam("of_campaign"), _Q.comparison == sa.bindparam("item"))
# What had priority keeps some: it comes after whatever has it from the same record.
_LATER = 2**30
_FREE_PLACE = (
    sa.update(t.queue_item)
    .where(*_OF_ITEM)
    .values(
        taken=_Q.taken - sa.bindparam("places"),
        position=sa.bindparam("place"),
        rank=_Q.rank + _LATER,
    )
)
_UNCHECK = sa.update(t.queue_item).where(*_OF_ITEM).values(unchecked=1)
_OTHER = t.assignment.alias("other")
_REPEATED = sa.exists().where(
    _OTHER.c.comparison == _A.comparison,
    _OTHER.c.annotator == sa.bindparam("annotator"),
    _OTHER.c.purpose == "duplicate",
    _OTHER.c.round == _A.round,
)
_REPEATABLE = (
    sa.select(_A.comparison, _A.sequence)
    .where(
        _A.campaign == sa.bindparam("campaign"),
        _A.annotator == sa.bindparam("annotator"),
        _A.sequence > sa.bindparam("after"),
        _A.sequence <= sa.bindparam("upto"),
        _A.state == "judged",
        _A.purpose.in_(("live", "relabel")),
        ~_REPEATED,
    )
    .order_by(_A.sequence.desc())
    .limit(sa.bindparam("most"))
)
_LAPSED = sa.select(t.assignment).where(
    _A.comparison.in_(sa.bindparam("among", expanding=True)),
    _A.annotator == sa.bindparam("annotator"),
    _A.state.in_(("expired", "returned")),
)
# Both rows or neither: whoever holds one of them decides about it.
_GIVEN_BACK = (
    sa.select(t.assignment)
    .join(t.queue_item, sa.and_(_Q.campaign == _A.campaign, _Q.comparison == _A.comparison))
    .where(_A.campaign == sa.bindparam("campaign"), _A.annotator == sa.bindparam("annotator"))
    .where(sa.text("state IN ('expired', 'returned')"))
    .where(_A.purpose.in_(sa.bindparam("purposes", expanding=True)))
    .where(
        sa.case(
            (_A.purpose.in_(("gold", "duplicate")), sa.true()),
            (_A.purpose == "spot check", _Q.unchecked == 1),
            else_=_Q.taken < _Q.wanted,
        )
    )
    .order_by(_A.sequence)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_RENEW = (
    sa.update(t.assignment)
    .where(_A.id == sa.bindparam("lapsed"))
    .values(
        campaign=sa.bindparam("new_campaign"),
        state="leased",
        lease_until=sa.bindparam("until"),
        sequence=sa.bindparam("place"),
    )
)


def assignments(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, locked in id order."""
    return {row.id: row for row in tx.each(_LOCKED_BY_ID, sorted(ids))}


def assigned(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, to look at."""
    return {row.id: row for row in reader.each(_BY_ID, ids)}


def own_leases(
    reader: Reader, campaign: str, annotator: str, now: int, latest: int
) -> Sequence[Row]:
    """What the annotator holds, in the order it was leased. `latest` is when a lease made now
    would end."""
    return reader.all(_OWN, campaign=campaign, annotator=annotator, now=now, latest=latest + _SLACK)


def overdue(tx: Transaction, campaign: str, latest: int) -> Sequence[Row]:
    """Leases that ran out, locked for returning."""
    return tx.all(_OVERDUE, campaign=campaign, now=tx.now, latest=latest + _SLACK)


def end_leases(tx: Transaction, leases: Sequence[Row], state: str) -> None:
    """Give the places of these leases (all of one campaign, and locked) back; the items go to the
    end of the queue, ahead of every annotator's cursor."""
    if not leases:
        return
    tx.update_each(_END, [lease.id for lease in leases], new_state=state)
    campaign = leases[0].campaign
    checks = [lease.comparison for lease in leases if lease.purpose == "spot check"]
    if checks:
        tx.execute(_UNCHECK, [{"of_campaign": campaign, "item": one} for one in sorted(checks)])
    freed = Counter(lease.comparison for lease in leases if counts(lease.purpose))
    if not freed:
        return
    end = queue_end(tx, campaign)
    tx.execute(
        _FREE_PLACE,
        [
            {
                "of_campaign": campaign,
                "item": item,
                "places": freed[item],
                "place": end + offset,
            }
            for offset, item in enumerate(sorted(freed), start=1)
        ],
    )


def extend_leases(tx: Transaction, leases: Iterable[str], until: int) -> None:
    """Keep what is still held for longer."""
    tx.update_each(_EXTEND, list(leases), until=until)


def repeatable(
    reader: Reader, campaign: str, annotator: str, after: int, upto: int, limit: int
) -> Sequence[Row]:
    """This annotator's newest work between two sequence numbers, oldest first, that was not
    repeated yet (another campaign may have), for hidden duplicates."""
    known = {"campaign": campaign, "annotator": annotator}
    return reader.all(_REPEATABLE, **known, after=after, upto=upto, most=limit)[::-1]


def given_back(
    tx: Transaction, campaign: str, annotator: str, purposes: Iterable[str], limit: int
) -> Sequence[Row]:
    """What an annotator returned or let lapse and could have again, in the order they had it;
    locked, with its place in the queue."""
    return tx.all(
        _GIVEN_BACK,
        campaign=campaign,
        annotator=annotator,
        purposes=list(purposes),
        most=limit,
    )


def lapsed(
    reader: Reader, annotator: str, comparisons: Iterable[str]
) -> dict[tuple[str, str, int], Row]:
    """This annotator's expired or returned assignments on these comparisons, by (comparison,
    purpose, round)."""
    return {
        (row.comparison, row.purpose, row.round): row
        for row in reader.each(_LAPSED, comparisons, annotator=annotator)
    }


def skipped(reader: Reader, campaign: str) -> Sequence[Row]:
    """What was skipped in a campaign, in order."""
    s = t.skip.c
    return reader.all(sa.select(t.skip).where(s.campaign == campaign).order_by(s.event))


def judged_count(reader: Reader, campaign: str) -> int:
    """Assignments judged in a campaign beside its anchors: work, gold, repeats and checks."""
    query = sa.select(sa.func.count()).where(
        _A.campaign == campaign, _A.state == "judged", _A.purpose != "anchor"
    )
    row = reader.one(query)
    return int(row[0]) if row else 0


def insert_assignments(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> int:
    """Lease for the first time; returns how many were new. The others were leased before."""
    return tx.insert_missing(t.assignment, rows) if rows else 0


def renew(tx: Transaction, campaign: str, lease_until: int, sequences: Mapping[str, int]) -> None:
    """Lease lapsed assignments again, for this campaign, at their new places in the sequence."""
    new = {"new_campaign": campaign, "until": lease_until}
    if sequences:
        tx.execute(
            _RENEW, [{"lapsed": one, "place": place, **new} for one, place in sequences.items()]
        )


def held_anchors(reader: Reader, campaign: str, annotator: str, round_: int) -> int:
    """How many anchors of a round an annotator holds."""
    a = t.assignment.c
    query = sa.select(sa.func.count()).where(
        a.campaign == campaign,
        a.annotator == annotator,
        a.purpose == "anchor",
        a.round == round_,
        _LEASED,
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
