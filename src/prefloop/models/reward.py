"""A reward model: any Hugging Face backbone with a head that turns a hidden state into one score.

It is kept as the sequence classification model of its family with one label, so a folder saved
here loads in `AutoModelForSequenceClassification`, and published reward models load here. The
score is read at the completion's last token.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from prefloop.models.forward import hidden_states, traits
from prefloop.models.packing import PackedBatch

__all__ = ["RewardModel"]


class RewardModel(nn.Module):
    """Scores for packed batches. `hf` is the sequence classification model inside."""

    def __init__(self, hf: Any) -> None:
        super().__init__()
        self.hf = hf

    @property
    def shared_prompt(self) -> bool:
        """Whether batches may hold chosen and rejected in one row."""
        return isinstance(getattr(self.hf, "score", None), nn.Linear) and (
            traits(self.hf).shared_prompt
        )

    def forward(self, batch: PackedBatch) -> Tensor:
        """The score of each completion, (R*k,) float32."""
        head = getattr(self.hf, "score", None)
        if isinstance(head, nn.Linear):
            last = F.embedding(batch.ends, hidden_states(self.hf, batch))  # (R*k, width)
            scores: Tensor = head(last)
        else:  # encoders: the head reads a pooled state, one sequence per completion
            mask = (batch.segments >= 0).long()
            scores = self.hf(input_ids=batch.input_ids, attention_mask=mask).logits
        return scores.squeeze(-1).float()
