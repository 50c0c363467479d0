"""Sampling from a policy with a cache; finished rows make room for waiting prompts.

Each completion has its own uniform random numbers, drawn beforehand, one per token. So what is
sampled depends on the seed and the order of the prompts, not on how many are decoded side by side
(up to rounding in the model itself).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.chat import decode, encode_prompts
from prefloop.models.decoders import Decoder, decoder_for
from prefloop.models.forward import context_length
from prefloop.models.load import LoadedPolicy
from prefloop.models.sampling import Sampled, Sampling

__all__ = ["generate", "seeded", "with_room"]


def seeded(seed: int) -> torch.Generator:
    """A CPU generator for `generate`, for rooms that know no torch."""
    return torch.Generator().manual_seed(seed)


def generate(
    policy: LoadedPolicy,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    generator: torch.Generator,
) -> list[Sampled]:
    """One completion per prompt, in order; repeat a prompt to have several of it.

    `generator` is a CPU generator; the same seed gives the same completions. Raises BadInput for
    a prompt that fills the model's context or that the tokenizer cannot spell.
    """
    if not prompts:
        return []
    ids = encode_prompts(policy.tokenizer, prompts)
    run = _Run.of(policy, ids, sampling, generator)
    model, was_training = policy.model, policy.model.training
    model.eval()
    with torch.inference_mode():
        _drain(run, ids, decoder_for(model, run.width, run.length), sampling)
    model.train(was_training)
    return run.results(policy.tokenizer)


@dataclass
class _Run:
    """Everything about N completions: what was drawn so far, and the numbers to draw with.

    The arrays have a line N that belongs to nobody: rows that are done write there.
    """

    uniforms: Tensor  # (N+1, max_new_tokens)
    tokens: Tensor  # (N+1, max_new_tokens)
    counts: Tensor  # (N+1,)
    limits: Tensor  # (N+1,)
    logprobs: Tensor  # (N+1,)
    finished: Tensor  # (N+1,)
    ends: Tensor  # token ids that end a completion
    width: int
    length: int  # the most tokens of any prompt with its completion

    @classmethod
    def of(
        cls,
        policy: LoadedPolicy,
        ids: list[list[int]],
        sampling: Sampling,
        generator: torch.Generator,
    ) -> "_Run":
        n, most = len(ids), sampling.max_new_tokens
        device = next(policy.model.parameters()).device
        limits = [min(most, _room(policy.model, len(prompt))) for prompt in ids]
        lengths = [len(prompt) + limit for prompt, limit in zip(ids, limits, strict=True)]
        uniforms = torch.rand((n, most), generator=generator)
        return cls(
            uniforms=torch.cat([uniforms, torch.zeros(1, most)]).to(device),
            tokens=torch.zeros((n + 1, most), dtype=torch.long, device=device),
            counts=torch.zeros(n + 1, dtype=torch.long, device=device),
            limits=torch.tensor([*limits, most], device=device),
            logprobs=torch.zeros(n + 1, dtype=torch.float64, device=device),
            finished=torch.zeros(n + 1, dtype=torch.bool, device=device),
            ends=torch.tensor(_end_markers(policy), device=device),
            width=min(sampling.width, n),
            length=max(lengths),
        )

    def draw(self, items: Tensor, logits: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
        """Draw, record and return the next token of each row, and which rows are now done."""
        places = self.counts[items].clamp_max(self.tokens.shape[1] - 1)
        drawn, logprobs = _draw(logits, self.uniforms[items, places], sampling)
        self.tokens[items, places] = drawn
        self.logprobs[items] += logprobs
        self.counts[items] += 1
        ended = torch.isin(drawn, self.ends)
        self.finished[items] = ended
        return drawn, ended | (self.counts[items] >= self.limits[items])

    def results(self, tokenizer: Any) -> list[Sampled]:
        counts = self.counts[:-1].tolist()
        finished = self.finished[:-1].tolist()
        ids = [line[:count] for line, count in zip(self.tokens.tolist(), counts, strict=False)]
        texts = decode(
            tokenizer, [line[: len(line) - f] for line, f in zip(ids, finished, strict=True)]
        )
        return [
            Sampled(text, tuple(line), logprob, done)
            for text, line, logprob, done in zip(
                texts, ids, self.logprobs[:-1].tolist(), finished, strict=True
            )
        ]


def _drain(run: _Run, ids: list[list[int]], decoder: Decoder, sampling: Sampling) -> None:
    """Decode every prompt, shortest first; a dead row is dropped when an eighth of them is dead."""
    device = run.tokens.device
    waiting = sorted(range(len(ids)), key=lambda item: (len(ids[item]), ids[item], item))[::-1]
    nobody = len(ids)
    items = torch.empty(0, dtype=torch.long, device=device)  # (rows,)
    logits = torch.empty((0, 0), device=device)
    while waiting or len(items):
        free = run.width - len(items)
        if waiting and free and (decoder.refills or not len(items)):
            begun = [waiting.pop() for _ in range(min(free, len(waiting)))]
            fresh = decoder.admit([ids[item] for item in begun])
            logits = fresh if not len(items) else torch.cat([logits, fresh])
            items = torch.cat([items, torch.tensor(begun, device=device)])
        drawn, done = run.draw(items, logits, sampling)
        items = torch.where(done, nobody, items)
        dead = int((items == nobody).sum())
        if dead * 8 >= len(items):
            items, drawn = _drop(decoder, items, drawn, nobody)
        if len(items):
            logits = decoder.advance(drawn)


def _drop(decoder: Decoder, items: Tensor, drawn: Tensor, nobody: int) -> tuple[Tensor, Tensor]:
    """Move the last live rows into the places of dead ones."""
    alive = items != nobody
    count = int(alive.sum())
    target = torch.nonzero(~alive[:count])[:, 0]
    source = torch.nonzero(alive[count:])[:, 0] + count
    decoder.shrink(source, target, count)
    items[target], drawn[target] = items[source], drawn[source]
    return items[:count], drawn[:count]


def _draw(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """A token per row, by inverting the cumulative distribution, and its ln p at temperature 1."""
    logprobs = logits.log_softmax(-1)  # (rows, V)
    if sampling.temperature == 0:
        drawn = logits.argmax(-1)
    else:
        cumulative = _weights(logits, logprobs, sampling).cumsum(-1, dtype=torch.float64)
        at = uniforms.double()[:, None] * cumulative[:, -1:]
        # right=True: the first token whose cumulative weight is above, never one of weight 0
        drawn = torch.searchsorted(cumulative, at, right=True)[:, 0]
    return drawn, logprobs.gather(1, drawn[:, None])[:, 0].double()


def _weights(logits: Tensor, logprobs: Tensor, sampling: Sampling) -> Tensor:
    """Weights (rows, V) after temperature, top_k and top_p (in this order); not normalized."""
    if sampling.temperature == 1:
        weights = logprobs.exp()
    else:
        weights = (logits / sampling.temperature).softmax(-1)
    if 0 < sampling.top_k < weights.shape[-1]:
        least = weights.topk(sampling.top_k).values[:, -1:]
        weights = weights.masked_fill(weights < least, 0)
    if sampling.top_p < 1:
        ordered, order = weights.sort(descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        surplus = before >= sampling.top_p * ordered.sum(-1, keepdim=True)
        weights = weights.masked_fill(surplus.gather(1, order.argsort(-1)), 0)
    return weights


def with_room(policy: LoadedPolicy, prompts: Sequence[Prompt], longest: int) -> list[Prompt]:
    """The prompts that leave room for a completion of `longest` tokens, in order."""
    most = context_length(policy.model) - longest
    sizes = [len(ids) for ids in encode_prompts(policy.tokenizer, prompts)]
    return [prompt for prompt, size in zip(prompts, sizes, strict=True) if size <= most]


def _room(model: Any, length: int) -> int:
    """How many tokens fit after a prompt of this length."""
    most = context_length(model)
    if length >= most:
        raise BadInput(f"a prompt of {length} tokens fills the context of {most}: shorten it")
    return most - length


def _end_markers(policy: LoadedPolicy) -> list[int]:
    said = getattr(policy.model.generation_config, "eos_token_id", None)
    more = said if isinstance(said, list) else [said] if said is not None else []
    return sorted({policy.tokenizer.eos_token_id, *more})
