"""Pauses for want of agreement, mended specifications, improvement plans, declared groups."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store import tables as store
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "agreement_pause",
    "calibrated",
    "campaign_specs",
    "declare",
    "declared",
    "judgment_times",
    "last_agreement_pause",
    "plans",
    "state_since",
    "votes",
    "withdraw",
]

Row = sa.Row[Any]


def campaign_specs(reader: Reader, campaign: str) -> list[str]:
    """The specifications a campaign was moved to, oldest first; none for most."""
    s = t.campaign_spec.c
    query = sa.select(s.spec).where(s.campaign == campaign).order_by(s.number)
    return [row.spec for row in reader.all(query)]


def agreement_pause(reader: Reader, campaign: str, number: int) -> Row | None:
    """Why a campaign's state of this number is a pause for want of agreement, if it is."""
    p = t.agreement_pause
    return reader.one(sa.select(p).where(p.c.campaign == campaign, p.c.number == number))


def state_since(reader: Reader, campaign: str, number: int) -> int:
    """When a campaign came into its state of this number, in microseconds."""
    s, e = t.campaign_state.c, store.event.c
    query = (
        sa.select(e.at)
        .join(t.campaign_state, s.event == e.seq)
        .where(s.campaign == campaign, s.number == number)
    )
    row = reader.one(query)
    return int(row.at) if row else 0


def votes(reader: Reader, campaign: str, spec: str, since: int) -> Sequence[Row]:
    """(comparison, annotator, verdict) of the work that followed this specification since then."""
    j, later = t.judgment.c, t.judgment.alias("later")
    query = (
        sa.select(j.comparison, j.annotator, j.verdict)
        .outerjoin(later, later.c.supersedes == j.id)
        .where(
            j.campaign == campaign,
            j.spec == spec,
            j.created >= since,
            j.purpose.in_(("live", "relabel", "evaluation")),
            later.c.id.is_(None),
        )
    )
    return reader.all(query.order_by(j.comparison, j.annotator))


def last_agreement_pause(reader: Reader, campaign: str) -> int:
    """The number of the last pause for want of agreement, 0 for none."""
    p = t.agreement_pause.c
    row = reader.one(sa.select(sa.func.max(p.number)).where(p.campaign == campaign))
    return int(row[0]) if row and row[0] is not None else 0


def judgment_times(reader: Reader, campaign: str) -> dict[tuple[str, str, str, int], int]:
    """{(comparison, annotator, purpose, round): microseconds} of a campaign's judgments."""
    j, later = t.judgment.c, t.judgment.alias("later")
    query = (
        sa.select(j.comparison, j.annotator, j.purpose, j.round, j.created)
        .outerjoin(later, later.c.supersedes == j.id)
        .where(j.campaign == campaign, later.c.id.is_(None))
    )
    return {(r.comparison, r.annotator, r.purpose, r.round): r.created for r in reader.all(query)}


def calibrated(reader: Reader, annotators: Iterable[str]) -> dict[str, int]:
    """{annotator: when they last judged an anchor, in whatever campaign}."""
    j = t.judgment.c
    query = sa.select(j.annotator, sa.func.max(j.created).label("at")).where(j.purpose == "anchor")
    found = reader.where_in(query.group_by(j.annotator), j.annotator, annotators)
    return {row.annotator: row.at for row in found}


def plans(reader: Reader, annotators: Iterable[str]) -> Sequence[Row]:
    """Improvement plans that nothing supersedes, oldest first."""
    p, later = t.improvement_plan, t.improvement_plan.alias("later")
    query = sa.select(p).outerjoin(later, later.c.supersedes == p.c.id).where(later.c.id.is_(None))
    return sorted(reader.where_in(query, p.c.annotator, annotators), key=lambda row: row.created)


def declared(reader: Reader, annotators: Iterable[str]) -> list[tuple[str, str, str]]:
    """(annotator, attribute, value) of what these people declared."""
    d = t.declared_group
    found = reader.where_in(sa.select(d), d.c.annotator, annotators)
    return sorted((row.annotator, row.attribute, row.value) for row in found)


def declare(tx: Transaction, annotator: str, attribute: str, value: str) -> None:
    withdraw(tx, annotator, attribute)
    row = {"annotator": annotator, "attribute": attribute, "value": value}
    tx.execute(sa.insert(t.declared_group), [row])


def withdraw(tx: Transaction, annotator: str, attribute: str | None) -> int:
    """Delete what somebody declared, all of it where no attribute is named; how much it was."""
    d = t.declared_group
    query = sa.delete(d).where(d.c.annotator == annotator)
    if attribute is not None:
        query = query.where(d.c.attribute == attribute)
    return tx.execute(query).rowcount
