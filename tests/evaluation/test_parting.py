"""Reward up while people say flat, or better, or cannot say yet."""

import pytest

from prefloop.core.records import Estimate
from prefloop.evaluation.parting import parting

UP = Estimate(1.1, 1.0, 1.2, 400)


def rate(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 400)


@pytest.mark.parametrize(
    ("gain", "win_rate", "verdict"),
    [
        (UP, rate(0.60, 0.70), "agree"),
        (UP, rate(0.51, 0.53), "agree"),  # a little, but surely
        (UP, rate(0.46, 0.54), "apart"),  # flat within 0.05
        (UP, rate(0.30, 0.40), "apart"),  # worse
        (UP, rate(0.40, 0.70), "unclear"),
        (UP, rate(0.50, 0.56), "unclear"),
        (Estimate(0.1, -0.1, 0.3, 400), rate(0.46, 0.54), "no gain"),
        (Estimate(0.0, 0.0, 0.0, 400), rate(0.60, 0.70), "no gain"),
        (Estimate(-1.0, -1.2, -0.8, 400), rate(0.60, 0.70), "no gain"),
    ],
)
def test_what_reward_and_people_say_together(
    gain: Estimate, win_rate: Estimate, verdict: str
) -> None:
    found = parting(gain, win_rate)
    assert found.verdict == verdict
    assert found.alarm == (verdict == "apart")
    assert f"{gain.estimate:.3f}" in found.explanation


def test_what_counts_as_flat_is_the_callers_choice() -> None:
    assert parting(UP, rate(0.42, 0.58)).verdict == "unclear"
    assert parting(UP, rate(0.42, 0.58), flat=0.1).verdict == "apart"
