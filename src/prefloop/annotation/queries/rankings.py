"""Slates and rankings, none of which is ever changed."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from prefloop.annotation import tables as t
from prefloop.store.engine import Reader

__all__ = ["campaign_slates", "has_slates", "ranking", "rankings", "slates"]

Row = sa.Row[Any]


def slates(reader: Reader, comparisons: Iterable[str]) -> dict[str, list[str]]:
    """{comparison: digests of all its completions, a and b first} of those that are slates."""
    return _named(reader.where_in(_slates(), t.slate.c.comparison, comparisons))


def campaign_slates(reader: Reader, campaign: str) -> dict[str, list[str]]:
    """The slates of one campaign."""
    q = t.queue_item.c
    query = _slates().join(t.queue_item, q.comparison == t.slate.c.comparison)
    return _named(reader.all(query.where(q.campaign == campaign)))


def has_slates(reader: Reader, campaign: str) -> bool:
    """Whether anything in this campaign's queue is to be ranked."""
    q = t.queue_item.c
    query = sa.select(t.slate.c.comparison).join(t.queue_item, q.comparison == t.slate.c.comparison)
    return reader.one(query.where(q.campaign == campaign).limit(1)) is not None


def ranking(reader: Reader, judgment: str) -> Row | None:
    return rankings(reader, [judgment]).get(judgment)


def rankings(reader: Reader, judgments: Iterable[str]) -> dict[str, Row]:
    r = t.ranking
    return {row.judgment: row for row in reader.where_in(sa.select(r), r.c.judgment, judgments)}


def _slates() -> sa.Select[Any]:
    s, c = t.slate.c, t.comparison.c
    return sa.select(s.comparison, c.a, c.b, s.others).join(t.comparison, c.id == s.comparison)


def _named(rows: Iterable[Row]) -> dict[str, list[str]]:
    return {row.comparison: [row.a, row.b, *row.others] for row in rows}
