"""Reward scores for prompts and completions, in length-sorted batches under a token budget."""

from collections.abc import Sequence

import numpy as np
import torch

from prefloop.core.errors import PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.chat import encode_completions, encode_prompts
from prefloop.models.forward import context_length
from prefloop.models.load import LoadedReward
from prefloop.models.packing import Row, by_budget, costs, fit, pack

__all__ = ["score"]


def score(
    reward: LoadedReward,
    items: Sequence[tuple[Prompt, str]],
    budget: int = 8192,
    max_tokens: int | None = None,
) -> np.ndarray:
    """The reward model's score of each (prompt, completion), (n,) float64, in the given order.

    `budget` is the most token positions in one pass; rows longer than `max_tokens`, or than the
    model's context, are cut as training cuts them. Raises BadInput for text that the tokenizer
    cannot spell, and PrefloopError if a score is not a number.
    """
    prompts = encode_prompts(reward.tokenizer, [prompt for prompt, _ in items])
    texts = encode_completions(reward.tokenizer, [text for _, text in items])
    rows = [Row(prompt, (text,)) for prompt, text in zip(prompts, texts, strict=True)]
    most = min(max_tokens or 2**31, context_length(reward.model.hf))
    rows = [fit(row, most) for row in rows]
    scores = np.empty(len(rows))
    device = next(reward.model.parameters()).device
    was_training = reward.model.training
    reward.model.eval()
    with torch.inference_mode():
        for numbers in by_budget(costs(rows, shared=True), budget):
            batch = pack(rows, numbers, shared=True).to(device)
            scores[numbers] = reward.model(batch).double().cpu().numpy()
    reward.model.train(was_training)
    if not np.isfinite(scores).all():
        bad = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise PrefloopError(f"the reward of item {bad} is not a number: the model is broken")
    return scores
