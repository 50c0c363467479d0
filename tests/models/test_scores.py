"""Tests of reward scores."""

import numpy as np
import pytest
import torch

from prefloop.core.errors import PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.load import LoadedPolicy, reward_model_from
from prefloop.models.scores import score

ITEMS = [
    (Prompt.of("w1 w2 w3"), "w3 w4 w5 w6"),
    (Prompt.of("w4"), "w5"),
    (Prompt.of("w7 w8"), ""),
    (Prompt.of("w4"), "w9 w9 w9 w9 w9 w9"),
]


def test_scores_come_in_the_order_given_whatever_the_batches(policy: LoadedPolicy) -> None:
    reward = reward_model_from(policy)
    together = score(reward, ITEMS)
    np.testing.assert_allclose(together, score(reward, ITEMS, budget=1), atol=1e-5)
    alone = [score(reward, [item])[0] for item in ITEMS]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_head_of_zeros_scores_everything_zero(policy: LoadedPolicy) -> None:
    reward = reward_model_from(policy)
    with torch.no_grad():
        reward.model.hf.score.weight.zero_()
    assert score(reward, ITEMS).tolist() == [0.0] * 4


def test_a_score_that_is_not_a_number_stops_the_run(policy: LoadedPolicy) -> None:
    reward = reward_model_from(policy)
    with torch.no_grad():
        reward.model.hf.score.weight.fill_(float("nan"))
    with pytest.raises(PrefloopError, match="item 0 is not a number"):
        score(reward, ITEMS)


def test_rows_can_be_cut_as_training_cut_them(policy: LoadedPolicy) -> None:
    reward = reward_model_from(policy)
    long = [(Prompt.of(" ".join(["w1"] * 30)), "w2")]
    assert score(reward, long, max_tokens=8) != score(reward, long)


def test_rows_longer_than_the_context_are_cut_rather_than_misread(policy: LoadedPolicy) -> None:
    reward = reward_model_from(policy)  # reads 64 tokens
    long, cut = (Prompt.of(" ".join(["w1"] * count)) for count in (200, 100))
    assert score(reward, [(long, "w2")]) == score(reward, [(cut, "w2")])


def test_nothing_to_score_gives_no_scores(policy: LoadedPolicy) -> None:
    assert score(reward_model_from(policy), []).shape == (0,)
