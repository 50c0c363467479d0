"""Skipping: what somebody cannot judge goes back, with the reason, to those who can.

The place is free again and the person is not asked about it a second time. Gold items and repeats
can be skipped like work, or skipping would tell them apart; calibration cannot, since it is about
what the person knows.
"""

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.core.records import Purpose
from prefloop.store import people, texts
from prefloop.store.engine import Reader, Transaction

__all__ = ["LONGEST", "reasons", "skip"]

LONGEST = 2000  # characters of a reason


def skip(tx: Transaction, campaign: Campaign, annotator: str, assignment: str, why: str) -> None:
    """Give one assignment back unjudged. Skipping it again changes nothing.

    Raises BadInput without a reason and for a calibration item, NotFound for somebody else's
    assignment, Conflict for one that is judged or no longer held.
    """
    if tx.actor != annotator:
        raise NotPermitted(f"{tx.actor} cannot skip in the name of {annotator}")
    people.require(tx, "judge")
    if not why.strip() or len(why) > LONGEST:
        raise BadInput(f"say why it cannot be judged, in at most {LONGEST} characters")
    state = queries.hold_campaign(tx, campaign.id, "work in")
    row = queries.assignments(tx, [assignment]).get(assignment)
    if row is None or (row.annotator, row.campaign) != (annotator, campaign.id):
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    if row.state == "skipped":
        return
    if state == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: there is nothing to skip")
    if row.purpose == Purpose.ANCHOR:
        raise BadInput("calibration cannot be skipped: choose as well as you can")
    if row.state != "leased":
        done = "judged already" if row.state == "judged" else "no longer yours"
        raise Conflict(f"this comparison is {done}: there is nothing to skip")
    if queries.counts(row.purpose):
        queries.lock_places(tx, campaign.id, [row.comparison])
    queries.end_leases(tx, [row], "skipped")
    found = {
        "assignment": row.id,
        "campaign": campaign.id,
        "comparison": row.comparison,
        "annotator": annotator,
        "why": texts.put(tx, why.strip()),
    }
    tx.append(tables.skip, [found], action="queue.skip", subject=row.id)


def reasons(reader: Reader, campaign: Campaign) -> list[tuple[str, str, str]]:
    """(comparison, annotator, reason) of each skip, in order; an erased reason is empty."""
    rows = queries.skipped(reader, campaign.id)
    words = texts.get_many(reader, {row.why for row in rows})
    return [(row.comparison, row.annotator, words[row.why] or "") for row in rows]
