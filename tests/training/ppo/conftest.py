"""A tiny policy with a tiny reward model, and a reward that a program gives."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from prefloop.core.records import Prompt
from prefloop.models.load import LoadedPolicy, LoadedReward, reward_model_from
from prefloop.training.ppo.stage import PPOResult, train_ppo
from prefloop.training.settings import PPOSettings

SETTINGS = PPOSettings(
    steps=4,
    rollouts=16,
    reference_samples=32,
    max_new_tokens=8,
    learning_rate=3e-3,
    warmup=0.0,
    weight_decay=0.0,
    kl_coef=0.05,
    checkpoint_every=1,
    over_budget="warn",
)
PROMPTS = [Prompt.of(f"w{number}") for number in range(12)]


def likes_w7(items: Sequence[tuple[Prompt, str]]) -> np.ndarray:
    """The number of times a completion says w7."""
    return np.array([text.split().count("w7") for _, text in items], dtype=float)


@pytest.fixture
def reward(make_policy: Callable[[], LoadedPolicy]) -> LoadedReward:
    return reward_model_from(make_policy(), seed=1)


@pytest.fixture
def run(make_policy: Callable[[], LoadedPolicy], reward: LoadedReward) -> Any:
    """Runs PPO on a fresh policy towards w7; the policy and the result."""

    def start(settings: PPOSettings = SETTINGS, **known: Any) -> tuple[LoadedPolicy, PPOResult]:
        policy = make_policy()
        given = {"prompts": PROMPTS, "score": likes_w7, **known}
        prompts, score = given.pop("prompts"), given.pop("score")
        done = train_ppo(policy, make_policy(), reward, prompts, score, settings, **given)
        return policy, done

    return start
