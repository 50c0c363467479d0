"""AdamW, the rate of every step, and the cut of long gradients, for one part of a model or several.

A part is what a parameter's name begins with. PPO's policy and value model are two: each has a
rate of its own, and each has its gradient cut on its own, so that a value model that is still far
off does not leave the policy without a gradient.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from prefloop.core.errors import BadInput
from prefloop.training.settings import EngineSettings

__all__ = ["WHOLE", "Optimizer", "learning_rate"]

# All parameters are one part, at the rate of the settings.
WHOLE: Mapping[str, float] = {"": 1.0}


def learning_rate(step: int, steps: int, settings: EngineSettings) -> float:
    """The rate of step 0, 1, ...: linear warmup from 0, then half a cosine down to the final share.

    Loshchilov and Hutter 2017, eq. 5, without restarts.
    """
    rising = math.ceil(settings.warmup * steps)
    if step < rising:
        return settings.learning_rate * (step + 1) / rising
    part = (step - rising) / max(1, steps - rising)
    low = settings.final_rate
    return settings.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * part)) / 2)


class Optimizer:
    """AdamW over the parts of a model; `rates` gives each part's share of the learning rate."""

    def __init__(
        self, model: nn.Module, settings: EngineSettings, rates: Mapping[str, float] = WHOLE
    ) -> None:
        self._settings = settings
        self._parts = {part: _parameters(model, part) for part in rates}
        self.parameters = [p for found in self._parts.values() for p in found]
        if not self.parameters:
            raise BadInput("no weight of this model may change: there is nothing to train")
        groups = [
            {"params": chosen, "weight_decay": decay, "share": rates[part]}
            for part, found in self._parts.items()
            for chosen, decay in (
                ([p for p in found if p.ndim >= 2], settings.weight_decay),
                ([p for p in found if p.ndim < 2], 0.0),  # norms and biases
            )
            if chosen
        ]
        # Fused kernels: a third of the time on tiny models.
        self.adamw = torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            fused=True,
        )

    def clear(self) -> None:
        """Forget all gradients."""
        self.adamw.zero_grad(set_to_none=True)

    def cut(self) -> Tensor:
        """Cut each part's gradient to the longest allowed; the length of the longest before, ()."""
        most = self._settings.max_grad_norm
        norms = [nn.utils.clip_grad_norm_(found, most) for found in self._parts.values()]
        return torch.stack(norms).max()

    def step(self, rate: float) -> None:
        """Move the weights at this rate."""
        for group in self.adamw.param_groups:
            group["lr"] = rate * group["share"]
        self.adamw.step()


def _parameters(model: nn.Module, part: str) -> Sequence[nn.Parameter]:
    return [p for name, p in model.named_parameters() if name.startswith(part) and p.requires_grad]
