"""Tests of sampling."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import MistralConfig, MistralForCausalLM

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models import generate as module
from prefloop.models.chat import encode_prompts
from prefloop.models.decoders import WaveDecoder
from prefloop.models.generate import generate
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import completion_logprobs
from prefloop.models.sampling import Sampled, Sampling

PROMPTS = [Prompt.of(" ".join(["w1", "w5", "w7", "w2"][: 1 + n % 4])) for n in range(40)]
SAMPLING = Sampling(max_new_tokens=8, width=16)


def drawn(
    policy: LoadedPolicy, sampling: Sampling = SAMPLING, seed: int = 1, prompts: Any = PROMPTS
) -> list[Sampled]:
    return generate(policy, prompts, sampling, torch.Generator().manual_seed(seed))


def ids_of(samples: list[Sampled]) -> list[tuple[int, ...]]:
    return [sample.token_ids for sample in samples]


def test_the_same_seed_gives_the_same_completions_and_another_seed_others(
    policy: LoadedPolicy,
) -> None:
    assert drawn(policy) == drawn(policy)
    assert ids_of(drawn(policy)) != ids_of(drawn(policy, seed=2))


def test_what_is_drawn_does_not_depend_on_how_many_are_decoded_side_by_side(
    policy: LoadedPolicy,
) -> None:
    for width in (1, 3, 40):
        assert ids_of(drawn(policy, replace(SAMPLING, width=width))) == ids_of(drawn(policy))


def test_a_model_with_its_own_cache_draws_the_same(
    policy: LoadedPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = drawn(policy)
    monkeypatch.setattr(module, "decoder_for", lambda model, *_: WaveDecoder(model))
    found = drawn(policy)
    assert ids_of(found) == ids_of(wanted)
    for one, two in zip(found, wanted, strict=True):
        assert one.logprob == pytest.approx(two.logprob, abs=1e-4)


def test_without_a_cache_the_likeliest_tokens_are_the_same(policy: LoadedPolicy) -> None:
    (found,) = drawn(policy, Sampling(temperature=0, max_new_tokens=6), prompts=PROMPTS[3:4])
    ids = encode_prompts(policy.tokenizer, PROMPTS[3:4])[0]
    for token in found.token_ids:
        logits = policy.model(input_ids=torch.tensor([ids])).logits[0, -1]
        assert token == int(logits.argmax())
        ids.append(token)


def test_the_log_probability_is_that_of_the_same_text_under_the_policy(
    policy: LoadedPolicy,
) -> None:
    words_only = [s for s in zip(PROMPTS, drawn(policy), strict=True) if min(s[1].token_ids) > 5]
    assert len(words_only) > 3
    items = [(prompt, sample.text) for prompt, sample in words_only]
    values = completion_logprobs(policy.model, policy.tokenizer, items)
    for (_, sample), value in zip(words_only, values, strict=True):
        assert sample.logprob == pytest.approx(value[: len(sample.token_ids)].sum(), abs=1e-4)


def test_a_finished_completion_ends_with_the_end_marker_and_its_text_does_not_show_it(
    policy: LoadedPolicy,
) -> None:
    end = policy.tokenizer.eos_token_id
    samples = drawn(policy, Sampling(max_new_tokens=40))
    assert any(sample.finished for sample in samples)
    for sample in samples:
        assert (sample.token_ids[-1] == end) is sample.finished
        assert end not in sample.token_ids[:-1]
        assert "</s>" not in sample.text


def test_draws_follow_the_policys_probabilities(policy: LoadedPolicy) -> None:
    n = 4000
    samples = drawn(policy, Sampling(max_new_tokens=1, width=500), prompts=PROMPTS[:1] * n)
    ids = encode_prompts(policy.tokenizer, PROMPTS[:1])
    with torch.no_grad():
        wanted = policy.model(input_ids=torch.tensor(ids)).logits[0, -1].softmax(-1)
    counts = Counter(sample.token_ids[0] for sample in samples)
    for token, p in enumerate(wanted.tolist()):
        spread = (p * (1 - p) / n) ** 0.5
        assert abs(counts[token] / n - p) < 5 * spread + 1 / n


def test_top_k_and_top_p_leave_only_the_likeliest_tokens(policy: LoadedPolicy) -> None:
    ids = encode_prompts(policy.tokenizer, PROMPTS[:1])
    with torch.no_grad():
        p = policy.model(input_ids=torch.tensor(ids)).logits[0, -1].softmax(-1)
    order = p.argsort(descending=True).tolist()
    two = drawn(policy, Sampling(max_new_tokens=1, top_k=2), prompts=PROMPTS[:1] * 200)
    assert {sample.token_ids[0] for sample in two} == set(order[:2])
    # top_p just above the likeliest token's own probability keeps exactly one more
    share = float(p[order[0]]) + 1e-4
    some = drawn(policy, Sampling(max_new_tokens=1, top_p=share), prompts=PROMPTS[:1] * 200)
    assert {sample.token_ids[0] for sample in some} == set(order[:2])


def test_a_cold_temperature_comes_to_the_likeliest_token(policy: LoadedPolicy) -> None:
    cold = drawn(policy, Sampling(temperature=1e-3, max_new_tokens=5))
    assert ids_of(cold) == ids_of(drawn(policy, Sampling(temperature=0, max_new_tokens=5)))


def test_a_completion_stops_where_the_context_is_full(policy: LoadedPolicy) -> None:
    prompt = Prompt.of(" ".join(["w1"] * 57))  # with three markers 60 of 64 positions
    for sample in drawn(policy, Sampling(max_new_tokens=30), prompts=[prompt] * 8):
        assert len(sample.token_ids) <= 4
    with pytest.raises(BadInput, match="fills the context of 64"):
        drawn(policy, prompts=[Prompt.of(" ".join(["w1"] * 61))])


def test_a_model_with_a_sliding_window_draws_what_it_would_without_a_cache(
    policy: LoadedPolicy,
) -> None:
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=26,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=4,
        initializer_range=0.3,
    )
    sliding = LoadedPolicy(MistralForCausalLM(config).eval(), policy.tokenizer)
    found = drawn(sliding, Sampling(temperature=0, max_new_tokens=9, width=7))
    for ids, sample in zip(encode_prompts(policy.tokenizer, PROMPTS), found, strict=True):
        for token in sample.token_ids:
            assert token == int(sliding.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            ids = [*ids, token]


def test_no_prompts_give_no_completions(policy: LoadedPolicy) -> None:
    assert drawn(policy, prompts=[]) == []
