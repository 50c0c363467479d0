"""The audit chain: what an event is, and how rows are sealed into it.

Each event carries the hash of the one before. A chain alone cannot see its own tail cut off;
`checkpoint` gives the (number, hash) pair that is worth writing down elsewhere.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import digest
from prefloop.store import tables

__all__ = [
    "START",
    "Search",
    "Tail",
    "event_hash",
    "listing",
    "next_event",
    "row_seal",
    "rows_digest",
    "sealed_row",
    "search",
    "tail",
]

START = "0" * 64


@dataclass(frozen=True, slots=True)
class Tail:
    """The last event: its number and hash."""

    seq: int
    hash: str


_TAIL = (
    sa.select(tables.event.c.seq, tables.event.c.hash).order_by(tables.event.c.seq.desc()).limit(1)
)


def tail(connection: sa.Connection) -> Tail:
    """The last event of the chain."""
    row = connection.execute(_TAIL).first()
    return Tail(row.seq, row.hash) if row else Tail(0, START)


def row_seal(table: sa.Table, row: Mapping[str, Any]) -> str:
    """The digest of every column of a row but `event` and `seal` themselves."""
    values = {
        column.name: _plain(row[column.name])
        for column in table.columns
        if column.name not in ("event", "seal")
    }
    return digest([table.name, values])


def sealed_row(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `row` with its seal."""
    return {**row, "seal": row_seal(table, row)}


def rows_digest(seals: Sequence[str]) -> str:
    """One digest for the rows of an event, whatever order the database returns them in."""
    return hashlib.sha256("".join(sorted(seals)).encode()).hexdigest()


def event_hash(row: Mapping[str, Any]) -> str:
    """The hash of an event: everything it says, and the hash of the one before."""
    return digest({name: value for name, value in row.items() if name != "hash"})


def next_event(
    last: Tail,
    *,
    at: int,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, Any],
    seals: Sequence[str],
) -> dict[str, Any]:
    """The row of the event that follows `last`."""
    row = {
        "seq": last.seq + 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "rows": rows_digest(seals),
        "previous": last.hash,
    }
    return {**row, "hash": event_hash(row)}


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def listing(connection: sa.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest events, newest first."""
    query = sa.select(tables.event).order_by(tables.event.c.seq.desc()).limit(limit)
    return [row._asdict() for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Search:
    """Which events are looked for; what is empty does not matter. An action or subject is given
    by how it begins; times are microseconds UTC, `until` exclusive; `before` is a number."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: int | None = None
    until: int | None = None
    before: int | None = None


def search(connection: sa.Connection, wanted: Search, limit: int) -> list[dict[str, Any]]:
    """The newest events that fit, newest first."""
    e = tables.event.c
    query = sa.select(tables.event).order_by(e.seq.desc()).limit(limit)
    if wanted.actor:
        query = query.where(e.actor == wanted.actor)
    for column, beginning in ((e.action, wanted.action), (e.subject, wanted.subject)):
        if beginning:
            query = query.where(column.startswith(beginning, autoescape=True))
    if wanted.since is not None:
        query = query.where(e.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(e.at < wanted.until)
    if wanted.before is not None:
        query = query.where(e.seq < wanted.before)
    return [row._asdict() for row in connection.execute(query)]
