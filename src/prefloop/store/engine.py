"""Opening the ledger, and the transaction in which every change and its audit event are one.

SQLite has one in-process lock in front of it, because SQLite's own busy handler is unfair.
PostgreSQL: row locks where the queue needs them, and one advisory lock around the tail of the audit
chain, always taken last.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from prefloop.core.errors import BadInput, Unavailable
from prefloop.store import audit, tables
from prefloop.store.connections import file_of, now_of, open_engine, plainly
from prefloop.store.files import FileStore

__all__ = ["Ledger", "Reader", "Transaction"]

_AUDIT_LOCK = 0x70726566  # "pref": the advisory lock that orders the chain on PostgreSQL
_CHUNK = 500  # SQLite before 3.32 allows 999 bound variables


class Reader:
    """A consistent view of the ledger, for questions only."""

    def __init__(self, connection: sa.Connection, ledger: "Ledger") -> None:
        self.connection = connection
        self.ledger = ledger

    @property
    def files(self) -> FileStore:
        return self.ledger.files

    def execute(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        result: sa.CursorResult[Any] = self.connection.execute(statement, rows)
        return result

    def one(self, statement: sa.Executable, **values: Any) -> sa.Row[Any] | None:
        """The first row, or None. `values` are for a statement that was written once, with
        bindparams: building one anew each time costs three times as much as running it."""
        return self.connection.execute(statement, values).first()

    def all(self, statement: sa.Executable, **values: Any) -> Sequence[sa.Row[Any]]:
        return self.connection.execute(statement, values).all()

    def each(
        self, statement: sa.Executable, wanted: Iterable[Any], **values: Any
    ) -> Iterator[sa.Row[Any]]:
        """Rows of a statement with an expanding bindparam `among`, however many those are."""
        known = list(dict.fromkeys(wanted))
        for start in range(0, len(known), _CHUNK):
            chunk = known[start : start + _CHUNK]
            yield from self.connection.execute(statement, {"among": chunk, **values})

    def where_in(
        self, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Iterable[Any]
    ) -> Iterator[sa.Row[Any]]:
        """Rows of `statement` whose `column` is among `values`, however many those are."""
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _CHUNK):
            yield from self.connection.execute(
                statement.where(column.in_(wanted[start : start + _CHUNK]))
            )


class Transaction(Reader):
    """One commit: changes and their audit events together, or nothing."""

    def __init__(self, connection: sa.Connection, ledger: "Ledger", actor: str) -> None:
        super().__init__(connection, ledger)
        self.actor = actor
        self.now = ledger.clock(connection)
        self._tail: audit.Tail | None = None

    def update_each(self, statement: sa.Executable, wanted: Sequence[Any], **values: Any) -> None:
        """Run a change with an expanding bindparam `among`, however many those are."""
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            self.connection.execute(statement, {"among": chunk, **values})

    def insert_missing(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Add rows that are not there yet. Two writers may bring the same row at once; the first
        one serves both. Returns how many were added."""
        return self.execute(_missing(table, self.ledger.is_postgresql), rows).rowcount

    def append(
        self,
        table: sa.Table,
        rows: Iterable[Mapping[str, Any]],
        *,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Add sealed rows under one new event; returns the event's number."""
        return self.append_many([(table, rows)], action=action, subject=subject, detail=detail)

    def append_many(
        self,
        groups: Iterable[tuple[sa.Table, Iterable[Mapping[str, Any]]]],
        *,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Add sealed rows of several tables under one event."""
        sealed = [(table, [audit.sealed_row(table, row) for row in rows]) for table, rows in groups]
        seals = [row["seal"] for _, rows in sealed for row in rows]
        seq = self.event(action, subject, detail, seals=seals)
        for table, rows in sealed:
            for row in rows:
                row["event"] = seq
            if rows:
                self.connection.execute(_insert(table), rows)
        return seq

    def event(
        self,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        seals: Sequence[str] = (),
    ) -> int:
        """Write one audit event; returns its number."""
        if self._tail is None:
            if self.ledger.is_postgresql:
                self.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_AUDIT_LOCK)))
            self._tail = audit.tail(self.connection)
        row = audit.next_event(
            self._tail,
            at=self.now,
            actor=self.actor,
            action=action,
            subject=subject,
            detail=dict(detail or {}),
            seals=seals,
        )
        self.connection.execute(_insert(tables.event), row)
        self._tail = audit.Tail(row["seq"], row["hash"])
        seq: int = row["seq"]
        return seq


class Ledger:
    """One project's database and files.

    `clock` returns microseconds since 1970 given a connection; by default it is the database's.
    """

    def __init__(
        self,
        url: str,
        files: FileStore,
        key: bytes,
        clock: Callable[[sa.Connection], int] | None = None,
    ) -> None:
        self.engine = open_engine(url)
        self.files = files
        self.key = key
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        self.clock = clock or now_of
        self._write_lock = threading.Lock()
        self._file = file_of(self.engine)
        self._inode: tuple[int, int] | None = None

    @contextmanager
    def transaction(self, actor: str) -> Iterator[Transaction]:
        """Everything inside commits together with its audit events, or not at all."""
        if not actor:
            raise BadInput("a change needs an actor: name who is acting (--as NAME)")
        with self._exclusive(), self._connection() as connection, connection.begin():
            yield Transaction(connection, self, actor)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A view that no concurrent change disturbs."""
        with self._connection(prefloop_read=True) as connection, connection.begin():
            yield Reader(connection, self)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self.is_postgresql:
            yield
        else:
            with self._write_lock:
                yield

    @contextmanager
    def _connection(self, **options: Any) -> Iterator[sa.Connection]:
        with plainly(self.engine):
            self._look_forfile_of()
            connected = self.engine.connect()
        with plainly(self.engine), connected as connection:
            yield connection.execution_options(**options) if options else connection

    def _look_forfile_of(self) -> None:
        """SQLite goes on writing into a file that was moved away, and makes an empty one where
        there is none: what is acknowledged would be lost. So the file is looked at each time."""
        if self._file is None:
            return
        try:
            found = os.stat(self._file)
        except OSError as error:
            if self._inode is None:
                return  # about to be made
            self.engine.dispose()
            raise Unavailable(f"the ledger {self._file} is away: {error.strerror}") from error
        inode = (found.st_dev, found.st_ino)
        if self._inode not in (None, inode):
            self.engine.dispose()  # another file stands in its place: look at that one
        self._inode = inode


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _missing(table: sa.Table, is_postgresql: bool) -> sa.Insert:
    insert = postgresql.insert if is_postgresql else sqlite.insert
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
