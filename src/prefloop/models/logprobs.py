"""Log-probabilities of given completions; logits only where a completion's token is foretold.

Logits are made in chunks of positions, so that never more than `CHUNK` numbers stand in memory
at once; with more than one chunk they are made again for the gradient instead of being kept.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.chat import encode_completions, encode_prompts
from prefloop.models.forward import context_length, hidden_states, traits
from prefloop.models.packing import PackedBatch, Row, by_budget, costs, pack

__all__ = ["CHUNK", "completion_logprobs", "completion_states", "token_logprobs"]

CHUNK = 2**24  # logits at once: 64 MB of float32


def completion_states(model: Any, batch: PackedBatch) -> Tensor:
    """The hidden state that foretells each completion token, (N, width)."""
    # An embedding look-up, because its gradient is summed in a fixed order.
    return F.embedding(batch.predicts, hidden_states(model, batch))


def token_logprobs(
    policy: Any, batch: PackedBatch, chunk: int = CHUNK, states: Tensor | None = None
) -> Tensor:
    """ln p(token) of every completion token, (N,) float32, in the order of `batch.targets`.

    `states` are the policy's `completion_states`, where they are known already.
    """
    if not traits(policy).plain_head:
        return _from_full_logits(policy, batch)
    hidden = completion_states(policy, batch) if states is None else states
    head = policy.get_output_embeddings()
    size = max(1, chunk // head.weight.shape[0])
    if len(hidden) <= size:
        return _taken(head, hidden, batch.targets)
    parts = zip(torch.split(hidden, size), torch.split(batch.targets, size), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([_taken(head, h, t) for h, t in parts])
    return torch.cat([_again(head, h, t) for h, t in parts])


def completion_logprobs(
    policy: Any, tokenizer: Any, items: Sequence[tuple[Prompt, str]], budget: int = 8192
) -> list[np.ndarray]:
    """ln p of each token of each given completion, its end marker included, one array per item.

    `budget` is the most token positions in one pass. Raises BadInput for text that the tokenizer
    cannot spell, or that is longer than the model's context.
    """
    prompts = encode_prompts(tokenizer, [prompt for prompt, _ in items])
    texts = encode_completions(tokenizer, [text for _, text in items])
    rows = [Row(prompt, (text,)) for prompt, text in zip(prompts, texts, strict=True)]
    longest, most = costs(rows, shared=True).max(initial=0), context_length(policy)
    if longest > most:
        raise BadInput(
            f"a prompt with its completion has {longest} tokens, the context {most}: cut"
        )
    found: list[np.ndarray] = [np.empty(0)] * len(rows)
    device = next(policy.parameters()).device
    was_training = policy.training
    policy.eval()
    with torch.inference_mode():
        for numbers in by_budget(costs(rows, shared=True), budget):
            batch = pack(rows, numbers, shared=True).to(device)
            values = token_logprobs(policy, batch).double().cpu().numpy()
            sizes = np.cumsum([len(rows[number].completions[0]) for number in numbers])
            for number, part in zip(numbers, np.split(values, sizes[:-1]), strict=True):
                found[number] = part
    policy.train(was_training)
    return found


def _taken(head: Any, hidden: Tensor, targets: Tensor) -> Tensor:
    return -F.cross_entropy(head(hidden).float(), targets, reduction="none")


def _again(head: Any, hidden: Tensor, targets: Tensor) -> Tensor:
    again: Tensor = checkpoint(_taken, head, hidden, targets, use_reentrant=False)
    return again


def _from_full_logits(policy: Any, batch: PackedBatch) -> Tensor:
    """For classes that change the head's logits afterwards (scaling, soft caps)."""
    mask = (batch.segments >= 0).long()
    logits = policy(input_ids=batch.input_ids, attention_mask=mask).logits.flatten(0, 1)
    picked = F.embedding(batch.predicts, logits)
    return -F.cross_entropy(picked.float(), batch.targets, reduction="none")
