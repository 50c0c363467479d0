"""The person's own last judgment, in the words of the screen it was made on."""

from typing import Any

from prefloop.annotation import queries, queue, rankings
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.queries import screen
from prefloop.store import texts
from prefloop.store.engine import Reader
from prefloop.web.annotation import view

__all__ = ["last_said"]


def last_said(reader: Reader, campaign: Campaign, annotator: str) -> dict[str, Any] | None:
    """{item, said}: what was shown, and what was said about it; None before the first."""
    row = screen.last_judgment(reader, campaign.id, annotator)
    if row is None:
        return None
    said = {
        "choice": _choice(row.verdict, row.first_shown),
        "strength": row.strength,
        "dimensions": {
            name: _choice(side, row.first_shown) for name, side in row.dimensions.items()
        },
        "ranks": _ranks(reader, campaign, row),
        "flags": row.flags,
        "rationale": _words(reader, row.rationale),
    }
    slate = rankings.shown(reader, campaign, [row.assignment]).get(row.assignment)
    return {"item": view.item(queue.show(reader, [row.assignment])[0], None, slate), "said": said}


def _choice(verdict: str, first_shown: str) -> int:
    return 0 if verdict == "tie" else 1 if verdict == first_shown else 2


def _ranks(reader: Reader, campaign: Campaign, row: Any) -> dict[str, int]:
    """{response on the screen: its rank}, both from 1."""
    ranking = queries.ranking(reader, row.id)
    if ranking is None:
        return {}
    place = {one: rank for rank, tied in enumerate(ranking.order, start=1) for one in tied}
    return {str(number): place[one] for number, one in enumerate(ranking.shown, start=1)}


def _words(reader: Reader, digest: str) -> str:
    return (texts.get_many(reader, [digest])[digest] or "") if digest else ""
