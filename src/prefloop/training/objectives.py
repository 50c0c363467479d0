"""Losses as pure functions from tensors to a frozen result.

Letters: N completion tokens, P pairs. A loss is a mean; `units` is what it is a mean over (tokens,
or the pairs' weights), so that the parts of a large batch add up to exactly the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Loss", "dpo", "ppo_policy", "ppo_value", "reward", "sft"]


@dataclass(frozen=True, slots=True)
class Loss:
    """What to minimize, over how many units it is a mean, and what to record (detached means)."""

    loss: Tensor  # ()
    units: Tensor  # ()
    metrics: Mapping[str, Tensor]


def sft(logprobs: Tensor) -> Loss:
    """Mean negative log-likelihood in nats per completion token; logprobs (N,)."""
    loss = -logprobs.mean()
    units = torch.tensor(float(len(logprobs)), device=logprobs.device)
    return Loss(loss, units, {"nll": loss.detach()})


def reward(
    chosen: Tensor,
    rejected: Tensor,
    weight: Tensor,
    margin: Tensor | None = None,
    margin_scale: float = 1.0,
    center: float = 0.0,
) -> Loss:
    """Bradley-Terry loss on scores (P,), a mean by weight (P,).

    -ln sigmoid(r_c - r_r - scale * m): Ouyang et al. 2022, eq. 1, with the margin of Touvron et
    al. 2023, eq. 2. `center` adds center * (r_c + r_r)^2, which keeps the scores' free constant
    near zero (Eisenstein et al. 2023, eq. 2). Exchanging chosen and rejected changes the
    loss by exactly the difference, and accuracy to its complement; equal scores count half.
    """
    difference = chosen - rejected  # (P,)
    wanted = difference if margin is None else difference - margin_scale * margin
    losses = -F.logsigmoid(wanted)
    if center:
        losses = losses + center * (chosen + rejected) ** 2
    units = weight.sum()
    right = (difference > 0).float() + 0.5 * (difference == 0).float()
    detached = difference.detach()
    return Loss(
        (weight * losses).sum() / units,
        units.detach(),
        {
            "accuracy": (weight * right).sum() / units,
            "difference": (weight * detached).sum() / units,
            "reward": (weight * (chosen + rejected).detach()).sum() / (2 * units),
        },
    )


def dpo(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    weight: Tensor,
    beta: float,
    label_smoothing: float = 0.0,
) -> Loss:
    """DPO's loss on log-probabilities of whole completions in nats, a mean by weight; all (P,).

    -ln sigmoid(r_c - r_r) with the implicit reward r = beta * (ln pi - ln ref): Rafailov et al.
    2023, eq. 7. With `label_smoothing` e, labels are taken to be wrong with probability e and the
    loss is (1 - e) of that and e of the same with c and r exchanged (Mitchell 2023,
    conservative DPO). A margin of 0 counts half in accuracy.
    """
    chosen = beta * (policy_chosen - ref_chosen)
    rejected = beta * (policy_rejected - ref_rejected)
    margin = chosen - rejected  # (P,)
    losses = -F.logsigmoid(margin)
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * F.logsigmoid(-margin)
    units = weight.sum()
    right = (margin > 0).float() + 0.5 * (margin == 0).float()
    measures = {
        "accuracy": right,
        "reward_chosen": chosen.detach(),
        "reward_rejected": rejected.detach(),
        "margin": margin.detach(),
    }
    return Loss(
        (weight * losses).sum() / units,
        units.detach(),
        {name: (weight * values).sum() / units for name, values in measures.items()},
    )


def ppo_policy(logprobs: Tensor, drawn: Tensor, advantages: Tensor, clip: float) -> Loss:
    """PPO's clipped loss, a mean over tokens; all (N,), `drawn` the log-probabilities when drawn.

    -min(ratio * A, clip(ratio, 1 - c, 1 + c) * A): Schulman et al. 2017, eq. 7. `clipped` is
    the share of tokens whose gradient the clip cut off, `moved` the mean of (ratio - 1) - ln ratio,
    an estimate of KL from the policy that drew that cannot be negative.
    """
    log_ratio = logprobs - drawn
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    held = -advantages * ratio.clamp(1 - clip, 1 + clip)
    loss = torch.maximum(plain, held).mean()
    units = torch.tensor(float(len(logprobs)), device=logprobs.device)
    return Loss(
        loss,
        units,
        {
            "clipped": (held > plain).float().mean(),
            "moved": (ratio - 1 - log_ratio).detach().mean(),
        },
    )


def ppo_value(values: Tensor, drawn: Tensor, returns: Tensor, clip: float) -> Loss:
    """Half the squared error of values, a mean over tokens, the worse of plain and clipped.

    All (N,); `drawn` are the values when drawn, from which a step goes at most `clip` away
    (Ouyang et al. 2022 use the clip of Schulman's PPO code; no equation names it).
    """
    held = drawn + (values - drawn).clamp(-clip, clip)
    errors = torch.maximum((values - returns) ** 2, (held - returns) ** 2)
    units = torch.tensor(float(len(values)), device=values.device)
    loss = 0.5 * errors.mean()
    return Loss(loss, units, {"value_loss": loss.detach()})
