"""Partial inversion: some verdicts turned round. An effect and a curve, never a verdict.

Somebody who turns round a quarter of their verdicts agrees with others as a person of little skill
does; nothing in the verdicts tells the two apart. So this says how large the share would be if the
person were otherwise like the others, with an interval, and leaves the rest to people.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats
from prefloop.stats.detection.judged import LEAST, Judged
from prefloop.stats.detection.traits import Traits
from prefloop.stats.result import NotEnough

__all__ = ["Curve", "inverted_share", "roc"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A receiver operating characteristic: shares caught and accused as the cut falls."""

    accused: Floats  # (cuts,) false positive rate, rising from 0 to 1
    caught: Floats  # (cuts,) true positive rate
    area: float

    def caught_at(self, accused: float) -> float:
        """The share caught where at most this share of the honest is accused."""
        return float(self.caught[self.accused <= accused].max())


def inverted_share(data: Judged, found: Traits) -> dict[int, Estimate | NotEnough]:
    """{annotator: share of verdicts turned round, if their skill were the crowd's median}.

    skill = usual * (1 - 2 * share), so share = (1 - skill / usual) / 2; 95 % interval, cut to 0
    and 1. Fewer than 30 shared judgments, or a crowd that agrees on nothing: NotEnough.
    """
    able = found.shared >= LEAST
    usual = float(np.median(found.slopes[able, 0])) if able.any() else 0.0
    answer: dict[int, Estimate | NotEnough] = {}
    for a, code in enumerate(data.rows.annotator_codes):
        if not able[a] or usual < 0.1:
            reason = "the crowd agrees on too little" if able[a] else "too few shared judgments"
            answer[int(code)] = NotEnough(reason)
            continue
        share = (1 - found.slopes[a, 0] / usual) / 2
        half = float(stats.norm.ppf(0.975)) * float(np.sqrt(found.variances[a, 0])) / usual / 2
        low, high = (float(np.clip(x, 0, 1)) for x in (share - half, share + half))
        answer[int(code)] = Estimate(float(np.clip(share, 0, 1)), low, high, int(found.shared[a]))
    return answer


def roc(scores: Floats, guilty: np.ndarray) -> Curve:
    """How well higher scores (A,) tell the guilty (A,) from the others (Hanley and McNeil 1982:
    the area is the chance that a guilty one scores higher, ties half). BadInput without both."""
    bad = np.asarray(guilty, dtype=bool)
    if bad.all() or not bad.any():
        raise BadInput("a ROC curve needs guilty and innocent people: give some of each")
    cuts = np.unique(scores)[::-1]
    caught = np.array([0.0, *((scores[bad] >= c).mean() for c in cuts)])
    accused = np.array([0.0, *((scores[~bad] >= c).mean() for c in cuts)])
    return Curve(accused, caught, float(np.trapezoid(caught, accused)))
