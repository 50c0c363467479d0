"""Sessions: preference quality falls with fatigue, so work stops at a limit and a break is due."""

from typing import Any

from prefloop.annotation import queries
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.core.errors import Refused
from prefloop.store.engine import Transaction

__all__ = ["SessionOver", "note", "touch"]

_MINUTE = 60_000_000


class SessionOver(Refused):
    """The session limit is reached; the message says how long the break still is."""


def touch(tx: Transaction, annotator: str, settings: CampaignSettings) -> int:
    """Note that the annotator is working; returns microseconds left in the session.

    A pause as long as the break starts a new session. Raises SessionOver at the limit.
    """
    limit, rest = settings.session_minutes * _MINUTE, settings.break_minutes * _MINUTE
    row = queries.session(tx, annotator)
    started = _started(tx, row, settings)
    left = limit - (tx.now - started)
    if row is not None and left <= 0:
        minutes = -(-(rest - (tx.now - row.seen)) // _MINUTE)
        raise SessionOver(
            f"{annotator} has worked {settings.session_minutes} minutes: "
            f"a break of {minutes} more minutes is due"
        )
    queries.save_session(tx, annotator, started, tx.now)
    return left


def note(tx: Transaction, annotator: str, settings: CampaignSettings) -> None:
    """Note that a judgment came in: time spent on a long list is work, not a break.

    Never refuses, since what was written at the limit is still worth having.
    """
    row = queries.session(tx, annotator)
    queries.save_session(tx, annotator, _started(tx, row, settings), tx.now)


def _started(tx: Transaction, row: Any, settings: CampaignSettings) -> int:
    rest = settings.break_minutes * _MINUTE
    return tx.now if row is None or tx.now - row.seen >= rest else int(row.started)
