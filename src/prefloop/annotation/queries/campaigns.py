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
]

Row = sa.Row[Any]


def campaign_by_name(reader: Reader, name: str) -> Row | None:
    return reader.one(sa.select(t.campaign).where(t.campaign.c.name == name))


def campaigns_by_id(reader: Reader, ids: Iterable[str]) -> dict[str, Row]:
    c = t.campaign
    return {row.id: row for row in reader.where_in(sa.select(c), c.c.id, ids)}


def campaign_names(reader: Reader) -> list[str]:
    return [r.name for r in reader.all(sa.select(t.campaign.c.name).order_by(t.campaign.c.event))]


def campaign_state(reader: Reader, campaign: str) -> Row:
    s = t.campaign_state
    query = sa.select(s).where(s.c.campaign == campaign).order_by(s.c.number.desc()).limit(1)
    row = reader.one(query)
    if row is None:
        raise NotFound(f"campaign {campaign} has no state: run prefloop verify")
    return row


def hold_campaign(
    tx: Transaction, campaign: str, to: Literal["work in", "add to", "change"]
) -> str:
    """The campaign's state, and it stays so until the commit. Many may work in it at once while
    one adds to it; who changes its state does so alone."""
    query = sa.select(t.campaign.c.id).where(t.campaign.c.id == campaign)
    tx.one(query.with_for_update(read=to == "work in", key_share=to != "change"))
    return str(campaign_state(tx, campaign).state)
