"""What is judged first: scores that somebody else computed, kept as a record.

A score may be a reward model's uncertainty, or how far people and reward model disagree. At least
a fifth of what each annotator is given stays in random order (`random_share`), or nothing would be
known of what the scores leave out.
"""

import math
from collections.abc import Mapping

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.errors import BadInput, Conflict
from prefloop.store import people
from prefloop.store.engine import Transaction

__all__ = ["prioritise"]

_PART = 10_000  # scores to a row
_STEP = 2**40  # ranks of one record; the next record's are all higher, ahead of every cursor


def prioritise(
    tx: Transaction, campaign: Campaign, scores: Mapping[str, float], *, source: str
) -> int:
    """Have these comparisons judged before others, those with the highest score first; replaces
    any earlier priority. `source` says where the scores come from (an artifact's digest, or words).

    Returns the record's number. Raises BadInput for a score that is no finite number and for a
    comparison that is not work of this campaign, Conflict for a closed campaign.
    """
    people.require(tx, "campaign.request")
    if not source:
        raise BadInput("a priority needs its source: name the evaluation or model it comes from")
    if not scores:
        raise BadInput("a priority needs scores: give at least one comparison")
    for comparison, score in scores.items():
        if isinstance(score, bool) or not math.isfinite(score):
            raise BadInput(f"score {score!r} of comparison {comparison[:12]}: a finite number")
    if queries.hold_campaign(tx, campaign.id, "add to") == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: nothing is judged in it any more")
    known = queries.queued(tx, campaign.id, scores, kind="work")
    if len(known) < len(scores):
        strange = next(one for one in scores if one not in known)
        raise BadInput(
            f"comparison {strange[:12]} is not in campaign {campaign.name}: leave it out"
        )
    number = queries.last_priority(tx, campaign.id) + 1
    order = sorted(scores, key=lambda one: (-scores[one], one))
    ranks = {one: number * _STEP + place for place, one in enumerate(order)}
    queries.lock_places(tx, campaign.id, order)
    queries.rank_items(tx, campaign.id, ranks)
    tx.append(
        tables.priority,
        [
            {
                "campaign": campaign.id,
                "number": number,
                "part": part,
                "source": source,
                "scores": {one: float(scores[one]) for one in order[start : start + _PART]},
            }
            for part, start in enumerate(range(0, len(order), _PART))
        ],
        action="campaign.prioritise",
        subject=campaign.id,
        detail={"comparisons": len(order), "source": source},
    )
    return number
