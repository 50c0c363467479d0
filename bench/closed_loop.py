"""A closed loop of annotators over HTTP: each fetches, submits and fetches again, without a pause.

What is measured is the server's own CPU time (its process and children, user and system), not the
clients'. All servers run on this machine with their defaults, on the same texts.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
import numpy as np
import psutil

__all__ = ["ANNOTATORS", "Measured", "Site", "measure", "running", "texts"]

ANNOTATORS = 8
_WARM = 10  # turns of each annotator that are not counted


class Site(Protocol):
    """A server, and how somebody works in it."""

    name: str
    port: int

    def annotator(self, number: int) -> Callable[[], None]:
        """Sign somebody in; each call then submits what was fetched and fetches the next."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU of the server and wall clock of the client, in milliseconds per fetch-and-submit."""

    cpu: float
    median: float
    p95: float
    turns: int


def texts(number: int) -> tuple[str, str, str]:
    """A question and two answers of about a thousand characters each."""
    answer = "Open Settings, then Billing. Choose the invoice and ask for a correction. " * 13
    question = f"Question {number}: how do I change the currency of an invoice?"
    return question, f"First answer {number}. {answer}", f"Second answer {number}. {answer}"


@contextmanager
def running(
    command: Sequence[str], port: int, folder: Path, environment: dict[str, str], path: str = "/"
) -> Iterator[tuple[psutil.Process, float]]:
    """A server that answers; its process, and the seconds from its start to its first page."""
    with (folder / "server.log").open("w") as log:
        begun = time.perf_counter()
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}{path}", server, folder)
            yield psutil.Process(server.pid), time.perf_counter() - begun
        finally:
            server.terminate()
            server.wait(30)


def measure(site: Site, server: psutil.Process, turns: int) -> Measured:
    """`turns` of each of eight annotators at once."""
    people = [site.annotator(n) for n in range(ANNOTATORS)]
    _all(people, _WARM)
    before = _cpu(server)
    took = _all(people, turns)
    spent = _cpu(server) - before
    return Measured(
        1000 * spent / len(took),
        1000 * float(np.median(took)),
        1000 * float(np.quantile(took, 0.95)),
        len(took),
    )


def _all(people: list[Callable[[], None]], turns: int) -> list[float]:
    took, failed = list[float](), list[BaseException]()

    def work(turn: Callable[[], None]) -> None:
        try:
            for _ in range(turns):
                begun = time.perf_counter()
                turn()
                took.append(time.perf_counter() - begun)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(turn,)) for turn in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return took


def _cpu(server: psutil.Process) -> float:
    """Seconds of CPU of a process and what it started."""
    times = [one.cpu_times() for one in [server, *server.children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def _wait(url: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    patience = time.monotonic() + 300
    while time.monotonic() < patience:
        if server.poll() is not None:
            raise SystemExit(f"the server ended: see {folder}/server.log")
        try:
            if httpx.get(url, timeout=5).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise SystemExit(f"the server does not answer: see {folder}/server.log")
