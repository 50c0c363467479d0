"""A value model is its reward model on the reward's scale, at every place."""

import pytest
import torch
from torch import nn

from prefloop.core.errors import BadInput
from prefloop.models.load import LoadedPolicy, LoadedReward, reward_model_from
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import Row, pack
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.models.value import head_on, model_from


@pytest.fixture
def policy() -> LoadedPolicy:
    tokenizer = word_tokenizer([f"w{number}" for number in range(20)])
    return LoadedPolicy(
        llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3), tokenizer
    )


@pytest.fixture
def reward(policy: LoadedPolicy) -> LoadedReward:
    return reward_model_from(policy, seed=1)


def test_what_is_expected_before_the_last_token_is_the_score_without_it(
    policy: LoadedPolicy, reward: LoadedReward
) -> None:
    rows = [Row([3, 4], ([5, 6, 7],)), Row([3], ([8, 9],))]
    shorter = [Row([3, 4], ([5, 6],)), Row([3], ([8],))]
    value = model_from(reward, mean=2.0, spread=4.0)
    with torch.no_grad():
        logprobs, found = value(policy.model, pack(rows, [0, 1], shared=True))
        scores = reward.model(pack(shorter, [0, 1], shared=True))
    assert logprobs.shape == found.shape == (5,)
    # tokens 3 and 5 of the five are each completion's last
    assert found[[2, 4]].tolist() == pytest.approx(((scores - 2.0) / 4.0).tolist(), abs=1e-5)


def test_the_reward_model_stays_as_it_was(reward: LoadedReward) -> None:
    before = reward.model.hf.score.weight.clone()
    value = model_from(reward, mean=0.0, spread=1.0)
    with torch.no_grad():
        value.hf.score.weight.fill_(9.0)
    assert torch.equal(reward.model.hf.score.weight, before)


def test_a_reward_model_that_pools_its_states_cannot_say_values(reward: LoadedReward) -> None:
    reward.model.hf.score = nn.Sequential(reward.model.hf.score)
    with pytest.raises(BadInput, match="pools its states"):
        model_from(reward, 0.0, 1.0)


def test_a_head_on_the_policy_says_the_same_probabilities_and_begins_at_nothing(
    policy: LoadedPolicy,
) -> None:
    batch = pack([Row([3, 4], ([5, 6, 7],)), Row([3], ([8, 9],))], [0, 1], shared=True)
    with torch.no_grad():
        logprobs, values = head_on(policy)(policy.model, batch)
        assert torch.equal(logprobs, token_logprobs(policy.model, batch))
    assert values.tolist() == [0.0] * 5
