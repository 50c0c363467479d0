"""What an annotator has not sent yet, and how attentively it was judged.

A draft belongs to an assignment and to nobody else; it outlives the lease, so that who comes back
after a break finds the words again. It is gone with the commit that records the judgment.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from prefloop.annotation import queries, queue
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.queries import screen
from prefloop.annotation.queue import Shown
from prefloop.core.errors import BadInput, NotFound
from prefloop.store.engine import Reader, Transaction

__all__ = ["forget", "note_attention", "of", "own", "save"]

_MOST_LOSSES = 100_000
_LONGEST_AWAY = 7 * 24 * 60 * 60 * 1000  # milliseconds


def save(tx: Transaction, annotator: str, assignment: str, content: Mapping[str, Any]) -> bool:
    """Keep a draft in place of the one before; returns False when it is judged already.

    Raises NotFound for an assignment of somebody else.
    """
    # Locked: a judgment on its way must not leave the draft of it behind.
    row = queries.assignments(tx, [assignment]).get(assignment)
    if row is None or row.annotator != annotator or tx.actor != annotator:
        raise NotFound(f"{annotator} has no such assignment")
    if row.state == "judged":
        return False
    screen.save_draft(tx, assignment, annotator, dict(content))
    return True


def own(reader: Reader, campaign: Campaign, annotator: str, assignment: str) -> Shown:
    """What this annotator was shown under this assignment. Raises NotFound for somebody else's."""
    row = queries.assigned(reader, [assignment]).get(assignment)
    if row is None or (row.annotator, row.campaign) != (annotator, campaign.id):
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    return queue.show(reader, [assignment])[0]


def of(
    reader: Reader, annotator: str, assignments: Iterable[str]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The annotator's own drafts among these assignments, and which of them are slates: both in
    one look, since every turn asks for them."""
    found = screen.beside(reader, annotator, assignments)
    kept = {name: dict(row.content) for name, row in found.items() if row.content is not None}
    return kept, [name for name, row in found.items() if row.is_slate]


def forget(tx: Transaction, assignment: str) -> None:
    """Drop a draft: what it said is recorded now."""
    screen.forget_draft(tx, assignment)


def note_attention(tx: Transaction, judgment: str, focus_losses: int, away_ms: int) -> None:
    """Record how often and how long somebody looked away while judging; nothing for never."""
    if not 0 <= focus_losses <= _MOST_LOSSES or not 0 <= away_ms <= _LONGEST_AWAY:
        raise BadInput(f"focus lost {focus_losses} times for {away_ms} ms: beyond a week's work")
    if focus_losses:
        screen.insert_attention(tx, judgment, focus_losses, away_ms)
