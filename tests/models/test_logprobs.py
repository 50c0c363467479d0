"""Tests of log-probabilities."""

import math

import numpy as np
import pytest
import torch
from transformers import CohereConfig, CohereForCausalLM

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.forward import traits
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import completion_logprobs, token_logprobs
from prefloop.models.packing import Row, pack

ROWS = [Row([7, 8, 9], ([11, 12, 2], [14, 2])), Row([15], ([17, 18, 19, 2], [18, 2]))]


def test_log_probabilities_are_those_of_the_whole_model_run_on_each_text(
    policy: LoadedPolicy,
) -> None:
    batch = pack(ROWS, [0, 1], shared=True)
    with torch.no_grad():
        found = token_logprobs(policy.model, batch)
        wanted = []
        for row in ROWS:
            for completion in row.completions:
                ids = torch.tensor([row.prompt + completion])
                table = policy.model(input_ids=ids).logits[0].log_softmax(-1)
                start = len(row.prompt) - 1
                wanted += [table[start + n, token] for n, token in enumerate(completion)]
    assert torch.allclose(found, torch.stack(wanted), atol=1e-5)


def test_shared_and_separate_rows_give_the_same_log_probabilities_and_gradients(
    policy: LoadedPolicy,
) -> None:
    gradients = []
    for shared in (True, False):
        policy.model.zero_grad()
        token_logprobs(policy.model, pack(ROWS, [0, 1], shared)).sum().backward()  # type: ignore[no-untyped-call]
        gradients.append(torch.cat([p.grad.flatten() for p in policy.model.parameters()]))
    assert torch.allclose(gradients[0], gradients[1], atol=1e-5)


def test_chunks_change_neither_values_nor_gradients(policy: LoadedPolicy) -> None:
    results = []
    for chunk in (10**9, 60):  # 26 tokens in the vocabulary: two positions per chunk
        policy.model.zero_grad()
        values = token_logprobs(policy.model, pack(ROWS, [0, 1], True), chunk)
        values.sum().backward()  # type: ignore[no-untyped-call]
        results.append([values.detach(), *(p.grad.clone() for p in policy.model.parameters())])
    for one, two in zip(*results, strict=True):
        assert torch.allclose(one, two, atol=1e-5)


def test_a_model_that_scales_its_logits_gets_them_scaled() -> None:
    config = CohereConfig(
        vocab_size=26,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        logit_scale=0.25,
    )
    model = CohereForCausalLM(config).eval()
    assert not traits(model).plain_head
    with torch.no_grad():
        found = token_logprobs(model, pack(ROWS, [0, 1], shared=False))
        table = model(input_ids=torch.tensor([[7, 8, 9, 11]])).logits[0].log_softmax(-1)
    assert torch.allclose(found[:2], torch.stack([table[2, 11], table[3, 12]]), atol=1e-5)


def test_a_model_that_knows_nothing_gives_every_token_one_over_the_vocabulary(
    policy: LoadedPolicy,
) -> None:
    with torch.no_grad():
        policy.model.get_input_embeddings().weight.zero_()  # tied: every logit is 0
    (values,) = completion_logprobs(policy.model, policy.tokenizer, [(Prompt.of("w1"), "w2 w3")])
    # two words and the end marker, each with probability 1/26
    np.testing.assert_allclose(values, [-math.log(26)] * 3, rtol=1e-6)


def test_completions_come_back_in_the_order_given_whatever_their_lengths(
    policy: LoadedPolicy,
) -> None:
    texts = ["w1 w2 w3 w4 w5", "w1", "w9 w8 w7"]
    items = [(Prompt.of("w3 w4"), text) for text in texts]
    together = completion_logprobs(policy.model, policy.tokenizer, items, budget=9)
    assert [len(values) for values in together] == [6, 2, 4]
    for item, values in zip(items, together, strict=True):
        (alone,) = completion_logprobs(policy.model, policy.tokenizer, [item])
        np.testing.assert_allclose(values, alone, atol=1e-5)


def test_a_text_longer_than_the_context_is_refused(policy: LoadedPolicy) -> None:
    with pytest.raises(BadInput, match="has 71 tokens, the context 64"):
        # three markers around one word, 66 words and the end marker
        completion_logprobs(
            policy.model, policy.tokenizer, [(Prompt.of("w1"), " ".join(["w2"] * 66))]
        )


def test_no_items_give_no_log_probabilities(policy: LoadedPolicy) -> None:
    assert completion_logprobs(policy.model, policy.tokenizer, []) == []


@pytest.mark.parametrize("shared", [True, False])
def test_long_and_short_rows_in_one_batch_do_not_disturb_each_other(
    policy: LoadedPolicy, shared: bool
) -> None:
    with torch.no_grad():
        both = token_logprobs(policy.model, pack(ROWS, [0, 1], shared))
        first = token_logprobs(policy.model, pack(ROWS, [0], shared))
    assert torch.allclose(both[: len(first)], first, atol=1e-5)
