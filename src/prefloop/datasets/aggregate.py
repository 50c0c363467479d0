"""From the judgments on one comparison to one verdict.

Majority of the judgments that count (stats.aggregation): a side wins when it leads the other and
ties do not outnumber it; where ties lead it is a tie. Where a and b are level and lead, the
specification's tie-break rules decide, in order: a dimension by its rank, the shorter one, or
leaving the comparison out.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.core.records import Verdict

__all__ = ["Aggregate", "aggregate", "counted"]

_TRAINING = ("live", "relabel")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What people say of one comparison. `verdict` is a tie where the rules keep one, None where
    the comparison is left out; `decided_by` names the rule when it was not the majority."""

    verdict: Verdict | None
    votes: tuple[int, int, int]  # a, b, tie
    decided_by: str
    dimensions: dict[str, Verdict]

    @property
    def split(self) -> bool:
        """People were level: as many for one completion as for the other, and ties do not lead."""
        return self.votes[0] == self.votes[1] >= self.votes[2]

    @property
    def margin(self) -> float:
        """(votes for the winner - votes for the loser) / all votes, 0 to 1."""
        return abs(self.votes[0] - self.votes[1]) / max(sum(self.votes), 1)

    @property
    def agreement(self) -> float:
        """The share of judgments that say what the aggregate says."""
        if self.verdict is None:
            return max(self.votes) / max(sum(self.votes), 1)
        place = [Verdict.A, Verdict.B, Verdict.TIE].index(self.verdict)
        return self.votes[place] / max(sum(self.votes), 1)


def counted(
    judgments: Sequence[Mapping[str, Any]], excluded: Collection[str]
) -> list[Mapping[str, Any]]:
    """The judgments that make training labels: live or relabelled work of people who may count.

    A relabelled judgment takes the place of the live ones on its comparison.
    """
    kept = [j for j in judgments if j["annotator"] not in excluded and j["purpose"] in _TRAINING]
    again = [j for j in kept if j["purpose"] == "relabel"]
    return again or kept


def aggregate(
    judgments: Sequence[Mapping[str, Any]],
    tie_break: Sequence[str],
    lengths: tuple[int, int] | None = None,
) -> Aggregate:
    """One verdict for one comparison; `lengths` are the words of a and b, for that tie-break."""
    votes = _count(j["verdict"] for j in judgments)
    names = dict.fromkeys(name for j in judgments for name in j["dimensions"])
    dimensions = {
        name: _leading(_count(j["dimensions"][name] for j in judgments if name in j["dimensions"]))
        for name in names
    }
    if votes[0] != votes[1] or votes[2] > max(votes[:2]):
        return Aggregate(_leading(votes), votes, "majority", dimensions)
    for rule in tie_break:
        if rule == "exclude":
            return Aggregate(None, votes, rule, dimensions)
        if rule == "tie":
            return Aggregate(Verdict.TIE, votes, rule, dimensions)
        if rule == "the shorter one":
            if lengths and lengths[0] != lengths[1]:
                shorter = Verdict.A if lengths[0] < lengths[1] else Verdict.B
                return Aggregate(shorter, votes, rule, dimensions)
        elif dimensions.get(rule, Verdict.TIE) is not Verdict.TIE:
            return Aggregate(dimensions[rule], votes, rule, dimensions)
    return Aggregate(Verdict.TIE, votes, "majority", dimensions)


def _count(verdicts: Any) -> tuple[int, int, int]:
    found = Counter(verdicts)
    return found["a"], found["b"], found["tie"]


def _leading(votes: tuple[int, int, int]) -> Verdict:
    if votes[0] == votes[1] or votes[2] > max(votes[:2]):
        return Verdict.TIE
    return Verdict.A if votes[0] > votes[1] else Verdict.B
