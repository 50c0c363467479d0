"""Tests of supervised fine-tuning."""

import math

import pytest
import torch

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.generate import generate
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import completion_logprobs
from prefloop.models.sampling import Sampling
from prefloop.training.packing import Demonstration
from prefloop.training.settings import SFTSettings
from prefloop.training.sft import train_sft

SETTINGS = SFTSettings(steps=150, batch_size=20, learning_rate=2e-2, eval_every=30)


def test_the_policy_learns_to_say_what_it_was_shown(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    result = train_sft(policy, echoes, [], SETTINGS)
    assert result.loop.history[-1]["nll"] < 0.1
    asked = [shown.prompt for shown in echoes]
    said = generate(policy, asked, Sampling(temperature=0, max_new_tokens=5), torch.Generator())
    right = sum(s.text == shown.completion for s, shown in zip(said, echoes, strict=True))
    assert right >= 19
    assert (result.held_out_nll, result.convergence) == (None, None)


def test_the_held_out_loss_is_nats_per_token_of_the_held_out_completions(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    settings = SETTINGS.model_copy(update={"steps": 3, "eval_every": 1})
    result = train_sft(policy, echoes[5:], echoes[:5], settings)
    items = [(shown.prompt, shown.completion) for shown in echoes[:5]]
    values = completion_logprobs(policy.model, policy.tokenizer, items)
    wanted = -sum(value.sum() for value in values) / sum(map(len, values))
    assert result.held_out_nll == pytest.approx(wanted, abs=1e-5)
    assert sum("held_out_loss" in record for record in result.loop.history) == 3


def test_an_untrained_policy_starts_near_the_loss_of_knowing_nothing(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    result = train_sft(policy, echoes, [], SETTINGS.model_copy(update={"steps": 1}))
    assert result.loop.history[0]["loss"] == pytest.approx(math.log(26), abs=1.0)


def test_a_sample_longer_than_the_context_is_cut_and_counted(policy: LoadedPolicy) -> None:
    shown = [Demonstration(Prompt.of(" ".join(["w1"] * 90)), "w2")]  # the policy reads 64 tokens
    result = train_sft(policy, shown, [], SETTINGS.model_copy(update={"steps": 1}))
    assert result.cut == 1
    assert result.loop.tokens == 64


def test_nothing_to_learn_from_is_refused(policy: LoadedPolicy) -> None:
    with pytest.raises(BadInput, match="nothing to train on"):
        train_sft(policy, [], [], SETTINGS)
