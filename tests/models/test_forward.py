"""Tests of running packed batches: both layouts must give the same numbers."""

from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

from prefloop.core.errors import PrefloopError
from prefloop.models.forward import hidden_states, traits
from prefloop.models.load import LoadedPolicy
from prefloop.models.packing import Row, pack

ROWS = [
    Row([7, 8, 9, 10], ([11, 12, 13, 2], [14, 2])),
    Row([15, 16], ([17, 2], [18, 19, 20, 21, 22, 2])),
    Row([9], ([10, 2], [11, 2])),
]


def at_completions(model: Any, shared: bool) -> torch.Tensor:
    batch = pack(ROWS, [0, 1, 2], shared=shared)
    with torch.no_grad():
        return hidden_states(model, batch)[batch.predicts]


def test_a_shared_prompt_gives_the_same_hidden_states_as_separate_rows(
    policy: LoadedPolicy,
) -> None:
    shared, separate = at_completions(policy.model, True), at_completions(policy.model, False)
    assert torch.allclose(shared, separate, atol=1e-5)


def test_neither_layout_lets_a_completion_see_the_other(policy: LoadedPolicy) -> None:
    other = [Row(row.prompt, (row.completions[0], [5] * len(row.completions[1]))) for row in ROWS]
    with torch.no_grad():
        one, two = (
            hidden_states(policy.model, batch)[batch.ends[0::2]]
            for batch in (pack(ROWS, [0, 1, 2], True), pack(other, [0, 1, 2], True))
        )
    assert torch.equal(one, two)


def test_a_llama_shares_prompts_and_its_head_is_plain(policy: LoadedPolicy) -> None:
    assert traits(policy.model).shared_prompt
    assert traits(policy.model).plain_head


def test_learned_positions_work_as_well_as_rotary_ones() -> None:
    config = GPT2Config(vocab_size=26, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    model = GPT2LMHeadModel(config).eval()
    assert traits(model).shared_prompt
    assert torch.allclose(at_completions(model, True), at_completions(model, False), atol=1e-5)


def sliding() -> Any:
    config = MistralConfig(
        vocab_size=26,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=4,
    )
    return MistralForCausalLM(config).eval()


def test_a_model_with_a_sliding_window_is_given_separate_rows() -> None:
    model = sliding()
    assert not traits(model).shared_prompt
    assert at_completions(model, False).isfinite().all()


def test_sharing_a_prompt_on_a_model_that_cannot_is_an_error_not_a_wrong_number() -> None:
    with pytest.raises(PrefloopError, match="pack separate rows"):
        at_completions(sliding(), True)


def test_measuring_a_model_leaves_its_mode_as_it_was(policy: LoadedPolicy) -> None:
    policy.model.train()
    traits(policy.model)
    assert policy.model.training
