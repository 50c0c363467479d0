"""Advantages, whitening and the KL controller, by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from prefloop.training.ppo.advantages import gae, next_kl_coef, token_rewards, whiten

MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_every_token_pays_for_its_kl_and_the_last_one_is_scored() -> None:
    ratio = torch.tensor([[0.1, 0.2, 9.0], [0.0, -0.4, 0.2]])
    found = token_rewards(torch.tensor([3.0, -1.0]), ratio, MASK, kl_coef=0.5)
    # first row: -0.5 * 0.1, then -0.5 * 0.2 + 3; what stands on padding counts nothing
    # second row: 0, then 0.5 * 0.4, then -0.5 * 0.2 - 1
    assert found.tolist() == [
        pytest.approx([-0.05, 2.9, 0.0]),
        pytest.approx([0.0, 0.2, -1.1]),
    ]


def test_an_advantage_is_the_discounted_sum_of_surprises() -> None:
    rewards = torch.tensor([[1.0, 2.0]])
    values = torch.tensor([[0.5, 0.25]])
    advantages, returns = gae(rewards, values, torch.tensor([[True, True]]), gamma=0.9, lam=0.8)
    # d1 = 2 - 0.25 = 1.75; d0 = 1 + 0.9 * 0.25 - 0.5 = 0.725; A0 = 0.725 + 0.72 * 1.75 = 1.985
    assert advantages[0].tolist() == pytest.approx([1.985, 1.75])
    assert returns[0].tolist() == pytest.approx([2.485, 2.0])


def test_padding_changes_no_advantage_and_gets_none() -> None:
    short = gae(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 0.25]]), MASK[:1, :2], 0.9, 0.8)
    padded = gae(
        torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[0.5, 0.25, 7.0]]), MASK[:1], 0.9, 0.8
    )
    for one, other in zip(short, padded, strict=True):
        assert other[0].tolist() == pytest.approx([*one[0].tolist(), 0.0])


def test_with_lambda_one_an_advantage_is_what_came_minus_what_was_expected() -> None:
    rewards = torch.tensor([[1.0, 2.0, 4.0]])
    values = torch.tensor([[0.5, 0.25, 3.0]])
    whole = torch.tensor([[True, True, True]])
    advantages, returns = gae(rewards, values, whole, gamma=1.0, lam=1.0)
    assert returns[0].tolist() == pytest.approx([7.0, 6.0, 4.0])  # rewards still to come
    assert advantages[0].tolist() == pytest.approx([6.5, 5.75, 1.0])


def test_whitened_values_have_mean_zero_and_deviation_one_over_real_tokens() -> None:
    values = torch.tensor([[1.0, 3.0, 99.0], [1.0, 3.0, 2.0]])
    found = whiten(values, MASK)
    # the real ones: 1, 3, 1, 3, 2: mean 2, variance 4/5
    assert found[0].tolist() == pytest.approx([-1.118, 1.118, 0.0], abs=1e-3)
    assert float(found[MASK].std(correction=0)) == pytest.approx(1.0)


def test_values_that_are_all_alike_are_whitened_to_nothing() -> None:
    assert whiten(torch.full((2, 3), 4.0), MASK).tolist() == [[0.0] * 3] * 2


@given(st.floats(-50, 50), st.floats(0.1, 20))
def test_whitening_knows_neither_shift_nor_scale(shift: float, scale: float) -> None:
    values = torch.tensor([[1.0, 3.0, 0.0], [-1.0, 4.0, 2.0]], dtype=torch.float64)
    moved: Tensor = whiten(values * scale + shift, MASK)
    assert torch.allclose(moved, whiten(values, MASK), atol=1e-6)


@pytest.mark.parametrize(
    ("kl", "wanted"),
    [
        (12.0, 0.1 * 1.02),  # the error of +1 is cut at 0.2; times 100 / 1000
        (6.6, 0.1 * 1.01),  # 10 % over
        (6.0, 0.1),
        (0.0, 0.1 * 0.98),
    ],
)
def test_kl_gets_dearer_over_the_target_and_cheaper_under_it(kl: float, wanted: float) -> None:
    assert next_kl_coef(0.1, kl, 6.0, samples=100, horizon=1000) == pytest.approx(wanted)
