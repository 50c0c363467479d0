"""Annotation's SQL, and nothing but annotation's tables.

Locks are taken in one order everywhere (campaign, session, progress, assignment, queue item, text,
audit chain), which is what keeps PostgreSQL free of deadlocks; SQLite has one writer anyway.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.core.errors import NotFound
from prefloop.store.engine import Reader, Transaction

Row = sa.Row[Any]


# -- campaigns


def campaign_by_name(reader: Reader, name: str) -> Row | None:
    return reader.one(sa.select(t.campaign).where(t.campaign.c.name == name))


def campaign_names(reader: Reader) -> list[str]:
    return [r.name for r in reader.all(sa.select(t.campaign.c.name).order_by(t.campaign.c.event))]


def campaign_state(reader: Reader, campaign: str) -> Row:
    s = t.campaign_state
    query = sa.select(s).where(s.c.campaign == campaign).order_by(s.c.number.desc()).limit(1)
    row = reader.one(query)
    if row is None:
        raise NotFound(f"campaign {campaign} has no state: run prefloop verify")
    return row


def hold_campaign(
    tx: Transaction, campaign: str, to: Literal["work in", "add to", "change"]
) -> str:
    """The campaign's state, and it stays so until the commit. Many may work in it at once while
    one adds to it; who changes its state does so alone."""
    query = sa.select(t.campaign.c.id).where(t.campaign.c.id == campaign)
    tx.one(query.with_for_update(read=to == "work in", key_share=to != "change"))
    return str(campaign_state(tx, campaign).state)


def known_comparisons(reader: Reader, ids: Iterable[str]) -> set[str]:
    c = t.comparison.c.id
    return {row.id for row in reader.where_in(sa.select(c), c, ids)}


def comparisons(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    c = t.comparison
    return {row.id: row for row in reader.where_in(sa.select(c), c.c.id, ids)}


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


def annotator_counts(reader: Reader, campaign: str) -> dict[str, int]:
    j = t.judgment.c
    query = sa.select(j.annotator, sa.func.count().label("judgments")).where(
        j.campaign == campaign, j.supersedes.is_(None)
    )
    return {row.annotator: row.judgments for row in reader.all(query.group_by(j.annotator))}


def profile(reader: Reader, annotator: str) -> Row | None:
    p = t.profile
    query = sa.select(p).where(p.c.annotator == annotator).order_by(p.c.number.desc()).limit(1)
    return reader.one(query)


def profile_number(reader: Reader, annotator: str) -> int:
    row = profile(reader, annotator)
    return row.number if row else 0


def standing(reader: Reader, campaign: str, annotator: str) -> Row | None:
    s = t.standing
    query = sa.select(s).where(s.c.campaign == campaign, s.c.annotator == annotator)
    return reader.one(query.order_by(s.c.number.desc()).limit(1))


def answers(reader: Reader, campaign: str) -> dict[str, Row]:
    a = t.answer
    query = sa.select(a).where(a.c.campaign == campaign)
    return {row.comparison: row for row in reader.all(query)}


# -- the queue


def progress(tx: Transaction, campaign: str, annotator: str) -> Row:
    """Where the annotator is; locks the row, so one annotator's claims are one after another."""
    p = t.progress
    query = sa.select(p).where(p.c.campaign == campaign, p.c.annotator == annotator)
    row = tx.one(query.with_for_update())
    if row is None:
        new = {"campaign": campaign, "annotator": annotator, "issued": 0, "repeated": 0}
        tx.insert_missing(p, [{**new, "cursors": {}}])
        row = tx.one(query.with_for_update())
    assert row is not None
    return row


def lanes(reader: Reader, annotator: str) -> list[str]:
    """Lanes open to an annotator: general work in their languages, and their own specialties."""
    row = profile(reader, annotator)
    languages, specialties = (row.languages, row.specialties) if row else (["en"], [])
    return [f"{language}/{name}" for language in languages for name in ["", *specialties]]


def save_progress(tx: Transaction, row: Row, **values: Any) -> None:
    p = t.progress
    tx.execute(
        sa.update(p)
        .where(p.c.campaign == row.campaign, p.c.annotator == row.annotator)
        .values(**values)
    )


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
    for chunk in _chunks([lease.id for lease in leases]):
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
    for chunk in _chunks(comparisons):
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


# -- judgments


def assignments(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, locked in id order."""
    a = t.assignment
    query = sa.select(a).order_by(a.c.id).with_for_update()
    return {row.id: row for row in tx.where_in(query, a.c.id, sorted(ids))}


def assigned(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    """These assignments, to look at."""
    a = t.assignment
    return {row.id: row for row in reader.where_in(sa.select(a), a.c.id, ids)}


def by_key(reader: Reader, annotator: str, keys: Iterable[str]) -> dict[str, Row]:
    j = t.judgment
    query = sa.select(j).where(j.c.annotator == annotator)
    return {row.key: row for row in reader.where_in(query, j.c.key, keys)}


def latest(reader: Reader, assignment: str) -> Row | None:
    """The judgment of an assignment that nothing supersedes."""
    j, later = t.judgment, t.judgment.alias("later")
    query = (
        sa.select(j)
        .outerjoin(later, later.c.supersedes == j.c.id)
        .where(j.c.assignment == assignment, later.c.id.is_(None))
    )
    return reader.one(query)


def mark_judged(tx: Transaction, campaign: str, assignments: Sequence[Row]) -> None:
    a, q = t.assignment, t.queue_item
    for chunk in _chunks([one.id for one in assignments]):
        tx.execute(sa.update(a).where(a.c.id.in_(chunk)).values(state="judged"))
    for chunk in _chunks([one.comparison for one in assignments if counts(one.purpose)]):
        tx.execute(
            sa.update(q)
            .where(q.c.campaign == campaign, q.c.comparison.in_(chunk))
            .values(judged=q.c.judged + 1)
        )


def counts(purpose: str) -> bool:
    """Whether an assignment of this purpose takes one of the wanted places."""
    return purpose in ("live", "relabel", "evaluation")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]


def standing_judgments(reader: Reader, campaign: str) -> Sequence[Row]:
    """All judgments of a campaign that nothing supersedes, in the order they came."""
    j, later = t.judgment, t.judgment.alias("later")
    query = (
        sa.select(j)
        .outerjoin(later, later.c.supersedes == j.c.id)
        .where(j.c.campaign == campaign, later.c.id.is_(None))
    )
    return reader.all(query.order_by(j.c.event, j.c.id))


def judged_anchors(reader: Reader, campaign: str, annotator: str, round_: int) -> Sequence[Row]:
    """An annotator's first word on each anchor of a round: what they say after they may have seen
    the expert's explanation tells nothing."""
    j, a = t.judgment.c, t.answer.c
    query = (
        sa.select(j.comparison, j.verdict, a.verdict.label("expert"))
        .join(
            t.answer,
            sa.and_(a.comparison == j.comparison, a.campaign == j.campaign),
        )
        .where(
            j.campaign == campaign,
            j.annotator == annotator,
            j.purpose == "anchor",
            j.round == round_,
            j.supersedes.is_(None),
        )
    )
    return reader.all(query)


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


# -- sessions


def session(tx: Transaction, annotator: str) -> Row | None:
    s = t.work_session
    return tx.one(sa.select(s).where(s.c.annotator == annotator).with_for_update())


def save_session(tx: Transaction, annotator: str, started: int, seen: int) -> None:
    s = t.work_session
    values = {"started": started, "seen": seen}
    if not tx.insert_missing(s, [{"annotator": annotator, **values}]):
        tx.execute(sa.update(s).where(s.c.annotator == annotator).values(**values))
