"""Did relabelling correct anything, or did people just say it differently the second time?

The control answers: comparisons about which the new specification says nothing new, judged again by
the same people. What turns round there is noise; only what turns round more often than that among
the relabelled ones is correction.

Winners are people's majority alone: tie-break rules may differ between specifications, and a rule
that changed is no person who changed their mind. A flip is a winner that became the other side, and
the rate is taken over the comparisons with a winner both times. Ties that came or went are counted
beside it, not as half flips: a tie says that people were level, not that they were turned round.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.intervals import cluster_mean, difference

__all__ = ["Changes", "Flips", "Side", "changes"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one label batch, and whose judgments in it do not count."""

    rows: Sequence[Row]
    barred: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Flips:
    """What became of the majority winner on comparisons judged twice.

    `compared` were judged both times by people who count; of these `decided` had a winner both
    times and `flipped` another one. The prompt is the unit of the interval.
    """

    compared: int
    decided: int
    flipped: int
    became_tie: int
    was_tie: int
    tie_twice: int
    rate: Estimate | NotEnough


@dataclass(frozen=True, slots=True)
class Changes:
    """Relabelled against control. `beyond_noise` is a number of flips, `difference` their rate;
    `shared` is how many of the judgments are by people who judged in both."""

    relabelled: Flips
    control: Flips
    difference: Estimate | NotEnough
    beyond_noise: Estimate | NotEnough
    people: int
    shared_people: int
    judgments: int
    shared: int

    @property
    def verdict(self) -> str:
        """One line: whether the flips are more than noise."""
        if isinstance(self.difference, NotEnough):
            return f"not enough data: {self.difference.reason}"
        if self.difference.low > 0:
            return "more winners turned round than noise explains"
        if self.difference.high < 0:
            return "fewer winners turned round than in the control: ask what went on there"
        return "no more winners turned round than noise may explain"


def changes(before: Side, relabelled: Side, control: Side) -> Changes:
    """How often winners turned round, where it was asked for and where nothing had changed.

    Raises BadInput where either part has no comparison in common with `before`, the two have some
    in common, or no person judged in both.
    """
    old = _votes(before, ("live", "relabel"))
    new, still = _votes(relabelled, ("relabel",)), _votes(control, ("evaluation",))
    if both := new.keys() & still.keys():
        raise BadInput(f"{len(both)} comparisons are relabelled and control at once: use others")
    people, others = _people(new), _people(still)
    shared = people.keys() & others.keys()
    one = _flips(old, new, _prompts(relabelled))
    two = _flips(old, still, _prompts(control))
    if not one.compared or not two.compared:
        part = "control" if one.compared else "relabelled"
        raise BadInput(
            f"nothing in the {part} batch was judged before: give the batch it came from"
        )
    if not shared:
        raise BadInput("nobody judged both the relabelled and the control: that is no control")
    gap, beyond = _gap(one, two)
    everybody = people + others
    return Changes(
        one,
        two,
        gap,
        beyond,
        len(everybody),
        len(shared),
        everybody.total(),
        sum(everybody[name] for name in shared),
    )


def _gap(relabelled: Flips, control: Flips) -> tuple[Estimate | NotEnough, Estimate | NotEnough]:
    for rate in (relabelled.rate, control.rate):
        if isinstance(rate, NotEnough):
            return rate, rate
    assert isinstance(relabelled.rate, Estimate)
    assert isinstance(control.rate, Estimate)
    gap, n = difference(relabelled.rate, control.rate), relabelled.decided
    return gap, Estimate(gap.estimate * n, gap.low * n, gap.high * n, n)


def _flips(
    old: Mapping[str, Mapping[str, str]],
    new: Mapping[str, Mapping[str, str]],
    prompts: Mapping[str, int],
) -> Flips:
    """`old` and `new` are {comparison: {annotator: verdict}}."""
    again = sorted(old.keys() & new.keys())
    winners = {name: (_winner(old[name].values()), _winner(new[name].values())) for name in again}
    decided = [name for name, pair in winners.items() if "tie" not in pair]
    turned = [winners[name][0] != winners[name][1] for name in decided]
    became = sum(was != "tie" == now for was, now in winners.values())
    gone = sum(was == "tie" != now for was, now in winners.values())
    rate: Estimate | NotEnough = NotEnough("no comparison had a winner both times")
    if decided:
        rate = cluster_mean(np.array(turned, float), [prompts[name] for name in decided])
    return Flips(
        compared=len(again),
        decided=len(decided),
        flipped=sum(turned),
        became_tie=became,
        was_tie=gone,
        tie_twice=len(again) - len(decided) - became - gone,
        rate=rate,
    )


def _winner(verdicts: Iterable[str]) -> str:
    """a, b or tie: level, or ties lead."""
    votes = Counter(verdicts)
    if votes["a"] == votes["b"] or votes["tie"] > max(votes["a"], votes["b"]):
        return "tie"
    return "a" if votes["a"] > votes["b"] else "b"


def _votes(side: Side, purposes: Collection[str]) -> dict[str, dict[str, str]]:
    """{comparison: {annotator: verdict}} of the work by people who count; none without votes."""
    found: dict[str, dict[str, str]] = {}
    for row in side.rows:
        for one in row["judgments"]:
            if one["purpose"] in purposes and one["annotator"] not in side.barred:
                found.setdefault(row["comparison"], {})[one["annotator"]] = one["verdict"]
    return found


def _people(votes: Mapping[str, Mapping[str, str]]) -> Counter[str]:
    return Counter(name for said in votes.values() for name in said)


def _prompts(side: Side) -> dict[str, int]:
    """A code for the prompt of each comparison."""
    codes: dict[str, int] = {}
    return {
        row["comparison"]: codes.setdefault(
            "|".join(message["text"] for message in row["messages"]), len(codes)
        )
        for row in side.rows
    }
