"""Calibration: anchors before live work, and who is let through.

The documents exclude annotators beyond 25-30 % disagreement with the experts. With 20 anchors a
truly 85 % accurate annotator exceeds 25 % in 7 % of cases, so the decision is by posterior
probability; the raw rate is shown beside it. Locked labels are kept for analysis, not training.
"""

from typing import Any

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.errors import BadInput, Conflict, Refused
from prefloop.store import people
from prefloop.store.engine import Reader, Transaction

__all__ = ["Locked", "assess", "due", "retrain", "standing"]


class Locked(Refused):
    """The annotator has not passed the anchors; a lead retrains them."""


def standing(reader: Reader, campaign: Campaign, annotator: str) -> dict[str, Any]:
    """{status, round, evidence} of an annotator; status `new` before the first decision."""
    if campaign.settings.calibration is None:
        return {"status": "cleared", "round": 1, "evidence": {}}
    row = queries.standing(reader, campaign.id, annotator)
    if row is None:
        # Anchors that were judged in another campaign are asked again, in a round of their own.
        here, elsewhere = queries.anchor_rounds(reader, campaign.id, annotator)
        return {"status": "new", "round": here or elsewhere + 1, "evidence": {}}
    return {"status": row.status, "round": row.round, "evidence": row.evidence}


def due(tx: Transaction, campaign: Campaign, annotator: str) -> tuple[list[str], int]:
    """Anchors this annotator still has to be given, and in which round; none once cleared, and
    none while the last of them are in their hands."""
    now = standing(tx, campaign, annotator)
    if now["status"] == "cleared":
        return [], now["round"]
    if now["status"] in ("locked", "excluded"):
        raise Locked(
            f"{annotator} is {now['status']} in {campaign.name} after the anchors of round "
            f"{now['round']}: a lead reopens calibration with a new round"
        )
    assert campaign.settings.calibration is not None
    wanted = campaign.settings.calibration.anchors
    done = len(queries.judged_anchors(tx, campaign.id, annotator, now["round"]))
    done += queries.held_anchors(tx, campaign.id, annotator, now["round"])
    left = queries.items_of_kind(
        tx, campaign.id, "anchor", annotator, now["round"], max(wanted - done, 0)
    )
    if done + len(left) == 0:
        raise BadInput(
            f"campaign {campaign.name} asks for anchors and has none for {annotator}: "
            "add anchors in their languages first"
        )
    return left, now["round"]


def assess(tx: Transaction, campaign: Campaign, annotator: str) -> dict[str, Any] | None:
    """Decide, once the round's anchors are all judged; None while some are missing."""
    rules = campaign.settings.calibration
    now = standing(tx, campaign, annotator)
    if rules is None or now["status"] not in ("new", "retraining"):
        return None
    judged = queries.judged_anchors(tx, campaign.id, annotator, now["round"])
    if len(judged) < min(rules.anchors, queries.anchors_for(tx, campaign.id, annotator)):
        return None
    from prefloop.stats.reliability import rate_posterior  # scipy takes a second to import

    wrong = sum(row.verdict != row.expert for row in judged)
    posterior = rate_posterior(wrong, len(judged), rules.max_disagreement)
    evidence = {
        "anchors": len(judged),
        "disagreed": wrong,
        "probability_too_high": posterior.above,
        "max_disagreement": rules.max_disagreement,
    }
    status = "locked" if posterior.above > rules.certainty else "cleared"
    _write(tx, campaign, annotator, status, now["round"], evidence)
    return {"status": status, "round": now["round"], "evidence": evidence}


def retrain(tx: Transaction, campaign: Campaign, annotator: str) -> int:
    """Open another round of anchors for an annotator; returns its number."""
    people.require(tx, "campaign.manage")
    people.person_id(tx, annotator)
    if queries.hold_campaign(tx, campaign.id, "work in") == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: calibrate in the next one")
    if campaign.settings.calibration is None:
        raise BadInput(f"campaign {campaign.name} has no calibration: everybody is let through")
    before = standing(tx, campaign, annotator)
    round_ = max(before["round"], *queries.anchor_rounds(tx, campaign.id, annotator)) + 1
    _write(tx, campaign, annotator, "retraining", round_, {})
    return int(round_)


def _write(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    status: str,
    round_: int,
    evidence: dict[str, Any],
) -> None:
    last = queries.standing(tx, campaign.id, annotator)
    row = {
        "campaign": campaign.id,
        "annotator": annotator,
        "number": (last.number if last else 0) + 1,
        "status": status,
        "round": round_,
        "evidence": evidence,
    }
    tx.append(
        tables.standing,
        [row],
        action=f"calibration.{status}",
        subject=annotator,
        detail={"campaign": campaign.id, "round": round_},
    )
