"""A database that goes away and comes back: asked again later, and nothing is lost or twice."""

import os
import signal
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.annotation.conftest import claim, item, open_campaign, rows, submit
from tests.conftest import cannot_run, make_ledger
from tests.durability.crew import Crew

from prefloop.annotation import tables
from prefloop.core.errors import Unavailable
from prefloop.store import Ledger
from prefloop.store.verify import verify


def everything_is_there(ledger: Ledger, told: dict[str, str]) -> None:
    judged = {row.id: row for row in rows(ledger, tables.judgment)}
    assert {name: key for name, key in told.items() if judged[name].key != key} == {}
    counts = Counter(row.comparison for row in judged.values())
    for place in rows(ledger, tables.queue_item):
        assert place.judged == counts[place.comparison] <= place.wanted
    assert verify(ledger).problems == []


def until(crew: Crew, told: dict[str, str], more: int) -> None:
    wanted, patience = len(told) + more, time.monotonic() + 30
    while len(told) < wanted:
        assert time.monotonic() < patience, f"nothing is acknowledged any more: {crew.failed}"
        time.sleep(0.01)


def test_a_sqlite_file_that_is_moved_away_and_back(sqlite_url: str, tmp_path: Path) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    open_campaign(ledger, items=[item(n, overlap=2) for n in range(1500)], annotators=4)
    told, place = dict[str, str](), tmp_path / "ledger.db"
    names = [f"ann{n}" for n in range(4)]
    crew = Crew(ledger, names, told.__setitem__, pause=0.002).start()
    try:
        for _ in range(3):
            until(crew, told, 10)
            refused = crew.refused
            os.rename(place, tmp_path / "elsewhere.db")
            while crew.refused < refused + 8:
                time.sleep(0.01)
            assert not place.exists()  # nobody made an empty one in its place
            os.rename(tmp_path / "elsewhere.db", place)
        until(crew, told, 10)
    finally:
        crew.stop()
    assert crew.failed == []
    everything_is_there(ledger, told)
    ledger.close()


def test_a_file_put_in_its_place_is_the_one_that_is_read(sqlite_url: str, tmp_path: Path) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    campaign = open_campaign(ledger)
    with sqlite3.connect(tmp_path / "ledger.db") as one:
        with sqlite3.connect(tmp_path / "copy.db") as copy:
            one.backup(copy)
        copy.close()
    one.close()
    submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0", 3))
    assert len(rows(ledger, tables.judgment)) == 3
    ledger.engine.dispose()  # as a restore does: nobody has it open
    os.replace(tmp_path / "copy.db", tmp_path / "ledger.db")
    assert rows(ledger, tables.judgment) == []
    submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0", 3))
    assert verify(ledger).problems == []
    ledger.close()


def test_a_lock_that_somebody_else_keeps_is_told_as_unavailable(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    campaign = open_campaign(ledger)
    with ledger.reader() as reader:  # the same connection is used again
        reader.connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="database is locked"):
        claim(ledger, campaign, "ann0")
    other.execute("ROLLBACK")
    other.close()
    assert claim(ledger, campaign, "ann0") != []
    ledger.close()


@pytest.fixture
def own_postgresql() -> Iterator[Any]:
    """A PostgreSQL of this test's own, that may be killed; it syncs to disk as by default."""
    folder = tempfile.mkdtemp(prefix="prefloop-postgresql-")
    try:
        import pgserver

        server = pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        cannot_run(f"needs a PostgreSQL that starts (pip install pgserver): {error}")
    yield server
    server.cleanup()


def start_again(server: Any) -> None:
    """What is left of the killed server has to go before another one may start."""
    # A killed process that nobody has waited for counts as running.
    (server.pgdata / "postmaster.pid").unlink()
    patience = time.monotonic() + 30
    while True:
        try:
            server.ensure_postgres_running()
            return
        except Exception:
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)


def test_a_postgresql_that_is_killed_and_restarted_under_load(
    own_postgresql: Any, tmp_path: Path
) -> None:
    ledger = make_ledger(own_postgresql.get_uri(), tmp_path)
    open_campaign(ledger, items=[item(n, overlap=2) for n in range(1000)], annotators=6)
    told, lock = dict[str, str](), threading.Lock()

    def heard(judgment: str, key: str) -> None:
        with lock:
            told[judgment] = key

    crew = Crew(ledger, [f"ann{n}" for n in range(6)], heard).start()
    try:
        for _ in range(2):
            until(crew, told, 20)
            refused = crew.refused
            os.kill(own_postgresql.get_pid(), signal.SIGKILL)
            while crew.refused == refused:
                time.sleep(0.01)
            start_again(own_postgresql)
        until(crew, told, 20)
    finally:
        crew.stop()
    assert crew.failed == []
    everything_is_there(ledger, told)
    ledger.close()
