"""Reward up while people say flat: the one signature that needs people."""

from dataclasses import dataclass
from typing import Literal

from prefloop.core.records import Estimate

__all__ = ["Parting", "parting"]


@dataclass(frozen=True, slots=True)
class Parting:
    """Whether reward and people say the same of a candidate."""

    verdict: Literal["agree", "apart", "unclear", "no gain"]
    explanation: str

    @property
    def alarm(self) -> bool:
        """Reward went up, and people say flat or worse."""
        return self.verdict == "apart"


def parting(reward_gain: Estimate, win_rate: Estimate, flat: float = 0.05) -> Parting:
    """Reward up while people say flat? `reward_gain` is candidate less baseline in any unit,
    `win_rate` what people said of the two; within `flat` of 0.5 it is flat.

    Both are judged on their intervals: too few judgments are "unclear", not "agree".
    """
    up = f"reward rose by {_said(reward_gain)}"
    people = f"people prefer the candidate {_said(win_rate)} of the time"
    if reward_gain.low <= 0:
        return Parting("no gain", f"reward did not surely rise: {_said(reward_gain)}")
    if win_rate.high < 0.5:
        return Parting("apart", f"{up}, and {people}: they like it less")
    if win_rate.low > 0.5:
        return Parting("agree", f"{up}, and {people}")
    if win_rate.high <= 0.5 + flat:
        return Parting("apart", f"{up}, and {people}: that is flat")
    return Parting("unclear", f"{up}, and {people}: too few judgments to tell flat from better")


def _said(found: Estimate) -> str:
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
