"""Judged work that a senior is to look at."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader, Transaction

__all__ = ["check_counts", "due_checks", "take_check"]

Row = sa.Row[Any]

_Q, _A = t.queue_item.c, t.assignment.c
_TOUCHED = sa.exists().where(
    _A.comparison == _Q.comparison,
    _A.annotator == sa.bindparam("checker"),
    _A.round == sa.bindparam("round"),
    sa.or_(_A.purpose != "spot check", _A.state == "judged"),
)
# The conditions of the index, word for word.
_DUE = (
    sa.select(_Q.comparison, _Q.position, _TOUCHED.label("touched"))
    .where(_Q.campaign == sa.bindparam("campaign"), _Q.check_due == sa.bindparam("due"))
    .where(_Q.position > sa.bindparam("after"))
    .where(sa.text("unchecked = 1 AND judged > 0"))
    .order_by(_Q.position)
    .limit(sa.bindparam("most"))
)
_TAKE = (
    sa.update(t.queue_item)
    .where(_Q.campaign == sa.bindparam("of_campaign"), _Q.comparison == sa.bindparam("item"))
    .where(_Q.unchecked == 1)
    .values(unchecked=0)
)


def due_checks(
    reader: Reader,
    campaign: str,
    due: int,
    checker: str,
    round_: int,
    after: int,
    limit: int,
) -> Sequence[Row]:
    """Work of one class that waits for a check, in queue order; `touched` is what the checker has
    seen before and must not check."""
    return reader.all(
        _DUE,
        campaign=campaign,
        due=due,
        checker=checker,
        round=round_,
        after=after,
        most=limit,
    )


def take_check(tx: Transaction, campaign: str, comparison: str) -> bool:
    """Reserve one check; False if somebody else was first."""
    return tx.execute(_TAKE, {"of_campaign": campaign, "item": comparison}).rowcount == 1


def check_counts(reader: Reader, campaign: str) -> dict[str, int]:
    """How much work is to be checked, of that high stakes, and how much is or is being checked."""
    query = sa.select(
        sa.func.count().label("due"),
        sa.func.sum(sa.case((_Q.check_due == 2, 1), else_=0)).label("high_stakes"),
        sa.func.sum(1 - _Q.unchecked).label("checked"),
    ).where(_Q.campaign == campaign, _Q.check_due > 0)
    row = reader.one(query)
    names = ("due", "high_stakes", "checked")
    return {name: int(row._mapping[name] or 0) if row else 0 for name in names}
