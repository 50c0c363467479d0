"""Judgments, none of which is ever changed."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.items import counts
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "annotator_counts",
    "by_key",
    "judged_anchors",
    "latest",
    "mark_judged",
    "standing_judgments",
]

Row = sa.Row[Any]


_J, _Q = t.judgment.c, t.queue_item.c
_BY_KEY = sa.select(t.judgment).where(
    _J.annotator == sa.bindparam("annotator"), _J.key.in_(sa.bindparam("among", expanding=True))
)
_JUDGED = (
    sa.update(t.assignment)
    .where(t.assignment.c.id.in_(sa.bindparam("among", expanding=True)))
    .values(state="judged")
)
_COUNT = (
    sa.update(t.queue_item)
    .where(_Q.campaign == sa.bindparam("of_campaign"))
    .where(_Q.comparison.in_(sa.bindparam("among", expanding=True)))
    .values(judged=_Q.judged + 1)
)


def by_key(reader: Reader, annotator: str, keys: Iterable[str]) -> dict[str, Row]:
    return {row.key: row for row in reader.each(_BY_KEY, keys, annotator=annotator)}


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
    tx.update_each(_JUDGED, [one.id for one in assignments])
    counted = [one.comparison for one in assignments if counts(one.purpose)]
    tx.update_each(_COUNT, counted, of_campaign=campaign)


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


def annotator_counts(reader: Reader, campaign: str) -> dict[str, int]:
    j = t.judgment.c
    query = sa.select(j.annotator, sa.func.count().label("judgments")).where(
        j.campaign == campaign, j.supersedes.is_(None)
    )
    return {row.annotator: row.judgments for row in reader.all(query.group_by(j.annotator))}
