"""What the comparison screen keeps: drafts, attention, and an annotator's last judgment."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "answer",
    "beside",
    "forget_draft",
    "insert_attention",
    "last_judgment",
    "save_draft",
]

Row = sa.Row[Any]

# Written once: building a statement costs more than running it, and a turn asks for all of these.
_A, _D, _S = t.assignment.c, t.draft.c, t.slate.c
_ANSWER = sa.select(t.answer).where(
    t.answer.c.campaign == sa.bindparam("campaign"),
    t.answer.c.comparison == sa.bindparam("comparison"),
)
_BESIDE = (
    sa.select(_A.id, _D.content, _S.comparison.is_not(None).label("is_slate"))
    .outerjoin(t.draft, _D.assignment == _A.id)
    .outerjoin(t.slate, _S.comparison == _A.comparison)
    .where(_A.annotator == sa.bindparam("annotator"))
    .where(_A.id.in_(sa.bindparam("among", expanding=True)))
)
_FORGET = sa.delete(t.draft).where(_D.assignment == sa.bindparam("gone"))


def answer(reader: Reader, campaign: str, comparison: str) -> Row | None:
    """What an expert says of one gold or anchor item."""
    return reader.execute(_ANSWER, {"campaign": campaign, "comparison": comparison}).first()


def beside(reader: Reader, annotator: str, assignments: Iterable[str]) -> dict[str, Row]:
    """What stands beside an annotator's assignments, in one look: {id: row of the draft's content
    or None, and whether it is a slate}."""
    return {row.id: row for row in reader.each(_BESIDE, assignments, annotator=annotator)}


def save_draft(tx: Transaction, assignment: str, annotator: str, content: dict[str, Any]) -> None:
    d = t.draft
    values = {"content": content, "saved": tx.now}
    row = {"assignment": assignment, "annotator": annotator, **values}
    if not tx.insert_missing(d, [row]):
        tx.execute(sa.update(d).where(d.c.assignment == assignment).values(**values))


def forget_draft(tx: Transaction, assignment: str) -> None:
    tx.execute(_FORGET, {"gone": assignment})


def insert_attention(tx: Transaction, judgment: str, losses: int, away_ms: int) -> None:
    """The first word counts: the same submission sent again changes nothing."""
    row = {"judgment": judgment, "focus_losses": losses, "away_ms": away_ms}
    tx.insert_missing(t.attention, [row])


def last_judgment(reader: Reader, campaign: str, annotator: str) -> Row | None:
    """The newest judgment of an annotator that nothing supersedes."""
    j = t.judgment
    query = sa.select(j).where(j.c.campaign == campaign, j.c.annotator == annotator)
    return reader.one(query.order_by(j.c.event.desc(), j.c.id.desc()).limit(1))
