"""Sessions of people in a browser: an opaque name in a cookie, everything else here.

A session is `open`, or it has the stage `password`: the password was right and the second factor
is still missing. Reaching `open` is always a new name, so that a planted one is worth nothing.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import NotFound
from prefloop.store import opaque, people, tables
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "HALF_OPEN",
    "Limits",
    "Session",
    "end",
    "end_all",
    "end_one",
    "find",
    "listing",
    "replace",
    "start",
    "touch",
]

HALF_OPEN = 10 * 60 * 1_000_000  # microseconds within which the second factor must follow
_LONGEST_DEVICE = 200

# Written once: making a statement anew costs more than running it.
_FIND = people.holding(tables.web_session)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts, in microseconds: unused, and altogether."""

    idle: int
    absolute: int


@dataclass(frozen=True, slots=True)
class Session:
    """Whose it is, and what they may; times in microseconds UTC."""

    id: str
    handle: str
    roles: frozenset[str]
    stage: str
    started: int
    seen: int
    device: str


def start(
    tx: Transaction, handle: str, by: str, stage: str = "open", device: str = "", most: int = 0
) -> str:
    """A new session; returns the cookie's value. `by` says how the person proved who they are;
    sessions older than `most` microseconds are swept."""
    person = people.person_id(tx, handle)
    name, s = opaque.fresh(), tables.web_session
    if most:
        tx.execute(sa.delete(s).where(s.c.started < tx.now - most))
    row = {
        "digest": opaque.digest(name),
        "id": new_id(),
        "person": person,
        "stage": stage,
        "started": tx.now,
        "seen": tx.now,
        "device": device[:_LONGEST_DEVICE],
    }
    tx.execute(sa.insert(s), row)
    action = "sign-in" if stage == "open" else f"sign-in.{stage}"
    tx.event(action, handle, {"by": by, "session": row["id"]})
    return name


def find(reader: Reader, name: str, limits: Limits) -> Session | None:
    """The session with this name, unless its time is over. One statement, the roles joined."""
    rows = reader.all(_FIND, digest=opaque.digest(name))
    if not rows or not _lives(rows[0], reader.ledger.clock(reader.connection), limits):
        return None
    return _session(rows[0], people.standing(rows))


def touch(tx: Transaction, name: str) -> None:
    """Say that a session was used just now."""
    s = tables.web_session
    tx.execute(sa.update(s).where(s.c.digest == opaque.digest(name)).values(seen=tx.now))


def end(tx: Transaction, name: str) -> None:
    """Sign out."""
    s = tables.web_session
    if tx.execute(sa.delete(s).where(s.c.digest == opaque.digest(name))).rowcount:
        tx.event("sign-out", tx.actor)


def replace(tx: Transaction, name: str) -> None:
    """The browser gets another session in place of this one. One that was open is signed out,
    whoever's it was; one whose second factor was missing goes without a word."""
    s, p = tables.web_session, tables.person.c
    here = s.c.digest == opaque.digest(name)
    row = tx.one(sa.select(s.c.id, s.c.stage, p.handle).join(tables.person).where(here))
    if row and tx.execute(sa.delete(s).where(here)).rowcount and row.stage == "open":
        tx.event("sign-out", row.handle, {"session": row.id, "by": "another sign-in"})


def end_one(tx: Transaction, handle: str, session: str) -> None:
    """End one of a person's own sessions by its id."""
    s, person = tables.web_session, people.person_id(tx, handle)
    gone = tx.execute(sa.delete(s).where(s.c.id == session, s.c.person == person))
    if not gone.rowcount:
        raise NotFound(f"{handle} has no session {session}: it may be over already")
    tx.event("session.end", handle, {"session": session})


def end_all(tx: Transaction, handle: str, but: str = "") -> int:
    """End every session of a person but the one named `but`; returns how many there were."""
    s, person = tables.web_session, people.person_id(tx, handle)
    kept = opaque.digest(but) if but else ""
    gone = tx.execute(sa.delete(s).where(s.c.person == person, s.c.digest != kept)).rowcount
    if gone:
        tx.event("session.end", handle, {"sessions": gone})
    return gone


def listing(reader: Reader, handle: str, limits: Limits) -> list[Session]:
    """A person's open sessions, the newest first."""
    s, person = tables.web_session.c, people.person_id(reader, handle)
    query = sa.select(tables.web_session).where(s.person == person, s.stage == "open")
    now = reader.ledger.clock(reader.connection)
    rows = [row for row in reader.all(query.order_by(s.started.desc())) if _lives(row, now, limits)]
    roles = people.roles(reader, handle)
    return [_session(row, roles, handle) for row in rows]


def _lives(row: sa.Row[Any], now: int, limits: Limits) -> bool:
    most = limits.absolute if row.stage == "open" else HALF_OPEN
    # A clock that was set back must not make a session last: its age is never negative.
    return bool(abs(now - row.started) < most and now - row.seen < limits.idle)


def _session(row: sa.Row[Any], roles: frozenset[str], handle: str = "") -> Session:
    return Session(
        row.id, handle or row.handle, roles, row.stage, row.started, row.seen, row.device
    )
