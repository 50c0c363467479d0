"""kill -9 under load, twenty-five times: what was acknowledged is there, and the chain is whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.annotation.conftest import item, open_campaign, rows
from tests.conftest import make_ledger

from prefloop.annotation import tables
from prefloop.store.verify import verify

KILLS = 25
ROOT = Path(__file__).resolve().parents[2]


def test_nothing_acknowledged_is_lost_in_twenty_five_kills(sqlite_url: str, tmp_path: Path) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    items = [item(n, overlap=1 + n % 2) for n in range(3000)]
    open_campaign(ledger, items=items, annotators=6, session_minutes=9999, lease_seconds=2)
    luck, told = random.Random(5), dict[str, str]()
    command = [sys.executable, "-m", "tests.durability.crew", sqlite_url, str(tmp_path), "6"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as crews:
        assert crews.stdin is not None
        assert crews.stdout is not None
        for kill in range(KILLS):
            crews.stdin.write("work\n")
            crews.stdin.flush()
            word, pid = crews.stdout.readline().split()
            assert word == "pid"
            lines = [crews.stdout.readline() for _ in range(luck.randint(1, 30))]
            time.sleep(luck.random() * 0.01)
            os.kill(int(pid), signal.SIGKILL)
            while (line := crews.stdout.readline()) != "gone 0\n":
                lines.append(line)
            told |= dict(line.split() for line in lines)
            if kill % 8 == 0:
                assert verify(ledger).problems == []
        crews.stdin.close()
    assert len(told) > 10 * KILLS
    judged = {row.id: row for row in rows(ledger, tables.judgment)}
    assert {name: key for name, key in told.items() if judged[name].key != key} == {}
    # Between the commit and its acknowledgment there is one judgment of each person at most.
    assert len(judged) - len(told) <= 6 * KILLS
    counts = Counter(row.comparison for row in judged.values())
    for place in rows(ledger, tables.queue_item):
        assert place.judged == counts[place.comparison] <= place.taken <= place.wanted
    assert verify(ledger).problems == []
    ledger.close()
