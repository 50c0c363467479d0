"""The gate before users: regressions, independence, and the decision."""

from prefloop.core.records import Estimate
from prefloop.gates.release import ReleaseEvidence, SuiteEvidence, check_release, decide
from prefloop.gates.thresholds import ReleaseGates
from prefloop.gates.verdict import summary

GATES = ReleaseGates()


def suite(difference: tuple[float, float, float], n: int = 500) -> SuiteEvidence:
    """A dimension at 0.80 for the baseline, with this difference [low, high]."""
    middle, low, high = difference
    base = Estimate(0.8, 0.77, 0.83, n)
    return SuiteEvidence(
        Estimate(0.8 + middle, 0.75 + middle, 0.85 + middle, n),
        base,
        Estimate(middle, low, high, n),
    )


def evidence(**changes: object) -> ReleaseEvidence:
    good: dict[str, object] = {
        "win_rate": Estimate(0.68, 0.62, 0.74, 200),
        "conversations": 200,
        "suite": {"accuracy": suite((0.05, 0.01, 0.09))},
        "harmful": Estimate(0.0, 0.0, 0.008, 500),
        "kl_nats": Estimate(2.1, 1.9, 2.3, 200),
        "shared_labels": frozenset(),
    }
    return ReleaseEvidence(**{**good, **changes})  # type: ignore[arg-type]


def decision(found: ReleaseEvidence) -> str:
    return decide(check_release(found, GATES))


def test_the_case_studys_second_pass_is_promoted() -> None:
    assert decision(evidence()) == "promote"


def test_more_wins_do_not_buy_a_fall_in_accuracy() -> None:
    found = evidence(
        win_rate=Estimate(0.81, 0.76, 0.86, 400), suite={"accuracy": suite((-0.2, -0.25, -0.15))}
    )
    assert decision(found) == "refuse"
    assert "suite: accuracy" in summary(check_release(found, GATES))


def test_a_small_real_fall_within_the_margin_is_a_warning() -> None:
    assert decision(evidence(suite={"tone": suite((-0.015, -0.025, -0.005))})) == "promote"


def test_a_real_fall_that_may_exceed_the_margin_refuses() -> None:
    assert decision(evidence(suite={"tone": suite((-0.03, -0.05, -0.01))})) == "refuse"


def test_an_undecided_comparison_holds() -> None:
    assert decision(evidence(win_rate=Estimate(0.55, 0.47, 0.63, 200))) == "hold"
    assert decision(evidence(suite={"tone": suite((-0.02, -0.06, 0.02))})) == "hold"


def test_too_few_conversations_or_cases_hold() -> None:
    assert decision(evidence(conversations=150)) == "hold"
    assert decision(evidence(suite={"tone": suite((0.1, 0.02, 0.18), n=20)})) == "hold"
    assert decision(evidence(suite={})) == "hold"


def test_harmful_outputs_above_one_percent_refuse_and_an_unknown_rate_holds() -> None:
    assert decision(evidence(harmful=Estimate(0.03, 0.02, 0.05, 500))) == "refuse"
    assert decision(evidence(harmful=Estimate(0.0, 0.0, 0.02, 100))) == "hold"
    assert decision(evidence(harmful=None)) == "hold"


def test_an_evaluation_that_shares_labels_with_the_reward_refuses() -> None:
    assert decision(evidence(shared_labels=frozenset({"ab" * 32}))) == "refuse"


def test_kl_over_budget_refuses_and_over_the_warning_line_warns() -> None:
    assert decision(evidence(kl_nats=Estimate(7.5, 7.1, 7.9, 200))) == "refuse"
    found = evidence(kl_nats=Estimate(4.8, 4.5, 5.1, 200))
    assert decision(found) == "promote"
    assert "over 4 a warning" in summary(check_release(found, GATES))


def test_an_unmeasured_kl_holds() -> None:
    assert decision(evidence(kl_nats=None)) == "hold"
