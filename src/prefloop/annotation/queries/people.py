"""What is known of annotators: profile, standing, where they are in a queue, their session."""

from collections.abc import Mapping
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


_WHO: sa.BindParameter[Any] = sa.bindparam("annotator")
_WHERE: sa.BindParameter[Any] = sa.bindparam("of_campaign")
_PROFILE = (
    sa.select(t.profile)
    .where(t.profile.c.annotator == _WHO)
    .order_by(t.profile.c.number.desc())
    .limit(1)
)
_STANDING = (
    sa.select(t.standing)
    .where(t.standing.c.campaign == _WHERE, t.standing.c.annotator == _WHO)
    .order_by(t.standing.c.number.desc())
    .limit(1)
)
_PROGRESS = (
    sa.select(t.progress)
    .where(t.progress.c.campaign == _WHERE, t.progress.c.annotator == _WHO)
    .with_for_update()
)
_SAVE_PROGRESS = (
    sa.update(t.progress)
    .where(t.progress.c.campaign == _WHERE, t.progress.c.annotator == sa.bindparam("who"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("issued", "repeated", "cursors")})
)
_SESSION = sa.select(t.work_session).where(t.work_session.c.annotator == _WHO).with_for_update()
_SAVE_SESSION = (
    sa.update(t.work_session)
    .where(t.work_session.c.annotator == sa.bindparam("who"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("started", "seen", "done")})
)


def profile(reader: Reader, annotator: str) -> Row | None:
    return reader.one(_PROFILE, annotator=annotator)


def profile_number(reader: Reader, annotator: str) -> int:
    row = profile(reader, annotator)
    return row.number if row else 0


def standing(reader: Reader, campaign: str, annotator: str) -> Row | None:
    return reader.one(_STANDING, of_campaign=campaign, annotator=annotator)


def lanes(reader: Reader, annotator: str) -> list[str]:
    """Lanes open to an annotator: general work in their languages, and their own specialties."""
    row = profile(reader, annotator)
    languages, specialties = (row.languages, row.specialties) if row else (["en"], [])
    return [f"{language}/{name}" for language in languages for name in ["", *specialties]]


def progress(tx: Transaction, campaign: str, annotator: str) -> Row:
    """Where the annotator is; locks the row, so one annotator's claims are one after another."""
    row = tx.one(_PROGRESS, of_campaign=campaign, annotator=annotator)
    if row is None:
        new = {"campaign": campaign, "annotator": annotator, "issued": 0, "repeated": 0}
        tx.insert_missing(t.progress, [{**new, "cursors": {}}])
        row = tx.one(_PROGRESS, of_campaign=campaign, annotator=annotator)
    assert row is not None
    return row


def save_progress(
    tx: Transaction, row: Row, issued: int, repeated: int, cursors: Mapping[str, int]
) -> None:
    where = {"of_campaign": row.campaign, "who": row.annotator}
    new = {"new_issued": issued, "new_repeated": repeated, "new_cursors": dict(cursors)}
    tx.execute(_SAVE_PROGRESS, {**where, **new})


def session(tx: Transaction, annotator: str) -> Row | None:
    return tx.one(_SESSION, annotator=annotator)


def save_session(tx: Transaction, annotator: str, started: int, seen: int, done: int) -> None:
    values = {"new_started": started, "new_seen": seen, "new_done": done}
    if tx.execute(_SAVE_SESSION, {"who": annotator, **values}).rowcount == 0:
        # A second window of the same person may have begun the session at this very moment.
        row = {"annotator": annotator, "started": started, "seen": seen, "done": done}
        tx.insert_missing(t.work_session, [row])
