"""The server is killed twenty-five times under load: browsers send again, and nothing is lost."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from tests.web.annotating import Office, item, open_office

from prefloop.annotation import tables
from prefloop.store.verify import verify
from prefloop.web.identity import COOKIE

KILLS, PEOPLE = 25, 4
ROOT = Path(__file__).resolve().parents[2]


class Browser:
    """One annotator's outbox: what was not acknowledged is sent again, with the same key."""

    def __init__(self, office: Office, handle: str, port: int) -> None:
        cookie = office.cookie(handle)
        address = f"http://127.0.0.1:{port}"
        headers = {**office.headers(cookie), "origin": address}
        self.client = httpx.Client(
            base_url=address, cookies={COOKIE: cookie}, headers=headers, timeout=5
        )
        self.told, self.again, self.wrong = dict[str, str](), 0, list[str]()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        hand = list[str]()
        while not self.stop.is_set():
            asked: dict[str, Any] = {"have": [], "want": 2}
            if hand:
                asked["submission"] = {"assignment": hand[0], "key": hand[0], "choice": 1}
            try:
                answer = self.client.post("/api/campaigns/support/turn", json=asked)
            except httpx.TransportError:
                self.again += 1
                time.sleep(0.01)
                continue
            if answer.status_code != 200:
                self.wrong.append(answer.text)
                return
            said = answer.json()
            if hand:
                self.told[said["judgment"]] = hand[0]
            hand = said["held"]


def until(browsers: list[Browser], more: int) -> None:
    def told() -> int:
        return sum(len(one.told) for one in browsers)

    wanted, patience = told() + more, time.monotonic() + 60
    while told() < wanted:
        assert [one.wrong for one in browsers if one.wrong] == []
        assert time.monotonic() < patience, "the server acknowledges nothing"
        time.sleep(0.005)


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_twenty_five_times(
    tmp_path: Path,
) -> None:
    office = open_office(tmp_path, PEOPLE)
    office.campaign(items=[item(n, high_stakes=n % 5 == 0) for n in range(1500)])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    luck, pipe = random.Random(3), subprocess.PIPE
    command = [sys.executable, "-m", "tests.durability.server", str(tmp_path), str(port)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        browsers = [Browser(office, f"ann{n}", port) for n in range(PEOPLE)]
        try:
            for _ in range(KILLS):
                servers.stdin.write("serve\n")
                servers.stdin.flush()
                pid = int(servers.stdout.readline())
                until(browsers, luck.randint(2, 12))
                os.kill(pid, signal.SIGKILL)
                assert servers.stdout.readline() == "gone\n"
        finally:
            for one in browsers:
                one.stop.set()
                one.thread.join()
                one.client.close()
            servers.stdin.close()
    assert sum(one.again for one in browsers) >= KILLS
    told = {name: key for one in browsers for name, key in one.told.items()}
    with office.project.reader() as reader:
        judged = {row.id: row for row in reader.all(sa.select(tables.judgment))}
        places = reader.all(sa.select(tables.queue_item))
    assert {name: key for name, key in told.items() if judged[name].key != key} == {}
    assert len(judged) - len(told) <= PEOPLE  # what was on its way when the last one was killed
    counts = Counter(row.comparison for row in judged.values())
    assert [p for p in places if not p.judged == counts[p.comparison] <= p.taken <= p.wanted] == []
    assert verify(office.project.ledger).problems == []
    office.project.ledger.close()
