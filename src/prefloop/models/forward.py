"""A packed batch through a model: hidden states, and what this model class can take.

Whether a class obeys a block mask and custom positions is measured once on a handful of tokens,
not guessed from its name; a class that does not gets separate rows.
"""

import inspect
import weakref
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from prefloop.core.errors import PrefloopError
from prefloop.models.packing import PackedBatch, Row, pack

__all__ = ["Traits", "backbone", "context_length", "hidden_states", "traits"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model class can take: rows that share a prompt; logits as output head of hidden."""

    shared_prompt: bool
    plain_head: bool


_known: "weakref.WeakKeyDictionary[nn.Module, Traits]" = weakref.WeakKeyDictionary()


def backbone(model: Any) -> Any:
    """The part of a Hugging Face model that ends in hidden states."""
    return model.base_model


def context_length(model: Any) -> int:
    """The most tokens that the model can read at once; a very large number if it has no limit."""
    known = model.config.get_text_config()
    return int(getattr(known, "max_position_embeddings", None) or 2**31)


def hidden_states(model: Any, batch: PackedBatch) -> Tensor:
    """The last hidden states at every position of the batch, flat: (B*T, width)."""
    body = backbone(model)
    several = batch.shared and batch.completions > 1
    if not traits(model).shared_prompt:
        if several:
            raise PrefloopError(f"{type(model).__name__} cannot share a prompt: pack separate rows")
        return _run(body, batch, _separate(batch))
    known: dict[str, Any] = {}
    if several:
        mask = _block_mask(batch.segments, next(body.parameters()).dtype)
        known = {"attention_mask": mask, "position_ids": batch.position_ids}
    return _run(body, batch, known)


def traits(model: Any) -> Traits:
    """What this model can take, measured the first time it is asked."""
    if model not in _known:
        _known[model] = _measure(model)
    return _known[model]


def _separate(batch: PackedBatch) -> dict[str, Tensor]:
    return {"attention_mask": (batch.segments >= 0).long()}


def _run(body: Any, batch: PackedBatch, known: dict[str, Any]) -> Tensor:
    # Sequences are padded on the right: under a causal mask no token ever sees the padding.
    if _may_cache(body.__class__):
        known = {**known, "use_cache": False}
    hidden: Tensor = body(input_ids=batch.input_ids, **known).last_hidden_state  # (B, T, width)
    return hidden.flatten(0, 1)


@lru_cache
def _may_cache(kind: Any) -> bool:
    return "use_cache" in inspect.signature(kind.forward).parameters


def _block_mask(segments: Tensor, dtype: torch.dtype) -> Tensor:
    """What to add to attention scores, (B, 1, T, T): 0 where a token may look, else the minimum.

    A token sees earlier tokens of the prompt and of its own completion. Padding sees padding, so
    that no line is without a visible token (its softmax would be NaN).
    """
    length = segments.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    looking, looked_at = segments[:, None, :, None], segments[:, None, None, :]
    visible = earlier & ((looked_at == looking) | (looked_at == 0) & (looking > 0))
    mask = torch.zeros(visible.shape, dtype=dtype, device=segments.device)
    return mask.masked_fill_(~visible, torch.finfo(dtype).min)


@torch.no_grad()
def _measure(model: Any) -> Traits:
    """Run one tiny row both ways and compare."""
    was_training, body = model.training, backbone(model)
    model.eval()
    try:
        place = next(body.parameters())
        most = model.config.get_text_config().vocab_size
        row = Row(
            [n % most for n in (3, 4, 5)],
            ([n % most for n in (6, 7)], [n % most for n in (8, 9, 10)]),
        )
        separate = pack([row], [0], shared=False).to(place.device)
        wanted = _run(body, separate, _separate(separate))
        return Traits(
            shared_prompt=_obeys(model, body, row, wanted[separate.ends]),
            plain_head=_plain_head(model, separate, wanted),
        )
    finally:
        model.train(was_training)


def _obeys(model: Any, body: Any, row: Row, wanted: Tensor) -> bool:
    """Whether all layouts, with and without a mask, agree at the ends of completions."""
    config = model.config
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        return False  # a mask given from outside replaces the window's own
    place = next(body.parameters())
    batch = pack([row], [0], shared=True).to(place.device)
    mask = _block_mask(batch.segments, place.dtype)
    try:
        shared = _run(body, batch, {"attention_mask": mask, "position_ids": batch.position_ids})
    except (TypeError, ValueError, RuntimeError, IndexError, NotImplementedError):
        return False
    single = pack([row], [0], shared=False).to(place.device)
    return _close(shared[batch.ends], wanted) and _close(
        _run(body, single, {})[single.ends], wanted
    )


def _plain_head(model: Any, batch: PackedBatch, hidden: Tensor) -> bool:
    head = model.get_output_embeddings()
    if head is None:
        return False
    logits = model(input_ids=batch.input_ids, **_separate(batch)).logits.flatten(0, 1)
    return _close(head(hidden)[batch.ends], logits[batch.ends])


def _close(left: Tensor, right: Tensor) -> bool:
    if left.shape != right.shape:
        return False
    tolerance = 20 * torch.finfo(left.dtype).eps ** 0.75 * (1 + right.abs().max().item())
    return bool((left - right).abs().max().item() <= tolerance)
