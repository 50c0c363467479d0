"""People at work in threads, who remember what was acknowledged and try again when told to.

As a script (`python -m tests.durability.crew URL FOLDER`) it forks one crew for every line on its
standard input, so that a hundred crews can be killed without starting Python a hundred times. A
crew prints one line for every judgment that was acknowledged.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

from tests.annotation.conftest import right

from prefloop.annotation import queue
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import Conflict, Unavailable
from prefloop.store import Ledger
from prefloop.store.files import FileStore

__all__ = ["Crew", "acknowledged_lines"]

CAMPAIGN = "support"
KEY = b"k" * 32


class Crew:
    """Several people who take turns until they are stopped. `heard` is called, by several threads,
    with every judgment's id once its commit was acknowledged; `refused` counts the times that the
    ledger was away."""

    def __init__(
        self, ledger: Ledger, names: list[str], heard: Callable[[str, str], None], pause: float = 0
    ) -> None:
        self.ledger, self.heard, self.pause = ledger, heard, pause
        self.refused, self.failed = 0, list[BaseException]()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(name,)) for name in names]

    def start(self) -> "Crew":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self, name: str) -> None:
        hand = list[Submission]()
        while not self._stop.is_set():
            sent = hand[0] if hand else None
            try:
                with self.ledger.transaction(name) as tx:
                    have = {one.assignment for one in hand[1:]}
                    turn = queue.turn(tx, CAMPAIGN, name, sent, 3, have)
            except Unavailable:  # the same again, with the same key
                self.refused += 1
                time.sleep(0.02)
                continue
            except Conflict as error:  # a race that was lost, or a place that is gone
                if "try again" not in str(error):
                    hand = hand[1:]
                continue
            except BaseException as error:
                self.failed.append(error)
                return
            if sent is not None:
                hand.pop(0)
                self.heard(str(turn.judgment), sent.key)
            hand += [
                Submission(one.assignment, right(one), one.assignment, rationale=one.first)
                for one in turn.next
            ]
            if not hand:
                return
            time.sleep(self.pause)


def acknowledged_lines(url: str, folder: str, names: list[str]) -> None:
    """Work until killed, printing every acknowledged judgment."""

    def heard(judgment: str, key: str) -> None:
        os.write(1, f"{judgment} {key}\n".encode())  # one write: whole lines or none

    crew = Crew(Ledger(url, FileStore(folder + "/files"), KEY), names, heard)
    crew.start().join()
    for error in crew.failed:
        os.write(1, f"failed {error!r}\n".encode())


def main() -> None:
    url, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(1, f"pid {os.getpid()}\n".encode())
            acknowledged_lines(url, folder, [f"ann{n}" for n in range(count)])
            os.write(1, b"done 0\n")
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"gone 0\n")


if __name__ == "__main__":
    main()
