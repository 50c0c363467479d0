"""The gate before a policy: what opens it, what keeps it shut."""

import pytest

from prefloop.core.records import Estimate
from prefloop.gates.reward_model import RewardEvidence, check_reward_model
from prefloop.gates.thresholds import Gates, RewardGates, threshold
from prefloop.gates.verdict import Word, at_least, at_most, overall, summary

GATES = RewardGates()


def evidence(**changes: object) -> RewardEvidence:
    """A reward model with nothing against it."""
    good: dict[str, object] = {
        "accuracy": Estimate(0.74, 0.71, 0.77, 900),
        "dimensions": {"tone": Estimate(0.78, 0.74, 0.82, 400)},
        "ceiling": 0.80,
        "pairs": 6000,
    }
    return RewardEvidence(**{**good, **changes})  # type: ignore[arg-type]


def word(found: RewardEvidence) -> Word:
    return overall(check_reward_model(found, GATES))


def test_the_case_studys_reward_model_passes() -> None:
    assert word(evidence()) is Word.PASS


def test_seventy_percent_overall_and_45_on_safety_is_not_ready() -> None:
    found = evidence(
        accuracy=Estimate(0.70, 0.67, 0.73, 900),
        dimensions={
            "tone": Estimate(0.78, 0.74, 0.82, 400),
            "safety": Estimate(0.45, 0.37, 0.53, 150),
        },
    )
    checks = check_reward_model(found, GATES)
    assert overall(checks) is Word.FAIL
    assert "accuracy on safety: 0.450 [0.370, 0.530], n=150; at least 0.6 wanted" in summary(checks)


def test_a_good_point_with_a_wide_interval_is_not_enough() -> None:
    assert word(evidence(accuracy=Estimate(0.74, 0.60, 0.85, 40))) is Word.INSUFFICIENT


def test_an_accuracy_above_the_ceiling_smells_of_a_leak() -> None:
    found = evidence(accuracy=Estimate(0.93, 0.91, 0.95, 900))
    checks = {check.metric: check for check in check_reward_model(found, GATES)}
    assert checks["plausible accuracy"].verdict is Word.FAIL
    assert "more than the labels allow" in checks["plausible accuracy"].explanation


def test_a_very_high_accuracy_below_the_ceiling_is_a_warning() -> None:
    assert word(evidence(accuracy=Estimate(0.90, 0.88, 0.92, 900), ceiling=0.95)) is Word.WARN


def test_few_pairs_and_an_unknown_ceiling_warn_and_do_not_block() -> None:
    assert word(evidence(pairs=2000)) is Word.WARN
    assert word(evidence(ceiling=None)) is Word.WARN


def test_far_below_what_the_labels_allow_fails() -> None:
    # 0.67 / 0.95 = 0.705, and even 0.69 / 0.95 = 0.726 is under 0.75.
    found = evidence(accuracy=Estimate(0.67, 0.66, 0.69, 2000), ceiling=0.95)
    assert word(found) is Word.FAIL


def test_no_checks_at_all_are_no_evidence() -> None:
    assert overall([]) is Word.INSUFFICIENT


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.65, 0.80, Word.PASS),  # the lower end reaches it
        (0.64, 0.80, Word.INSUFFICIENT),
        (0.50, 0.64, Word.FAIL),
        (0.50, 0.65, Word.INSUFFICIENT),  # the upper end still could
    ],
)
def test_at_least_judges_on_the_interval(low: float, high: float, expected: Word) -> None:
    found = Estimate((low + high) / 2, low, high, 100)
    assert at_least("m", found, threshold(GATES, "accuracy")).verdict is expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 0.15, Word.INSUFFICIENT), (0.0, 0.10, Word.PASS), (0.11, 0.2, Word.FAIL)],
)
def test_at_most_is_its_mirror_image(low: float, high: float, expected: Word) -> None:
    limit = threshold(GATES, "calibration_error")
    assert at_most("m", Estimate(low, low, high, 100), limit).verdict is expected


def test_what_was_not_measured_never_passes() -> None:
    assert at_least("m", None, threshold(GATES, "accuracy")).verdict is Word.INSUFFICIENT


def test_a_changed_threshold_says_that_the_project_changed_it() -> None:
    changed = RewardGates(accuracy=0.7)
    assert threshold(changed, "accuracy").source.startswith("this project's gates.yaml")
    assert threshold(GATES, "accuracy").source == "practice of the field"


def test_every_threshold_names_its_source() -> None:
    for section in (Gates().agreement, Gates().reward, Gates().release):
        for name in type(section).model_fields:
            assert threshold(section, name).source
