"""Tests of the gate before preference pairs move a policy directly."""

from prefloop.gates.preferences import check_preferences
from prefloop.gates.thresholds import RewardGates
from prefloop.gates.verdict import Word, overall


def test_enough_pairs_and_some_kept_apart_pass() -> None:
    checks = check_preferences(6000, 400, RewardGates())
    assert overall(checks) is Word.PASS
    # 1.96 * 0.5 / sqrt(400) = 0.049
    assert checks[1].explanation == "400, which tell an accuracy to within 0.05"


def test_few_pairs_warn() -> None:
    few, _ = check_preferences(1418, 207, RewardGates())
    assert (few.verdict, few.explanation) == (Word.WARN, "1418 pairs; 5000 advised")


def test_nothing_kept_apart_is_not_enough_evidence() -> None:
    checks = check_preferences(6000, 0, RewardGates())
    assert overall(checks) is Word.INSUFFICIENT
    assert "--held-out" in checks[1].explanation
