"""Tests of the losses against numbers derived by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prefloop.training.objectives import dpo, ppo_policy, ppo_value, reward, sft

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


def test_a_ratio_beyond_the_clip_earns_no_more_and_costs_in_full() -> None:
    logprobs = torch.tensor([1.5, 1.5]).log().requires_grad_()
    found = ppo_policy(logprobs, torch.zeros(2), torch.tensor([1.0, -1.0]), clip=0.2)
    # ratio 1.5: -min(1.5, 1.2) = -1.2 where it was good; -min(-1.5, -1.2) = 1.5 where it was bad
    assert found.loss.item() == pytest.approx((-1.2 + 1.5) / 2)
    assert found.metrics["clipped"].item() == 0.5
    assert found.metrics["moved"].item() == pytest.approx(1.5 - 1 - math.log(1.5))
    found.loss.backward()  # type: ignore[no-untyped-call]
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == pytest.approx([0.0, 1.5 / 2])  # a mean over two tokens


def test_before_the_first_update_the_policy_gradient_is_that_of_reinforce() -> None:
    logprobs = torch.tensor([-1.0, -2.0, -0.5], requires_grad=True)
    advantages = torch.tensor([0.5, -1.0, 2.0])
    ppo_policy(logprobs, logprobs.detach(), advantages, clip=0.2).loss.backward()  # type: ignore[no-untyped-call]
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == pytest.approx((-advantages / 3).tolist())


def test_a_value_that_leaps_is_judged_by_the_worse_of_two() -> None:
    values, drawn = torch.tensor([1.0, 1.0]), torch.zeros(2)
    found = ppo_value(values, drawn, torch.tensor([0.5, 2.0]), clip=0.2)
    # plain errors 0.25 and 1; clipped to 0.2: 0.09 and 3.24; the worse: 0.25 and 3.24, halved
    assert found.loss.item() == pytest.approx((0.25 + 3.24) / 2 / 2)


LOGPROBS = (torch.tensor([-1.0]), torch.tensor([-2.0]), torch.tensor([-2.0]), torch.tensor([-1.5]))


def test_the_dpo_loss_is_that_of_the_paper() -> None:
    # ln pi/ref: chosen -1 + 2 = 1, rejected -2 + 1.5 = -0.5; with beta 2 rewards of 2 and -1
    loss = dpo(*LOGPROBS, torch.ones(1), beta=2.0)
    assert float(loss.loss) == pytest.approx(0.0485874, abs=1e-6)  # -ln sigmoid(3)
    assert float(loss.metrics["reward_chosen"]) == 2
    assert float(loss.metrics["reward_rejected"]) == -1
    assert float(loss.metrics["margin"]) == 3
    assert float(loss.metrics["accuracy"]) == 1


def test_labels_that_may_be_wrong_make_certainty_costly() -> None:
    # 0.9 * 0.0485874 + 0.1 * 3.0485874, the second being -ln sigmoid(-3)
    loss = dpo(*LOGPROBS, torch.ones(1), beta=2.0, label_smoothing=0.1)
    assert float(loss.loss) == pytest.approx(0.3485874, abs=1e-6)
    # Least where sigmoid(margin) is 0.9, the probability that the label is right: ln 9.
    best = torch.tensor([math.log(9)], requires_grad=True)
    zero = torch.zeros(1)
    dpo(best, zero, zero, zero, torch.ones(1), 1.0, 0.1).loss.backward()  # type: ignore[no-untyped-call]
    assert best.grad is not None
    assert float(best.grad) == pytest.approx(0, abs=1e-6)


def test_dpo_weighs_its_pairs() -> None:
    # margins 1 and -1 as in the reward model: (0.3132617 + 3 * 1.3132617) / 4
    chosen, zero = torch.tensor([1.0, -1.0]), torch.zeros(2)
    loss = dpo(chosen, zero, zero, zero, torch.tensor([1.0, 3.0]), beta=1.0)
    assert float(loss.loss) == pytest.approx(1.0632617, abs=1e-6)
    assert float(loss.units) == 4
    assert float(loss.metrics["accuracy"]) == pytest.approx(0.25)
    assert float(loss.metrics["margin"]) == pytest.approx(-0.5)


def test_a_policy_that_is_its_reference_costs_ln_2_and_is_pulled_by_half_of_beta() -> None:
    now = torch.tensor([-3.0], requires_grad=True)
    other = torch.tensor([-7.0])
    loss = dpo(now, other, now.detach(), other, torch.ones(1), beta=0.1)
    assert float(loss.loss.detach()) == pytest.approx(math.log(2))
    assert float(loss.metrics["accuracy"]) == 0.5
    loss.loss.backward()  # type: ignore[no-untyped-call]
    assert now.grad is not None
    assert float(now.grad) == pytest.approx(-0.05)  # -beta * (1 - sigmoid(0))


def test_dpo_of_long_completions_stays_finite() -> None:
    far, zero = torch.tensor([-1e5]), torch.zeros(1)
    assert float(dpo(far, zero, zero, zero, torch.ones(1), 0.1).loss) == pytest.approx(1e4)
    assert float(dpo(zero, far, zero, zero, torch.ones(1), 0.1).loss) == 0


quadruples = st.lists(st.tuples(*[st.floats(-20, 20)] * 4, st.floats(0.1, 5)), min_size=1)


@given(quadruples, st.floats(0, 0.4))
def test_exchanging_chosen_and_rejected_mirrors_dpo(
    rows: list[tuple[float, ...]], smoothing: float
) -> None:
    chosen, rejected, ref_c, ref_r, weight = torch.tensor(rows, dtype=torch.float64).T
    one = dpo(chosen, rejected, ref_c, ref_r, weight, 0.5, smoothing)
    two = dpo(rejected, chosen, ref_r, ref_c, weight, 0.5, smoothing)
    # (1 - 2e) times -ln sigmoid(m) + ln sigmoid(-m) = -m
    wanted = -(1 - 2 * smoothing) * float(one.metrics["margin"])
    assert float(one.loss - two.loss) == pytest.approx(wanted, abs=1e-9)
    assert float(one.metrics["accuracy"]) == pytest.approx(1 - float(two.metrics["accuracy"]))
    assert float(one.metrics["margin"]) == pytest.approx(-float(two.metrics["margin"]), abs=1e-9)
    assert float(one.metrics["reward_chosen"]) == float(two.metrics["reward_rejected"])


@given(quadruples, st.floats(-5, 5))
def test_dpo_is_the_reward_loss_of_its_implicit_rewards(
    rows: list[tuple[float, ...]], shift: float
) -> None:
    chosen, rejected, ref_c, ref_r, weight = torch.tensor(rows, dtype=torch.float64).T
    one = dpo(chosen + shift, rejected + shift, ref_c, ref_r, weight, 0.5)
    two = reward(0.5 * (chosen - ref_c), 0.5 * (rejected - ref_r), weight)
    assert float(one.loss) == pytest.approx(float(two.loss), abs=1e-9)
    assert float(one.metrics["margin"]) == pytest.approx(float(two.metrics["difference"]), abs=1e-9)
