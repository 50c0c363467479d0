"""Tests of KL by sampling."""

import copy
import math

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from prefloop.core.errors import BadInput, PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.divergence import sequence_kl
from prefloop.models.generate import generate, seeded
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import completion_logprobs
from prefloop.models.sampling import Sampled, Sampling
from prefloop.models.scratch import llama, word_tokenizer

WORDS = [f"w{number}" for number in range(20)]
PROMPTS = [Prompt.of(f"w{n % 20} w{n // 20}") for n in range(60)]
SHORT = Sampling(max_new_tokens=5)


def moved(policy: LoadedPolicy, by: float) -> LoadedPolicy:
    """The same model with noise in its weights."""
    model = copy.deepcopy(policy.model)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
    return LoadedPolicy(model, policy.tokenizer)


def spelt(policy: LoadedPolicy, one: Sampled) -> str:
    """A completion with its markers, but for the last token."""
    return str(policy.tokenizer.decode(list(one.token_ids[:-1])))


def test_a_policy_is_at_exactly_zero_from_itself(policy: LoadedPolicy) -> None:
    found = sequence_kl(policy, policy, PROMPTS, SHORT, seeded(0), budget=40)
    assert found.shape == (60,)
    assert not found.any()


def test_it_is_the_log_ratio_of_what_the_policy_said(policy: LoadedPolicy) -> None:
    other = moved(policy, 0.1)
    found = sequence_kl(policy, other, PROMPTS, SHORT, seeded(3))
    said = generate(policy, PROMPTS, SHORT, seeded(3))
    # Markers in the middle are not in the text; the end marker comes once in 26 tokens.
    ended = [n for n, one in enumerate(said) if one.finished and "<" not in spelt(policy, one)]
    assert len(ended) > 2
    items = [(PROMPTS[n], said[n].text) for n in ended]
    wanted = [
        completion_logprobs(policy.model, policy.tokenizer, [item])[0].sum()
        - completion_logprobs(other.model, policy.tokenizer, [item])[0].sum()
        for item in items
    ]
    np.testing.assert_allclose(found[ended], wanted, atol=1e-4)


def test_its_mean_is_the_kl_summed_over_the_whole_vocabulary(policy: LoadedPolicy) -> None:
    # One token per completion: KL = sum over tokens of p ln(p / q), exactly.
    other = moved(policy, 0.3)
    prompt = Prompt.of("w1 w2")
    ids = policy.tokenizer("<s><|user|>w1 w2<|assistant|>", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        p, q = (
            model(input_ids=torch.tensor([ids])).logits[0, -1].double().log_softmax(-1)
            for model in (policy.model, other.model)
        )
    wanted = float((p.exp() * (p - q)).sum())
    found = sequence_kl(policy, other, [prompt] * 4000, Sampling(max_new_tokens=1), seeded(7))
    # within four standard errors
    assert abs(found.mean() - wanted) < 4 * found.std() / math.sqrt(4000)
    assert wanted > 0


def test_the_same_seed_gives_the_same_numbers_whatever_the_budget(policy: LoadedPolicy) -> None:
    other = moved(policy, 0.1)
    one = sequence_kl(policy, other, PROMPTS, SHORT, seeded(5))
    two = sequence_kl(policy, other, PROMPTS, SHORT, seeded(5), budget=30)
    np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=0.7), Sampling(top_p=0.9), Sampling(top_k=5)]
)
def test_draws_that_are_not_the_policys_own_are_refused(
    policy: LoadedPolicy, sampling: Sampling
) -> None:
    with pytest.raises(BadInput, match="estimates no KL"):
        sequence_kl(policy, policy, PROMPTS, sampling, seeded(0))


def test_models_of_different_vocabularies_are_refused(policy: LoadedPolicy) -> None:
    tokenizer = word_tokenizer([*WORDS, "more"])
    other = LoadedPolicy(llama(tokenizer, width=16, layers=1, heads=2, context=64), tokenizer)
    with pytest.raises(BadInput, match="different vocabularies"):
        sequence_kl(policy, other, PROMPTS, SHORT, seeded(0))


def test_a_broken_model_stops_the_run(policy: LoadedPolicy) -> None:
    other = moved(policy, float("nan"))
    with pytest.raises(PrefloopError, match="KL on prompt 0 is not a number"):
        sequence_kl(policy, other, PROMPTS[:2], SHORT, seeded(0))


def test_a_reference_in_training_is_read_without_dropout_and_left_as_it_was() -> None:
    tokenizer = word_tokenizer(WORDS)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2,
        resid_pdrop=0.5, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    policy = LoadedPolicy(GPT2LMHeadModel(config).train(), tokenizer)
    assert not sequence_kl(policy, policy, PROMPTS[:5], SHORT, seeded(0)).any()
    assert policy.model.training


def test_no_prompts_give_no_numbers(policy: LoadedPolicy) -> None:
    assert sequence_kl(policy, policy, [], SHORT, seeded(0)).shape == (0,)
