"""Long work as rows: one request is one job, and one worker has it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import make_ledger

from prefloop.core.errors import Conflict, NotFound
from prefloop.store import Ledger, jobs, tables
from prefloop.store.jobs import LEASE_US, Job
from prefloop.store.verify import verify


class Clock:
    """A clock that stands still until somebody moves it."""

    now = 1_000_000

    def __call__(self, connection: sa.Connection) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = make_ledger(database_url, tmp_path, clock)
    yield opened
    opened.close()


def enqueue(ledger: Ledger, key: str = "k", kind: str = "train") -> Job:
    with ledger.transaction("ana") as tx:
        return jobs.enqueue(tx, kind, key, {"steps": 3})


def claim(ledger: Ledger, worker: str = "w1", **which: str) -> Job | None:
    with ledger.transaction(worker) as tx:
        return jobs.claim(tx, worker, **which)


def claimed(ledger: Ledger, worker: str = "w1") -> Job:
    job = claim(ledger, worker)
    assert job is not None
    return job


def get(ledger: Ledger, job: Job) -> Job:
    with ledger.reader() as reader:
        return jobs.get(reader, job.id)


def test_one_key_is_one_job_in_whatever_state(ledger: Ledger) -> None:
    job = enqueue(ledger)
    assert enqueue(ledger) == job
    assert enqueue(ledger, "other").id != job.id
    running = claimed(ledger)
    assert enqueue(ledger) == running
    with ledger.transaction("w1") as tx:
        jobs.finish(tx, running, {"loss": 0.5})
    assert enqueue(ledger).result == {"loss": 0.5}


def test_one_key_asked_for_by_eight_threads_is_one_job(ledger: Ledger) -> None:
    start, found = threading.Barrier(8), []

    def work() -> None:
        for n in range(5):
            start.wait()
            found.append((n, enqueue(ledger, f"key {n}").id))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    assert len(set(found)) == 5


def test_jobs_are_taken_oldest_first_and_each_once(ledger: Ledger) -> None:
    wanted = [enqueue(ledger, key).id for key in "abc"]
    assert [claimed(ledger).id for _ in "abc"] == wanted
    assert claim(ledger) is None


def test_a_claim_can_ask_for_one_kind_or_one_job(ledger: Ledger) -> None:
    enqueue(ledger, "a", "train")
    evaluate, again = enqueue(ledger, "b", "evaluate"), enqueue(ledger, "c", "evaluate")
    assert claim(ledger, kind="import") is None
    found = claim(ledger, job_id=again.id)
    assert found is not None
    assert found.id == again.id
    found = claim(ledger, kind="evaluate")
    assert found is not None
    assert found.id == evaluate.id


def test_a_claimed_job_is_leased_and_a_heartbeat_renews_it(ledger: Ledger, clock: Clock) -> None:
    enqueue(ledger)
    job = claimed(ledger)
    assert (job.state, job.worker, job.attempts) == ("running", "w1", 1)
    assert job.lease_until == 1_000_000 + LEASE_US
    clock.now += LEASE_US - 1
    with ledger.transaction("w1") as tx:
        jobs.heartbeat(tx, job)
    clock.now += LEASE_US
    assert claim(ledger, "w2") is None  # the lease ends when it says, not before
    assert get(ledger, job).lease_until == clock.now


def test_a_silent_workers_job_is_taken_over_and_the_silent_one_is_stopped(
    ledger: Ledger, clock: Clock
) -> None:
    enqueue(ledger)
    first = claimed(ledger)
    clock.now += LEASE_US + 1
    second = claimed(ledger, "w2")
    assert (second.id, second.worker, second.attempts) == (first.id, "w2", 2)
    with pytest.raises(Conflict, match="taken over by w2"), ledger.transaction("w1") as tx:
        jobs.heartbeat(tx, first)
    with pytest.raises(Conflict, match="stop this run"), ledger.transaction("w1") as tx:
        jobs.finish(tx, first, {"loss": 9.0})
    with ledger.transaction("w2") as tx:
        jobs.finish(tx, second, {"loss": 0.5})
    assert get(ledger, first).result == {"loss": 0.5}


def test_the_same_worker_restarted_does_not_pass_for_its_earlier_self(
    ledger: Ledger, clock: Clock
) -> None:
    enqueue(ledger)
    before = claimed(ledger)
    clock.now += LEASE_US + 1
    after = claimed(ledger)
    assert after.worker == before.worker
    with pytest.raises(Conflict), ledger.transaction("w1") as tx:
        jobs.heartbeat(tx, before)


def test_a_late_worker_whose_job_nobody_took_may_go_on(ledger: Ledger, clock: Clock) -> None:
    enqueue(ledger)
    job = claimed(ledger)
    clock.now += 10 * LEASE_US
    with ledger.transaction("w1") as tx:
        jobs.finish(tx, job, {})
    assert get(ledger, job).state == "done"


def test_a_job_ends_once(ledger: Ledger) -> None:
    enqueue(ledger)
    job = claimed(ledger)
    with ledger.transaction("w1") as tx:
        jobs.finish(tx, job, {"error": "out of memory"}, failed=True)
    assert get(ledger, job).state == "failed"
    with pytest.raises(Conflict), ledger.transaction("w1") as tx:
        jobs.finish(tx, job, {})


def test_a_job_that_takes_its_workers_down_is_given_up_and_the_next_one_is_found(
    ledger: Ledger, clock: Clock
) -> None:
    bad, good = enqueue(ledger, "bad"), enqueue(ledger, "good")
    for _ in range(3):
        assert claimed(ledger).id == bad.id
        clock.now += LEASE_US + 1
    assert claimed(ledger).id == good.id
    failed = get(ledger, bad)
    assert failed.state == "failed"
    assert failed.result == {"error": "gave up after 3 attempts"}
    assert verify(ledger).ok


def test_sixteen_workers_never_share_a_job(ledger: Ledger) -> None:
    for n in range(32):
        enqueue(ledger, str(n))
    taken: list[str] = []

    def work(name: str) -> None:
        while (job := claim(ledger, name)) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 32


def test_an_unknown_job_is_not_found(ledger: Ledger) -> None:
    with ledger.reader() as reader, pytest.raises(NotFound, match="no job x"):
        jobs.get(reader, "x")


def test_what_becomes_of_a_job_is_on_record(ledger: Ledger) -> None:
    enqueue(ledger)
    job = claimed(ledger)
    with ledger.transaction("w1") as tx:
        jobs.heartbeat(tx, job)
        jobs.finish(tx, job, {})
    with ledger.reader() as reader:
        events = reader.all(sa.select(tables.event).order_by(tables.event.c.seq))
    assert [row.action for row in events] == ["job.enqueue", "job.claim", "job.done"]
