"""What every test may ask for: real data, published tables, and databases that are real."""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

import prefloop.annotation.tables  # noqa: F401  verify knows every sealed table, as in use
from prefloop.store import Ledger, migrations
from prefloop.store.files import FileStore

Clock = Callable[[sa.Connection], int]

# CI sets this: there a check that cannot run is a failure, on a user's machine it is a skip.
REQUIRE_ALL = os.environ.get("PREFLOOP_REQUIRE_ALL") == "1"
SHARED = Path(__file__).resolve().parents[2] / "shared"


def cannot_run(why: str) -> NoReturn:
    """Skip with a clear word, or fail where everything is required."""
    if REQUIRE_ALL:
        pytest.fail(f"{why} (PREFLOOP_REQUIRE_ALL=1 forbids skipping)")
    pytest.skip(why)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data sets beside the project."""
    if not (SHARED / "data").is_dir():
        cannot_run("needs the published data in ../shared/data")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """The folder of published tables with answers beside the project."""
    if not (SHARED / "reference").is_dir():
        cannot_run("needs the published tables in ../shared/reference")
    return SHARED / "reference"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL, started for this test process alone."""
    # Not in pytest's own folder: another pytest run removes old ones, with the server inside.
    folder = tempfile.mkdtemp(prefix="prefloop-postgresql-")
    try:
        import pgserver

        server = pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        cannot_run(f"needs a PostgreSQL that starts (pip install pgserver): {error}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """An empty PostgreSQL database."""
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with its files, on SQLite and on PostgreSQL."""
    opened = make_ledger(database_url, tmp_path)
    yield opened
    opened.close()


def make_ledger(url: str, folder: Path, clock: Clock | None = None) -> Ledger:
    """A migrated ledger whose key is fixed, so that digests repeat."""
    opened = Ledger(url, FileStore(str(folder / "files")), b"k" * 32, clock)
    migrations.upgrade(opened.engine)
    return opened
