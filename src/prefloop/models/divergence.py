"""How far a policy has moved from its reference: KL by sampling, in nats per completion."""

from collections.abc import Sequence

import numpy as np
import torch

from prefloop.core.errors import BadInput, PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.chat import encode_prompts
from prefloop.models.generate import generate
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import Row, by_budget, costs, pack
from prefloop.models.sampling import Sampling

__all__ = ["require_one_vocabulary", "sequence_kl"]


def sequence_kl(
    policy: LoadedPolicy,
    reference: LoadedPolicy,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    generator: torch.Generator,
    budget: int = 8192,
) -> np.ndarray:
    """ln pi(y|x) - ln ref(y|x) in nats for one y drawn from pi per prompt, (n,) float64.

    The mean over completions is an unbiased estimate of KL(pi || ref) on these prompts; a single
    entry may be negative. A completion cut at `max_new_tokens` counts up to there. Both models
    read the same tokens in the same batches, so a policy is at exactly 0 from itself. `budget` is
    the most token positions in one pass.

    Raises BadInput for draws that are not the policy's own (temperature, top_p, top_k), for
    models of different vocabularies, and as `generate` does; PrefloopError if a model's
    probabilities are not numbers.
    """
    _check(policy, reference, sampling)
    said = generate(policy, prompts, sampling, generator)
    ids = encode_prompts(policy.tokenizer, prompts)
    rows = [Row(prompt, (list(one.token_ids),)) for prompt, one in zip(ids, said, strict=True)]
    ratios: np.ndarray = _sums(policy, rows, budget) - _sums(reference, rows, budget)
    if not np.isfinite(ratios).all():
        bad = int(np.flatnonzero(~np.isfinite(ratios))[0])
        raise PrefloopError(f"the KL on prompt {bad} is not a number: one of the models is broken")
    return ratios


def require_one_vocabulary(policy: LoadedPolicy, reference: LoadedPolicy) -> None:
    """Raise BadInput for two models whose token ids mean different things."""
    if policy.tokenizer.get_vocab() != reference.tokenizer.get_vocab():
        raise BadInput(
            "policy and reference have different vocabularies, and their probabilities cannot be "
            "compared: take a reference of the same family"
        )


def _check(policy: LoadedPolicy, reference: LoadedPolicy, sampling: Sampling) -> None:
    for name, wanted in (("temperature", 1), ("top_p", 1), ("top_k", 0)):
        value = getattr(sampling, name)
        if value != wanted:
            raise BadInput(
                f"KL with {name} {value}: give {wanted}, or the draws are not the policy's own and "
                "their ratio estimates no KL"
            )
    require_one_vocabulary(policy, reference)


def _sums(policy: LoadedPolicy, rows: Sequence[Row], budget: int) -> np.ndarray:
    """ln p of each row's completion, (n,) float64, without the noise of dropout."""
    found = np.empty(len(rows))
    device = next(policy.model.parameters()).device
    was_training = policy.model.training
    policy.model.eval()
    with torch.inference_mode():
        for numbers in by_budget(costs(rows, shared=True), budget):
            batch = pack(rows, numbers, shared=True).to(device)
            values = token_logprobs(policy.model, batch).double().cpu().numpy()
            owner = batch.owner.cpu().numpy()
            found[numbers] = np.bincount(owner, weights=values, minlength=len(numbers))
    policy.model.train(was_training)
    return found
