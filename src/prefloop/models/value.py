"""Values: what reward a completion can still expect, said at every token before the next.

A critic reads a policy and a batch and gives both, log-probabilities and values. The usual one has
a model of its own, which is a reward model read at other places: the same backbone and head, at
each position that foretells a token instead of at the completion's end. The other is a head on the
policy's own states: half the work, and less stable, since the two losses pull at one body.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from prefloop.core.errors import BadInput
from prefloop.models.forward import traits
from prefloop.models.load import LoadedPolicy, LoadedReward
from prefloop.models.logprobs import completion_states, token_logprobs
from prefloop.models.packing import PackedBatch

__all__ = ["OwnModel", "PolicyHead", "head_on", "model_from"]


class OwnModel(nn.Module):
    """A critic with a model of its own: `hf`, sequence classification with a linear head."""

    def __init__(self, hf: Any) -> None:
        super().__init__()
        self.hf = hf

    def forward(self, policy: Any, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        """ln p of each completion token, and the value before it; both (N,) float32."""
        values: Tensor = self.hf.score(completion_states(self.hf, batch))
        return token_logprobs(policy, batch), values.squeeze(-1).float()


class PolicyHead(nn.Module):
    """A critic that reads the policy's own states; it begins by saying 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, policy: Any, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        """ln p of each completion token, and the value before it; both (N,) float32."""
        states = completion_states(policy, batch)
        values: Tensor = self.head(states.float())
        return token_logprobs(policy, batch, states=states), values.squeeze(-1)


def head_on(policy: LoadedPolicy) -> PolicyHead:
    """A value head for this policy. Raises BadInput where its output layer cannot be told apart."""
    if not traits(policy.model).plain_head:
        raise BadInput(
            f"{type(policy.model).__name__} changes its logits after the head: use value: model"
        )
    layer = policy.model.get_output_embeddings()
    head = PolicyHead(layer.weight.shape[1])
    return head.to(layer.weight.device)


def model_from(reward: LoadedReward, mean: float, spread: float) -> OwnModel:
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
    return OwnModel(hf)
