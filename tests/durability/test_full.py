"""A full disk: the sender is told to try again, nothing is half there, and room mends it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import item, open_campaign, right, rows
from tests.conftest import make_ledger

from prefloop.annotation import queue, tables
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import Unavailable
from prefloop.store import Ledger
from prefloop.store.verify import verify

ROOT = Path(__file__).resolve().parents[2]


def turns(ledger: Ledger, who: str, words: str, most: int) -> list[str]:
    """Judgments by one person until the disk is full; those that were acknowledged."""
    told = list[str]()
    with ledger.transaction(who) as tx:
        (shown,) = queue.turn(tx, "support", who, None, 1).next
    for n in range(most):
        sent = Submission(
            shown.assignment, right(shown), shown.assignment, rationale=f"{n} {words}"
        )
        with ledger.transaction(who) as tx:
            turn = queue.turn(tx, "support", who, sent, 1)
        told.append(str(turn.judgment))
        (shown,) = turn.next
    return told


def test_a_database_that_may_not_grow_refuses_and_goes_on_when_it_may(
    sqlite_ledger: Ledger,
) -> None:
    open_campaign(sqlite_ledger, items=200, annotators=1)
    limit: list[int] = []

    @sa.event.listens_for(sqlite_ledger.engine, "checkout")
    def _limit(dbapi: Any, *_: Any) -> None:
        pages = limit[0] if limit else 2**30
        dbapi.execute(f"PRAGMA max_page_count = {pages}")

    with sqlite_ledger.reader() as reader:
        pages = reader.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit.append(pages + 20)
    with pytest.raises(Unavailable, match="database or disk is full"):
        turns(sqlite_ledger, "ann0", "x" * 5000, 100)
    before = len(rows(sqlite_ledger, tables.judgment))
    assert before > 0
    assert verify(sqlite_ledger).problems == []
    limit.clear()
    assert len(turns(sqlite_ledger, "ann0", "x" * 5000, 30)) == 30
    assert len(rows(sqlite_ledger, tables.judgment)) == before + 30
    assert verify(sqlite_ledger).problems == []


CHILD = """
import json, resource, sys
from pathlib import Path
from tests.durability.test_full import turns
from tests.conftest import make_ledger
from prefloop.core.errors import Unavailable

url, folder, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
ledger = make_ledger(url, folder)
told, said = [], []
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for soft in (limit, hard):
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        for _ in range(60):
            told += turns(ledger, "ann0", "x" * 20_000, 1)
    except Unavailable as error:
        said.append(str(error))
print(json.dumps({"told": told, "said": said}))
"""


def test_a_process_that_may_not_write_more_recovers_when_it_may(
    sqlite_url: str, tmp_path: Path
) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    open_campaign(ledger, items=[item(n) for n in range(200)], annotators=1)
    size = max(path.stat().st_size for path in tmp_path.glob("ledger.db*"))
    command = [sys.executable, "-c", CHILD, sqlite_url, str(tmp_path), str(size + 200_000)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    heard = json.loads(done.stdout)
    assert len(heard["said"]) == 1  # while the limit held, and then no more
    assert len(heard["told"]) > 60
    judged = {row.id for row in rows(ledger, tables.judgment)}
    assert judged >= set(heard["told"])
    assert verify(ledger).problems == []
    ledger.close()
