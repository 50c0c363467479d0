"""Exactly the wanted overlap, with eight people and with sixty-four, on both databases."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.annotation.conftest import item, open_campaign, right, rows
from tests.annotation.test_queue import violations
from tests.conftest import make_ledger

from prefloop.annotation import queue, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import Conflict
from prefloop.store import Ledger
from prefloop.store.verify import verify


def sit(ledger: Ledger, campaign: str, who: str, ahead: int = 3) -> int:
    """Take turns as a browser does until nothing comes; returns how many were judged."""
    hand: list[Submission] = []
    done, idle = 0, 0
    while idle < 3:  # what others had locked on PostgreSQL is there a moment later
        sent = hand.pop(0) if hand else None
        with ledger.transaction(who) as tx:
            turn = queue.turn(tx, campaign, who, sent, ahead, {one.assignment for one in hand})
        hand += [Submission(one.assignment, right(one), one.assignment) for one in turn.next]
        done += turn.judgment is not None
        idle = idle + 1 if not hand else 0
    return done


def together(ledger: Ledger, campaign: Campaign, names: list[str]) -> list[int | BaseException]:
    """Everybody at once; what each judged, or what went wrong."""
    start, found = threading.Barrier(len(names)), list[int | BaseException]()

    def person(name: str) -> None:
        start.wait()
        try:
            found.append(sit(ledger, campaign.name, name))
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=person, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("clients", [8, 64])
def test_no_comparison_is_judged_once_too_often_or_too_seldom(ledger: Ledger, clients: int) -> None:
    items = [item(n, overlap=1 + n % 5, high_stakes=n % 7 == 0) for n in range(60)]  # 180 places
    items += [item(n, "gold") for n in range(9)]
    campaign = open_campaign(
        ledger, items=items, annotators=clients, gold_share=0.07, duplicate_share=0.1
    )
    found = together(ledger, campaign, [f"ann{n}" for n in range(clients)])
    assert [one for one in found if isinstance(one, BaseException)] == []
    for n in range(clients):  # everybody looks once more
        sit(ledger, campaign.name, f"ann{n}")
    work = [row for row in rows(ledger, tables.queue_item) if row.kind == "work"]
    assert [(row.taken, row.judged) for row in work] == [(row.wanted, row.wanted) for row in work]
    live = [row for row in rows(ledger, tables.judgment) if row.purpose == "live"]
    assert len(live) == sum(row.wanted for row in work) == 180
    assert len({(row.comparison, row.annotator) for row in live}) == 180
    assert verify(ledger).ok


def test_judgments_sent_twice_at_once_by_everybody_still_count_once(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, items=[item(n, overlap=2) for n in range(12)], annotators=4)
    refused = list[BaseException]()

    def impatient(name: str) -> None:
        """A double click: every judgment is sent by two threads at the same time."""
        while True:
            with ledger.transaction(name) as tx:
                turn = queue.turn(tx, campaign, name, None, 1)
            if not turn.next:
                return
            (one,) = turn.next
            sent = Submission(one.assignment, right(one), one.assignment)

            def send(sent: Submission = sent) -> None:
                try:
                    with ledger.transaction(name) as tx:
                        queue.turn(tx, campaign, name, sent, 0)
                except Conflict as error:
                    refused.append(error)

            pair = [threading.Thread(target=send) for _ in range(2)]
            for thread in pair:
                thread.start()
            for thread in pair:
                thread.join()

    threads = [threading.Thread(target=impatient, args=(f"ann{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []  # the same key twice is the same judgment, not an error
    assert violations(ledger) == []


PERSON = """
import sys, threading
from tests.annotation.test_overlap import sit
from prefloop.store import Ledger
from prefloop.store.files import FileStore

url, folder, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = Ledger(url, FileStore(folder), b"k" * 32)
names = [f"ann{first + n}" for n in range(count)]
threads = [threading.Thread(target=sit, args=(ledger, "support", name)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_sixty_four_people_in_two_processes_on_postgresql(
    copied_postgresql_url: str, tmp_path: Path
) -> None:
    ledger = make_ledger(copied_postgresql_url, tmp_path)
    items = [item(n, overlap=3) for n in range(40)]
    campaign = open_campaign(ledger, items=items, annotators=64)
    command = [sys.executable, "-c", PERSON, copied_postgresql_url, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen([*command, str(first), "32"], cwd=root, stderr=subprocess.PIPE, text=True)
        for first in (0, 32)
    ]
    assert [process.communicate()[1] for process in running] == ["", ""]
    for n in range(64):
        sit(ledger, campaign.name, f"ann{n}")
    assert violations(ledger) == []
    assert verify(ledger).ok
    ledger.close()
