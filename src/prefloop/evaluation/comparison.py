"""Blind comparison: people chose between candidate and baseline without knowing which was which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.intervals import cluster_mean

__all__ = ["Blind", "blind"]

_SCORE = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass(frozen=True, slots=True)
class Blind:
    """What a blind comparison found. A tie counts half; the conversation is the unit."""

    win_rate: Estimate
    conversations: int
    judgments: int
    ties: float
    first_shown: Estimate  # how often the completion shown first won, whoever made it


def blind(rows: Sequence[dict[str, Any]], candidate: str, baseline: str) -> Blind:
    """Win rate of `candidate` (a model digest) over `baseline` in rows of an evaluation batch.

    Raises BadInput where no row compares these two.
    """
    scores, units, first, ties = [], [], [], 0
    for row in rows:
        if {row["origin"]["a"], row["origin"]["b"]} != {candidate, baseline}:
            continue
        for one in row["judgments"]:
            if one["purpose"] != "evaluation":
                continue
            a_won = _SCORE[one["verdict"]]
            ties += one["verdict"] == "tie"
            scores.append(a_won if row["origin"]["a"] == candidate else 1 - a_won)
            first.append(a_won if one["first_shown"] == "a" else 1 - a_won)
            units.append(_conversation(row))
    if not scores:
        raise BadInput("the batch compares no answers of these two models: check the campaign")
    codes = np.unique(units, return_inverse=True)[1]
    return Blind(
        cluster_mean(np.array(scores), codes),
        len(set(units)),
        len(scores),
        ties / len(scores),
        cluster_mean(np.array(first), codes),
    )


def _conversation(row: dict[str, Any]) -> str:
    return "|".join(message["text"] for message in row["messages"])
