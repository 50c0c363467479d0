"""Long work as rows: a lease that must be renewed, a key that makes one request one job."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import Conflict, NotFound
from prefloop.store import tables
from prefloop.store.engine import Reader, Transaction

__all__ = ["LEASE_US", "Job", "claim", "enqueue", "finish", "get", "heartbeat", "put_back"]

LEASE_US = 60_000_000
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. States: queued, running, done, failed."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    state: str
    worker: str | None
    lease_until: int | None
    attempts: int
    result: dict[str, Any] | None


def enqueue(tx: Transaction, kind: str, key: str, payload: dict[str, Any]) -> Job:
    """Ask for work. The same key returns the job that is there already."""
    job_id = new_id()
    values = {"kind": kind, "key": key, "payload": payload, "state": "queued", "attempts": 0}
    if tx.insert_missing(tables.job, [{"id": job_id, **values}]):
        tx.event("job.enqueue", job_id, {"kind": kind, "key": key})
    row = tx.one(sa.select(tables.job).where(tables.job.c.key == key))
    assert row is not None
    return Job(**row._asdict())


def claim(
    tx: Transaction, worker: str, kind: str | None = None, job_id: str | None = None
) -> Job | None:
    """Take the oldest job that is queued, or whose worker has gone silent; else None."""
    j = tables.job.c
    stale = sa.and_(j.state == "running", j.lease_until < tx.now)
    query = sa.select(tables.job).where(sa.or_(j.state == "queued", stale)).order_by(j.id).limit(1)
    if kind:
        query = query.where(j.kind == kind)
    if job_id:
        query = query.where(j.id == job_id)
    row = tx.one(query.with_for_update(skip_locked=True))
    if row is None:
        return None
    if row.attempts >= _ATTEMPTS:  # it takes its workers down with it: look for another
        _set(tx, row.id, state="failed", result={"error": f"gave up after {_ATTEMPTS} attempts"})
        tx.event("job.failed", row.id, {"kind": row.kind})
        return claim(tx, worker, kind, job_id)
    lease = tx.now + LEASE_US
    _set(tx, row.id, state="running", worker=worker, lease_until=lease, attempts=row.attempts + 1)
    tx.event("job.claim", row.id, {"worker": worker})
    return get(tx, row.id)


def heartbeat(tx: Transaction, job: Job) -> None:
    """Renew the lease. Raises Conflict when somebody else has the job by now."""
    _own(tx, job)
    _set(tx, job.id, lease_until=tx.now + LEASE_US)


def finish(tx: Transaction, job: Job, result: dict[str, Any], failed: bool = False) -> None:
    """Record how it ended. Raises Conflict when somebody else has the job by now."""
    _own(tx, job)
    state = "failed" if failed else "done"
    _set(tx, job.id, state=state, result=result, lease_until=None)
    tx.event(f"job.{state}", job.id, {"kind": job.kind})


def put_back(tx: Transaction, job: Job) -> None:
    """Queue a job again, whatever became of it: a person asks for it anew, or it was let go."""
    _set(tx, job.id, state="queued", worker=None, lease_until=None, attempts=0)
    tx.event("job.queue", job.id, {"kind": job.kind})


def get(reader: Reader, job_id: str) -> Job:
    """The job with this id."""
    row = reader.one(sa.select(tables.job).where(tables.job.c.id == job_id))
    if row is None:
        raise NotFound(f"no job {job_id}")
    return Job(**row._asdict())


def _own(tx: Transaction, job: Job) -> None:
    tx.one(sa.select(tables.job).where(tables.job.c.id == job.id).with_for_update())
    now = get(tx, job.id)
    if now.worker != job.worker or now.attempts != job.attempts or now.state != "running":
        raise Conflict(f"job {job.id} was taken over by {now.worker or 'nobody'}: stop this run")


def _set(tx: Transaction, job_id: str, **values: Any) -> None:
    tx.execute(sa.update(tables.job).where(tables.job.c.id == job_id).values(**values))
