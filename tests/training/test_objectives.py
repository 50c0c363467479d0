"""Tests of the losses against numbers derived by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prefloop.training.objectives import reward, sft

scores = st.lists(
    st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(0.1, 5)), min_size=1, max_size=8
)


def test_sft_is_the_mean_negative_log_likelihood_per_token() -> None:
    # (ln 2 + ln 4) / 2 = 1.5 ln 2
    loss = sft(torch.tensor([0.5, 0.25]).log())
    assert float(loss.loss) == pytest.approx(1.5 * math.log(2))
    assert float(loss.units) == 2


def test_sft_of_certain_tokens_is_zero() -> None:
    assert float(sft(torch.zeros(3)).loss) == 0


def test_the_reward_loss_is_bradley_terry_weighted() -> None:
    # -ln sigmoid(1) = 0.3132617, -ln sigmoid(-1) = 1.3132617; weights 1 and 3:
    # (0.3132617 + 3 * 1.3132617) / 4 = 1.0632617
    loss = reward(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert float(loss.loss) == pytest.approx(1.0632617, abs=1e-6)
    assert float(loss.units) == 4
    assert float(loss.metrics["accuracy"]) == pytest.approx(0.25)
    assert float(loss.metrics["difference"]) == pytest.approx(-0.5)  # (1 - 3) / 4
    assert float(loss.metrics["reward"]) == pytest.approx(0.5)


def test_a_margin_asks_for_more_difference() -> None:
    # 1 - 2 * 0.5 = 0, and -ln sigmoid(0) = ln 2
    one = torch.ones(1)
    loss = reward(one, 0 * one, one, margin=0.5 * one, margin_scale=2.0)
    assert float(loss.loss) == pytest.approx(math.log(2))


def test_centering_adds_the_squared_sum() -> None:
    # ln 2 + 0.1 * (2 + 2)^2
    two = 2 * torch.ones(1)
    loss = reward(two, two, torch.ones(1), center=0.1)
    assert float(loss.loss) == pytest.approx(math.log(2) + 1.6)


def test_equal_scores_cost_ln_2_and_count_as_half_right() -> None:
    loss = reward(torch.zeros(3), torch.zeros(3), torch.ones(3))
    assert float(loss.loss) == pytest.approx(math.log(2))
    assert float(loss.metrics["accuracy"]) == 0.5


def test_a_perfect_reward_model_costs_nothing_and_a_hopeless_one_stays_finite() -> None:
    big = torch.tensor([1e4])
    assert float(reward(big, -big, torch.ones(1)).loss) == 0
    assert float(reward(-big, big, torch.ones(1)).loss) == pytest.approx(2e4)


def test_the_gradient_is_the_probability_of_the_wrong_order() -> None:
    # d/d chosen of -ln sigmoid(c - r) = -(1 - sigmoid(c - r)); at c - r = ln 3 that is -1/4
    chosen = torch.tensor([math.log(3)], requires_grad=True)
    reward(chosen, torch.zeros(1), torch.ones(1)).loss.backward()  # type: ignore[no-untyped-call]
    assert chosen.grad is not None
    assert float(chosen.grad) == pytest.approx(-0.25)


@given(scores)
def test_exchanging_chosen_and_rejected_mirrors_every_number(
    rows: list[tuple[float, float, float]],
) -> None:
    chosen, rejected, weight = torch.tensor(rows, dtype=torch.float64).T
    one, two = reward(chosen, rejected, weight), reward(rejected, chosen, weight)
    # -ln sigmoid(d) + ln sigmoid(-d) = -d
    assert float(one.loss - two.loss) == pytest.approx(-float(one.metrics["difference"]), abs=1e-9)
    assert float(one.metrics["accuracy"]) == pytest.approx(1 - float(two.metrics["accuracy"]))
    assert float(one.metrics["reward"]) == pytest.approx(float(two.metrics["reward"]))


@given(scores, st.floats(-5, 5))
def test_only_the_difference_of_scores_matters(
    rows: list[tuple[float, float, float]], shift: float
) -> None:
    chosen, rejected, weight = torch.tensor(rows, dtype=torch.float64).T
    one = reward(chosen, rejected, weight)
    two = reward(chosen + shift, rejected + shift, weight)
    assert float(one.loss) == pytest.approx(float(two.loss), abs=1e-9)
