"""Guards over records: what they say, and when they keep silent."""

from collections.abc import Sequence

import pytest

from prefloop.training.guards import kl_budget, kl_spike, standstill
from prefloop.training.work import Guard


def said(guard: Guard, kls: Sequence[float]) -> list[str]:
    """What a guard says over a run with these values of KL, step by step."""
    records = [{"step": number, "kl": kl} for number, kl in enumerate(kls, start=1)]
    spoken = [guard(records[:end]) for end in range(1, len(records) + 1)]
    return [f"{at}: {line}" for at, line in enumerate(spoken, start=1) if line]


def test_a_warning_comes_once_and_the_budget_ends_the_run() -> None:
    found = said(kl_budget(4.0, 6.0, "stop"), [1.0, 4.5, 4.6, 6.5])
    assert found == [
        "2: warn: KL is 4.5 nats per completion; the budget is 6",
        "4: stop: KL is 6.5 nats per completion, over the budget of 6",
    ]


def test_a_budget_that_only_warns_warns_once() -> None:
    assert len(said(kl_budget(4.0, 6.0, "warn"), [7.0, 8.0, 9.0])) == 1


@pytest.mark.parametrize("then", ["stop", "return", "warn"])
def test_a_run_within_its_budget_hears_nothing(then: str) -> None:
    assert said(kl_budget(4.0, 6.0, then), [0.0, 1.0, 3.9, 4.0]) == []


def test_a_leap_is_a_warning_and_a_slow_climb_is_not() -> None:
    assert said(kl_spike(2.0), [0.0, 1.9, 3.8, 6.1]) == [
        "4: warn: KL leapt from 3.8 to 6.1 nats: lower learning_rate"
    ]


def test_a_policy_that_stays_where_it_is_is_a_warning_after_a_third() -> None:
    assert len(said(standstill(9), [0.0] * 9)) == 1
    assert said(standstill(9), [0.0] * 9)[0].startswith("3: warn")
    assert said(standstill(9), [0.0, 0.1, 0.2]) == []
