"""Sessions: preference quality falls with fatigue, so work stops at a limit and a break is due.

A clock that was set back takes no time from a session and adds none to a break.
"""

from dataclasses import dataclass, replace
from typing import Any

from prefloop.annotation import queries
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.core.errors import Refused
from prefloop.store.engine import Transaction

__all__ = ["Session", "SessionOver", "current", "keep", "require"]

_MINUTE = 60_000_000


class SessionOver(Refused):
    """The session limit is reached; the message says how long the break still is."""


@dataclass(frozen=True, slots=True)
class Session:
    """One person's sitting, over all campaigns. Times are microseconds since 1970, UTC.

    `done` counts judgments, `seen` is when the last sign of work came, `ends` when the limit is
    reached, and `rest` how long the break then is, in microseconds.
    """

    annotator: str
    started: int
    seen: int
    done: int
    ends: int
    rest: int

    def over(self, now: int) -> bool:
        """Whether the limit is reached and the break is not."""
        return now >= self.ends

    @property
    def break_until(self) -> int:
        """When the next session may begin, if nothing more is done."""
        return self.seen + self.rest


def current(tx: Transaction, annotator: str, settings: CampaignSettings) -> Session:
    """The annotator's session as it stands, locked; a pause as long as the break begins another."""
    limit, rest = settings.session_minutes * _MINUTE, settings.break_minutes * _MINUTE
    row = queries.session(tx, annotator)
    if row is None:
        queries.save_session(tx, annotator, tx.now, tx.now, 0)
        return Session(annotator, tx.now, tx.now, 0, tx.now + limit, rest)
    if row.seen > tx.now:  # the clock was set back
        row = _moved(tx, row)
    if tx.now - row.seen >= rest and (rest or tx.now - row.started >= limit):
        return Session(annotator, tx.now, tx.now, 0, tx.now + limit, rest)
    return Session(annotator, row.started, row.seen, row.done, row.started + limit, rest)


def keep(tx: Transaction, session: Session, judged: int = 0) -> Session:
    """Note that the annotator is working, and how many judgments came in."""
    now = replace(session, seen=tx.now, done=session.done + judged)
    queries.save_session(tx, now.annotator, now.started, now.seen, now.done)
    return now


def require(tx: Transaction, session: Session) -> None:
    """Raise SessionOver at the limit. Asking again during the break does not prolong it."""
    if session.over(tx.now):
        worked = (session.ends - session.started) // _MINUTE
        minutes = -(-(session.break_until - tx.now) // _MINUTE)
        raise SessionOver(
            f"{session.annotator} has worked {worked} minutes: "
            f"a break of {minutes} more minutes is due"
        )


def _moved(tx: Transaction, row: Any) -> Any:
    """The session on the clock as it is now: as much worked, and the break beginning now."""
    worked = max(row.seen - row.started, 0)
    queries.save_session(tx, row.annotator, tx.now - worked, tx.now, row.done)
    return queries.session(tx, row.annotator)
