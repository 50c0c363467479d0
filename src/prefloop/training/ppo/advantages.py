"""From rewards and values to advantages, and how dear KL is. Pure functions on tensors.

Letters: R completions, T tokens of the longest. Rows are padded at the end; `mask` (R, T) is true
on real tokens, and what stands elsewhere is 0 in every result.
"""

import torch
from torch import Tensor

__all__ = ["gae", "next_kl_coef", "token_rewards", "whiten"]

_STEEPEST = 0.2  # Ziegler et al. 2019, section 2.2: the controller's error is cut at 20 %


def token_rewards(scores: Tensor, log_ratio: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """The reward of each token, (R, T): its price in KL, and the completion's score on the last.

    scores (R,), log_ratio (R, T) = ln pi(token) - ln ref(token). Ouyang et al. 2022, eq. 2,
    without the pretraining term. Every row needs a token.
    """
    rewards = -kl_coef * log_ratio * mask
    last = mask.sum(1) - 1  # (R,)
    rewards[torch.arange(len(scores), device=scores.device), last] += scores
    return rewards


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, both (R, T), of rewards and values (R, T).

    Schulman et al. 2016, eq. 16: A_t = d_t + gamma * lam * A_{t+1} with
    d_t = r_t + gamma * V_{t+1} - V_t; the value after a completion's end is 0. The return is
    what a value should have been: A_t + V_t.
    """
    values = values * mask
    advantages = torch.zeros_like(rewards)
    next_value = torch.zeros_like(rewards[:, 0])
    running = torch.zeros_like(rewards[:, 0])
    for t in range(rewards.shape[1] - 1, -1, -1):
        there = mask[:, t]
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        running = torch.where(there, delta + gamma * lam * running, 0.0)
        next_value = torch.where(there, values[:, t], 0.0)
        advantages[:, t] = running
    return advantages, (advantages + values) * mask


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """The values (R, T) with mean 0 and standard deviation 1 over the real tokens."""
    real = values[mask]
    spread = real.std(correction=0).clamp_min(1e-8)
    return (values - real.mean()) / spread * mask


def next_kl_coef(kl_coef: float, kl: float, target: float, samples: int, horizon: int) -> float:
    """The coefficient after `samples` completions at this KL (nats per completion).

    Ziegler et al. 2019, section 2.2: e = clip((kl - target) / target, -0.2, 0.2), and the
    coefficient is multiplied by 1 + e * samples / horizon.
    """
    error = min(max((kl - target) / target, -_STEEPEST), _STEEPEST)
    return kl_coef * (1 + error * samples / horizon)
