"""A value model: what reward a completion can still expect, said at every token before the next.

It is a reward model read at other places: the same backbone and head, at each position that
foretells a token instead of at the completion's end.
"""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prefloop.core.errors import BadInput
from prefloop.models.forward import hidden_states
from prefloop.models.load import LoadedReward
from prefloop.models.packing import PackedBatch

__all__ = ["ValueModel", "value_model_from"]


class ValueModel(nn.Module):
    """Values for packed batches. `hf` is a sequence classification model with a linear head."""

    def __init__(self, hf: Any) -> None:
        super().__init__()
        self.hf = hf

    def forward(self, batch: PackedBatch) -> Tensor:
        """The value before each completion token, (N,) float32, in the order of the targets."""
        states = F.embedding(batch.predicts, hidden_states(self.hf, batch))  # (N, width)
        values: Tensor = self.hf.score(states)
        return values.squeeze(-1).float()


def value_model_from(reward: LoadedReward, mean: float, spread: float) -> ValueModel:
    """A copy of a reward model that begins by saying (score - mean) / spread everywhere.

    Raises BadInput for a reward model without a linear head on each position's state.
    """
    head = getattr(reward.model.hf, "score", None)
    if not isinstance(head, nn.Linear):
        raise BadInput(
            f"{type(reward.model.hf).__name__} pools its states: a value model needs a decoder's "
            "reward model"
        )
    hf = copy.deepcopy(reward.model.hf)
    bias = head.bias if head.bias is not None else torch.zeros(1)
    scaled = nn.Linear(head.in_features, 1, device=head.weight.device, dtype=head.weight.dtype)
    with torch.no_grad():
        scaled.weight.copy_(head.weight / spread)
        scaled.bias.copy_((bias.to(head.weight) - mean) / spread)
    hf.score = scaled
    return ValueModel(hf)
