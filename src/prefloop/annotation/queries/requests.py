"""Requests, and what became of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.annotation.queries.campaigns import campaigns_by_id
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "hold_request",
    "last_round",
    "request_behind",
    "request_rows",
    "request_state",
    "requests_ending",
]

Row = sa.Row[Any]


def request_rows(reader: Reader) -> Sequence[Row]:
    """Every request, oldest first."""
    return reader.all(sa.select(t.campaign_request).order_by(t.campaign_request.c.event))


def requests_ending(reader: Reader, ending: str) -> Sequence[Row]:
    """Requests whose id ends so."""
    r = t.campaign_request
    return reader.all(sa.select(r).where(r.c.id.endswith(ending, autoescape=True)))


def request_state(reader: Reader, request: str) -> Row | None:
    """What became of a request; None while it is open."""
    s = t.campaign_request_state
    query = sa.select(s).where(s.c.request == request)
    return reader.one(query.order_by(s.c.number.desc()).limit(1))


def hold_request(tx: Transaction, request: str) -> None:
    """Nobody else answers this request until the commit."""
    r = t.campaign_request.c.id
    tx.one(sa.select(r).where(r == request).with_for_update())


def request_behind(reader: Reader, campaign: str) -> Row | None:
    """The request that a campaign was opened for."""
    r, s = t.campaign_request, t.campaign_request_state.c
    query = sa.select(r).join(t.campaign_request_state, s.request == r.c.id)
    return reader.one(query.where(sa.or_(s.campaign == campaign, s.control == campaign)))


def last_round(reader: Reader, comparisons: Iterable[str]) -> int:
    """The highest round of the campaigns that hold any of these comparisons; 0 for none."""
    q = t.queue_item.c
    held = reader.where_in(sa.select(q.campaign).distinct(), q.comparison, comparisons)
    found = campaigns_by_id(reader, {row.campaign for row in held})
    return max((row.settings["round"] for row in found.values()), default=0)
