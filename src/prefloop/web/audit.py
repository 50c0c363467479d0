"""The audit chain for auditors: what was done, when and by whom; and the proof that it is whole."""

import re
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from prefloop.core.errors import BadInput, Conflict
from prefloop.flows.project import Project
from prefloop.store import audit, verify
from prefloop.store.audit import Search
from prefloop.store.verify import Checkpoint, Verification
from prefloop.web.identity import May, Signed
from prefloop.web.pages import Context, Pages

__all__ = ["Audit", "Event", "Fields", "router"]

router = APIRouter(prefix="/audit")
Reads = Annotated[Signed, Depends(May("audit.read"))]
Typed = Annotated[str, Query(max_length=200)]
_PAGE = 50
_LAST = 2**63 - 1  # what the ledger counts to
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERIFYING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Event:
    """One event for people."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The search as it was typed."""

    actor: Typed = ""
    action: Typed = ""
    subject: Typed = ""
    since: Typed = ""
    until: Typed = ""


@dataclass(frozen=True, slots=True)
class Audit(Context):
    """A page of events, newest first; `older` is where the next page is, empty for none."""

    fields: Fields
    events: list[Event]
    older: str
    later: bool
    tail: Checkpoint
    proof: Verification | None
    wrong: str


@router.get("")
def search(
    request: Request,
    reader: Reads,
    fields: Annotated[Fields, Depends(Fields)],
    before: Annotated[int | None, Query(ge=0, le=_LAST)] = None,
) -> Response:
    """Look for events."""
    return _show(request, fields, before)


@router.post("/verify")
def prove(request: Request, reader: Reads) -> Response:
    """Walk the whole chain, every row, artifact, text and file; one at a time."""
    project: Project = request.app.state.project
    if not _VERIFYING.acquire(blocking=False):
        raise Conflict("the ledger is being verified already: look again in a moment")
    try:
        proof = verify.verify(project.ledger)
    finally:
        _VERIFYING.release()
    return _show(request, Fields(), None, proof)


def _show(
    request: Request, fields: Fields, before: int | None, proof: Verification | None = None
) -> Response:
    project: Project = request.app.state.project
    wrong, rows = "", []
    with project.reader() as reader:
        try:
            wanted = Search(
                actor=fields.actor.strip(),
                action=fields.action.strip(),
                subject=fields.subject.strip(),
                since=_day(fields.since),
                until=_day(fields.until, 1),
                before=before,
            )
            rows = audit.search(reader.connection, wanted, _PAGE + 1)
        except BadInput as error:
            wrong = str(error)
        tail = verify.checkpoint(reader)
    events = [_event(row) for row in rows[:_PAGE]]
    older = _older(fields, events[-1].seq) if len(rows) > _PAGE else ""
    pages: Pages = request.app.state.pages
    page = Audit(fields, events, older, before is not None, tail, proof, wrong)
    return pages.show(request, "audit.html", page, 422 if wrong else 200)


def _day(given: str, days: int = 0) -> int | None:
    """The beginning of a day in microseconds UTC, or of the one `days` later."""
    if not given.strip():
        return None
    try:
        day = date.fromisoformat(given.strip()) + timedelta(days)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{given!r} is no date: write it as 2026-11-21") from error
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _older(fields: Fields, before: int) -> str:
    names = ("actor", "action", "subject", "since", "until")
    given = {name: value for name in names if (value := getattr(fields, name))}
    return "/audit?" + urlencode({**given, "before": before})


def _event(row: dict[str, Any]) -> Event:
    at = datetime.fromtimestamp(row["at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
    told = ((name, _plain(value)) for name, value in row["detail"].items())
    detail = ", ".join(f"{name}: {value}" for name, value in told if value)
    return Event(row["seq"], at, row["actor"], row["action"], row["subject"], detail, row["hash"])


def _plain(value: Any) -> str:
    """A value as people read it; of an id its end, by which commands know it too."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value[-12:] if isinstance(value, str) and _ID.fullmatch(value) else str(value)
