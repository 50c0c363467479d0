"""What is known of annotators: profile, standing, where they are in a queue, their session."""

from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "lanes",
    "profile",
    "profile_number",
    "progress",
    "save_progress",
    "save_session",
    "session",
    "standing",
]

Row = sa.Row[Any]


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


def lanes(reader: Reader, annotator: str) -> list[str]:
    """Lanes open to an annotator: general work in their languages, and their own specialties."""
    row = profile(reader, annotator)
    languages, specialties = (row.languages, row.specialties) if row else (["en"], [])
    return [f"{language}/{name}" for language in languages for name in ["", *specialties]]


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


def save_progress(tx: Transaction, row: Row, **values: Any) -> None:
    p = t.progress
    tx.execute(
        sa.update(p)
        .where(p.c.campaign == row.campaign, p.c.annotator == row.annotator)
        .values(**values)
    )


def session(tx: Transaction, annotator: str) -> Row | None:
    s = t.work_session
    return tx.one(sa.select(s).where(s.c.annotator == annotator).with_for_update())


def save_session(tx: Transaction, annotator: str, started: int, seen: int) -> None:
    s = t.work_session
    values = {"started": started, "seen": seen}
    if not tx.insert_missing(s, [{"annotator": annotator, **values}]):
        tx.execute(sa.update(s).where(s.c.annotator == annotator).values(**values))
