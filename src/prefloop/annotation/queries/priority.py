"""What is to be judged first."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader, Transaction

__all__ = ["last_priority", "rank_items"]

_Q = t.queue_item.c
_CLEAR = (
    sa.update(t.queue_item)
    .where(_Q.campaign == sa.bindparam("of_campaign"), _Q.rank.is_not(None))
    .values(rank=None)
)
_RANK = (
    sa.update(t.queue_item)
    .where(_Q.campaign == sa.bindparam("of_campaign"), _Q.comparison == sa.bindparam("item"))
    .values(rank=sa.bindparam("new_rank"))
)


def last_priority(reader: Reader, campaign: str) -> int:
    """The number of a campaign's newest record of priority; 0 for none."""
    p = t.priority.c
    row = reader.one(sa.select(sa.func.max(p.number)).where(p.campaign == campaign))
    return int(row[0]) if row and row[0] is not None else 0


def rank_items(tx: Transaction, campaign: str, ranks: Mapping[str, int]) -> None:
    """These items have these ranks, and no others have any."""
    tx.execute(_CLEAR, {"of_campaign": campaign})
    rows: list[dict[str, Any]] = [
        {"of_campaign": campaign, "item": item, "new_rank": ranks[item]} for item in sorted(ranks)
    ]
    if rows:
        tx.execute(_RANK, rows)
