"""What the expert says of an anchor, told to the annotator once they have judged it.

Only anchors are explained: they are known to be calibration. A gold item looks like work before
and after. The first word on an anchor is the one that counts, so nothing is gained by revising it.
"""

from dataclasses import dataclass

from prefloop.annotation import queries
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.queries import screen
from prefloop.core.records import Purpose
from prefloop.store.engine import Reader

__all__ = ["Explained", "after"]


@dataclass(frozen=True, slots=True)
class Explained:
    """The expert's choice as this annotator's screen would say it: 1, 2, or 0 for a tie."""

    choice: int
    explanation: str


def after(reader: Reader, campaign: Campaign, annotator: str, assignment: str) -> Explained | None:
    """The expert's word on an anchor that this annotator has judged; None for anything else."""
    row = queries.assigned(reader, [assignment]).get(assignment)
    if row is None or row.annotator != annotator or row.state != "judged":
        return None
    if row.purpose != Purpose.ANCHOR:
        return None
    answer = screen.answer(reader, row.campaign, row.comparison)
    if answer is None or row.campaign != campaign.id:
        return None
    choice = 0 if answer.verdict == "tie" else 1 if answer.verdict == row.first_shown else 2
    return Explained(choice, answer.explanation)
