"""Long work under a job: one process at a time on one piece of work, known to be alive."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prefloop.core.errors import Conflict
from prefloop.flows.project import Project
from prefloop.store import jobs
from prefloop.store.jobs import Job

__all__ = ["running"]

_BEAT_SECONDS = 20.0  # a third of the lease


@contextmanager
def running(project: Project, kind: str, key: str) -> Iterator[None]:
    """Hold the job `key` while the block runs; what was interrupted can be taken up again.

    Raises Conflict while another live process holds it. A process of this machine that died is
    known by its number; of one elsewhere only the silence of its lease tells.
    """
    with project.transaction() as tx:
        job = jobs.enqueue(tx, kind, key, {})
        if job.state in ("done", "failed") or _died_here(job):
            jobs.put_back(tx, job)
        held = jobs.claim(tx, _worker(), job_id=job.id)
    if held is None:
        raise Conflict(f"this very {kind} is going on in process {job.worker}: wait, or stop it")
    over = threading.Event()
    beat = threading.Thread(target=_keep_alive, args=(project, held, over), daemon=True)
    beat.start()
    try:
        yield
    except BaseException:
        with project.transaction() as tx:
            if jobs.get(tx, held.id).worker == held.worker:  # else somebody took it over
                jobs.put_back(tx, held)
        raise
    finally:
        over.set()
        beat.join()
    with project.transaction() as tx:
        jobs.finish(tx, held, {})


def _keep_alive(project: Project, job: Job, over: threading.Event) -> None:
    while not over.wait(_BEAT_SECONDS):
        with project.transaction() as tx:
            jobs.heartbeat(tx, job)


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _died_here(job: Job) -> bool:
    """Whether the job's worker was a process of this machine that is gone."""
    host, _, number = (job.worker or "").rpartition(":")
    if job.state != "running" or host != socket.gethostname():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
