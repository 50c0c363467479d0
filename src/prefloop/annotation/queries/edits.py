"""Edits, none of which is ever changed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader

__all__ = ["edit_by_key", "latest_edit", "standing_edits"]

Row = sa.Row[Any]


def edit_by_key(reader: Reader, annotator: str, key: str) -> Row | None:
    e = t.edit
    return reader.one(sa.select(e).where(e.c.annotator == annotator, e.c.key == key))


def latest_edit(reader: Reader, assignment: str, side: str) -> Row | None:
    """The edit of one side of an assignment that nothing supersedes."""
    query = _latest().where(t.edit.c.assignment == assignment, t.edit.c.side == side)
    return reader.one(query)


def standing_edits(reader: Reader, campaign: str) -> Sequence[Row]:
    """All edits of a campaign that nothing supersedes, in the order they came."""
    e = t.edit
    return reader.all(_latest().where(e.c.campaign == campaign).order_by(e.c.event, e.c.id))


def _latest() -> sa.Select[Any]:
    e, later = t.edit, t.edit.alias("later")
    return sa.select(e).outerjoin(later, later.c.supersedes == e.c.id).where(later.c.id.is_(None))
