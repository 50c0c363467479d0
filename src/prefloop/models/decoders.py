"""Decoding token by token with a cache of keys and values, for rows that come and go.

`SlotDecoder` gives every row a slot of one fixed buffer and its own length, so a finished row's
place is filled by the next prompt while the others go on. It needs a model that obeys a mask and
positions given from outside. `WaveDecoder` serves every other class: rows begin together, padded
on the left, in the cache of the model's own choosing; finished rows are dropped, and new ones
wait until the wave has ended.
"""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DynamicCache

from prefloop.models.forward import traits

__all__ = ["Decoder", "SlotDecoder", "WaveDecoder", "decoder_for"]


class Decoder(Protocol):
    """Rows 0 to count-1 in progress; logits are (rows, V) float32."""

    refills: bool

    def admit(self, prompts: list[list[int]]) -> Tensor:
        """Begin these prompts as new last rows; the logits of their first tokens."""
        ...

    def advance(self, tokens: Tensor) -> Tensor:
        """Give each row its next token (rows,); the logits of the one after."""
        ...

    def shrink(self, source: Tensor, target: Tensor, count: int) -> None:
        """Move rows `source` to `target`, then forget all rows from `count` on."""
        ...


def decoder_for(policy: Any, width: int, length: int) -> Decoder:
    """The best decoder that this model can use, for `width` rows of at most `length` tokens."""
    known = traits(policy)
    if known.shared_prompt and known.plain_head:
        return SlotDecoder(policy, width, length)
    return WaveDecoder(policy)


class _Slots(DynamicCache):  # type: ignore[misc]
    """Keys and values per layer as (width, heads, length, d), written where each row stands.

    Departure from DynamicCache: nothing grows. The first update of a layer sets its buffer up.
    """

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.shape = (width, length)
        self.buffers: dict[int, tuple[Tensor, Tensor]] = {}
        self.places = torch.zeros(width, dtype=torch.long)  # where each row writes next
        self.count = 0
        self.longest = 0

    def update(  # the signature is that of transformers
        self, keys: Tensor, values: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        rows = torch.arange(self.count, device=keys.device)
        held = self.buffers[layer_idx]
        for buffer, new in zip(held, (keys, values), strict=True):
            buffer[rows, :, self.places[: self.count]] = new[:, :, 0]
        return (
            held[0][: self.count, :, : self.longest],
            held[1][: self.count, :, : self.longest],
        )

    def take_in(self, begun: DynamicCache, which: Tensor, lengths: Tensor) -> None:
        """Copy row `which[i]` of a freshly computed cache into the next free slot, for each i."""
        start, self.count = self.count, self.count + len(which)
        for number, layer in enumerate(begun.layers):
            if number not in self.buffers:
                width, length = self.shape
                heads, depth = layer.keys.shape[1], layer.keys.shape[3]
                self.buffers[number] = (
                    layer.keys.new_zeros(width, heads, length, depth),
                    layer.values.new_zeros(width, heads, length, layer.values.shape[3]),
                )
            for buffer, new in zip(self.buffers[number], (layer.keys, layer.values), strict=True):
                buffer[start : self.count, :, : new.shape[2]] = new[which]
        self.places = self.places.to(lengths.device)
        self.places[start : self.count] = lengths

    def move(self, source: Tensor, target: Tensor, count: int) -> None:
        for held in self.buffers.values():
            for buffer in held:
                buffer[target] = buffer[source]
        self.places[target] = self.places[source]
        self.count = count


class SlotDecoder:
    """Rows of different lengths side by side, refilled as they end."""

    refills = True

    def __init__(self, policy: Any, width: int, length: int) -> None:
        self.policy = policy
        self.slots = _Slots(width, length)
        self.device = next(policy.parameters()).device

    def admit(self, prompts: list[list[int]]) -> Tensor:
        """Each distinct prompt is computed once, however many rows begin with it."""
        distinct = list(dict.fromkeys(map(tuple, prompts)))
        place = {prompt: number for number, prompt in enumerate(distinct)}
        which = torch.tensor([place[tuple(prompt)] for prompt in prompts], device=self.device)
        sizes = torch.tensor([len(prompt) for prompt in distinct], device=self.device)
        longest = int(sizes.max())
        ids = torch.tensor([[*p, *[0] * (longest - len(p))] for p in distinct], device=self.device)
        begun = DynamicCache()
        hidden = self.policy.base_model(
            input_ids=ids, past_key_values=begun, use_cache=True
        ).last_hidden_state
        self.slots.take_in(begun, which, sizes[which])
        last = hidden[torch.arange(len(distinct), device=self.device), sizes - 1]
        logits: Tensor = self.policy.get_output_embeddings()(last).float()
        return logits[which]

    def advance(self, tokens: Tensor) -> Tensor:
        slots = self.slots
        places = slots.places[: slots.count]
        slots.longest = int(places.max()) + 1
        ahead = torch.arange(slots.longest, device=self.device) > places[:, None]
        dtype = next(self.policy.parameters()).dtype
        mask = torch.zeros(ahead.shape, dtype=dtype, device=self.device)
        mask.masked_fill_(ahead, torch.finfo(dtype).min)
        hidden = self.policy.base_model(
            input_ids=tokens[:, None],
            attention_mask=mask[:, None, None, :],  # (rows, 1, 1, longest)
            position_ids=places[:, None],
            past_key_values=slots,
            use_cache=True,
        ).last_hidden_state
        slots.places[: slots.count] = (places + 1).clamp_max(slots.shape[1] - 1)
        logits: Tensor = self.policy.get_output_embeddings()(hidden[:, -1]).float()
        return logits

    def shrink(self, source: Tensor, target: Tensor, count: int) -> None:
        self.slots.move(source, target, count)


class WaveDecoder:
    """Rows that begin together, for any causal model that transformers can cache."""

    refills = False

    def __init__(self, policy: Any) -> None:
        self.policy = policy
        self.device = next(policy.parameters()).device
        self.mask = torch.empty(0)
        self.cache: Any = None

    def admit(self, prompts: list[list[int]]) -> Tensor:
        longest = max(map(len, prompts))
        ids = [[*[0] * (longest - len(p)), *p] for p in prompts]
        seen = [[*[0] * (longest - len(p)), *[1] * len(p)] for p in prompts]
        self.mask = torch.tensor(seen, device=self.device)
        self.cache = None
        return self._step(torch.tensor(ids, device=self.device))

    def advance(self, tokens: Tensor) -> Tensor:
        self.mask = F.pad(self.mask, (0, 1), value=1)
        return self._step(tokens[:, None])

    def _step(self, ids: Tensor) -> Tensor:
        positions = (self.mask.cumsum(1) - 1).clamp_min(0)[:, -ids.shape[1] :]
        out = self.policy(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = out.past_key_values
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def shrink(self, source: Tensor, target: Tensor, count: int) -> None:
        order = torch.arange(len(self.mask), device=self.device)
        order[target] = source
        order = order[:count]
        self.mask = self.mask[order]
        if count:
            self.cache.reorder_cache(order)
