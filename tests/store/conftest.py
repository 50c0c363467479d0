"""Databases at the newest schema, made quickly: copies of one that was migrated once."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url
from tests.conftest import make_ledger

from prefloop.store import Ledger


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database to copy; nobody may be connected to it."""
    import psycopg

    name = f"migrated_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        # The server lives as long as the tests: it need not survive a power cut.
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute(b"SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    make_ledger(url, tmp_path_factory.mktemp("files")).close()
    return name


@pytest.fixture
def copied_postgresql_url(postgresql_server: str, migrated_postgresql: str) -> Iterator[str]:
    """A PostgreSQL database at the newest schema, without rows."""
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_postgresql}".encode())
    yield make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    make_ledger(f"sqlite:///{folder}/ledger.db", folder).close()
    return folder / "ledger.db"


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A SQLite database at the newest schema, without rows."""
    shutil.copy(migrated_sqlite, tmp_path / "ledger.db")
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def sqlite_ledger(sqlite_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on SQLite alone, where the database makes no difference."""
    opened = make_ledger(sqlite_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database without rows, once of each kind."""
    kind = "sqlite_url" if request.param == "sqlite" else "copied_postgresql_url"
    return str(request.getfixturevalue(kind))
