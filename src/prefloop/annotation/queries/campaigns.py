"""Campaigns and their states."""

from collections.abc import Iterable
from typing import Any, Literal

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.core.errors import NotFound
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "campaign_by_name",
    "campaign_names",
    "campaign_state",
    "campaigns_by_id",
    "hold_campaign",
    "work_in",
]

Row = sa.Row[Any]


def campaign_by_name(reader: Reader, name: str) -> Row | None:
    return reader.one(sa.select(t.campaign).where(t.campaign.c.name == name))


def campaigns_by_id(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    c = t.campaign
    return {row.id: row for row in reader.where_in(sa.select(c), c.c.id, ids)}


def campaign_names(reader: Reader) -> list[str]:
    return [r.name for r in reader.all(sa.select(t.campaign.c.name).order_by(t.campaign.c.event))]


_STATE = (
    sa.select(t.campaign_state)
    .where(t.campaign_state.c.campaign == sa.bindparam("campaign"))
    .order_by(t.campaign_state.c.number.desc())
    .limit(1)
)
_CAMPAIGN = sa.select(t.campaign.c.id).where(t.campaign.c.id == sa.bindparam("campaign"))
_HOLD = {
    "work in": _CAMPAIGN.with_for_update(read=True, key_share=True),
    "add to": _CAMPAIGN.with_for_update(key_share=True),
    "change": _CAMPAIGN.with_for_update(),
}


def campaign_state(reader: Reader, campaign: str) -> Row:
    row = reader.one(_STATE, campaign=campaign)
    if row is None:
        raise NotFound(f"campaign {campaign} has no state: run prefloop verify")
    return row


_HAS_PRIORITY = sa.exists().where(t.priority.c.campaign == sa.bindparam("campaign"))
_WORK_IN = _STATE.with_only_columns(t.campaign_state.c.state, _HAS_PRIORITY.label("ranked"))


def work_in(tx: Transaction, campaign: str) -> tuple[str, bool]:
    """The campaign's state, which stays so until the commit, and whether anything in it was ever
    given priority."""
    if tx.ledger.is_postgresql:
        tx.one(_HOLD["work in"], campaign=campaign)
    row = tx.one(_WORK_IN, campaign=campaign)
    if row is None:
        raise NotFound(f"campaign {campaign} has no state: run prefloop verify")
    return row.state, row.ranked


def hold_campaign(
    tx: Transaction, campaign: str, to: Literal["work in", "add to", "change"]
) -> str:
    """The campaign's state, and it stays so until the commit. Many may work in it at once while
    one adds to it; who changes its state does so alone."""
    if tx.ledger.is_postgresql:
        tx.one(_HOLD[to], campaign=campaign)
    return str(campaign_state(tx, campaign).state)
