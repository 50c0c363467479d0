"""Sessions: preference quality falls with fatigue, so work stops at a limit and a break is due."""

from prefloop.annotation import queries
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.core.errors import Refused
from prefloop.store.engine import Transaction

__all__ = ["SessionOver", "touch"]

_MINUTE = 60_000_000


class SessionOver(Refused):
    """The session limit is reached; the message says how long the break still is."""


def touch(tx: Transaction, annotator: str, settings: CampaignSettings) -> int:
    """Note that the annotator is working; returns microseconds left in the session.

    A pause as long as the break starts a new session. Raises SessionOver at the limit.
    """
    limit, rest = settings.session_minutes * _MINUTE, settings.break_minutes * _MINUTE
    row = queries.session(tx, annotator)
    if row is None or tx.now - row.seen >= rest:
        queries.save_session(tx, annotator, tx.now, tx.now)
        return limit
    if tx.now - row.started >= limit:
        minutes = -(-(rest - (tx.now - row.seen)) // _MINUTE)
        raise SessionOver(
            f"{annotator} has worked {settings.session_minutes} minutes: "
            f"a break of {minutes} more minutes is due"
        )
    queries.save_session(tx, annotator, row.started, tx.now)
    return int(limit - (tx.now - row.started))
