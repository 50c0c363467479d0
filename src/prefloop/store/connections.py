"""The two databases: how each is opened, what it calls now, and what its refusals mean here.

SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE. What a database refuses leaves as one of our errors:
whoever lost a race reads Conflict, and whoever meets a full disk or a database that is away reads
Unavailable and may ask again.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from prefloop.core.errors import BadInput, Conflict, MissingExtra, PrefloopError, Unavailable

__all__ = ["file_of", "now_of", "open_engine", "plainly"]

# secure_delete: an erased text must not stay readable in the file's free pages.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
_LOST_RACES = ("40001", "40P01")  # PostgreSQL: serialization failure, deadlock


@contextmanager
def plainly(engine: sa.Engine) -> Iterator[None]:
    """Turns what the database says into one line of ours."""
    try:
        yield
    except UnicodeEncodeError as error:  # lone surrogates: no database takes them
        raise BadInput(f"text is not valid Unicode at character {error.start}") from error
    except sa.exc.DBAPIError as error:
        said = (str(error.orig).splitlines() or [type(error.orig).__name__])[0]
        lost = getattr(error.orig, "sqlstate", None) in _LOST_RACES
        if lost or isinstance(error, sa.exc.IntegrityError):
            raise Conflict(
                f"somebody else changed the same thing at the same moment: try again ({said})"
            ) from error
        if isinstance(error, sa.exc.DataError):
            raise BadInput(f"the ledger cannot hold this: {said}") from error
        away = isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
        kind = Unavailable if away and "no such" not in said else PrefloopError
        raise kind(f"the ledger at {engine.url!r} cannot be used: {said}") from error
    except sa.exc.TimeoutError as error:
        raise Unavailable("too many requests at once wait for the ledger: try again") from error


def file_of(engine: sa.Engine) -> str | None:
    """The file of a SQLite database that has one."""
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return None if name in (None, "", ":memory:") else os.path.abspath(str(name))


def open_engine(url: str) -> sa.Engine:
    """An engine for sqlite:///FILE or postgresql://HOST/NAME. Raises BadInput, MissingExtra."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise BadInput(f"database {url!r}: use sqlite:///FILE or postgresql://HOST/NAME") from error
    if parsed.get_backend_name() == "postgresql":
        try:
            engine = sa.create_engine(parsed, pool_size=20, max_overflow=60, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "PostgreSQL needs an extra: pip install 'prefloop[postgresql]'"
            ) from error

        @sa.event.listens_for(engine, "begin")
        def _pg_begin(connection: sa.Connection) -> None:
            if connection.get_execution_options().get("prefloop_read"):
                connection.exec_driver_sql(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )

        return engine
    if parsed.get_backend_name() != "sqlite":
        raise BadInput(f"database {parsed!r}: use sqlite:///FILE or postgresql://HOST/NAME")
    engine = sa.create_engine(parsed, connect_args={"timeout": 30, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # we say BEGIN ourselves
        for pragma in _PRAGMAS:
            dbapi.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # IMMEDIATE: a deferred transaction that later writes can fail half way with SQLITE_BUSY.
        reading = connection.get_execution_options().get("prefloop_read")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def now_of(connection: sa.Connection) -> int:
    """The database's clock, in microseconds since 1970."""
    if connection.dialect.name == "sqlite":
        return time.time_ns() // 1000  # what SQLite would say: it asks this machine's clock
    sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
    return int(connection.exec_driver_sql(sql).scalar_one())
