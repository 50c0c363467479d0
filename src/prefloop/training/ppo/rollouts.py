"""Rollouts: what the policy says now, what it is worth, and by how much it beat what was expected.

A step's rollouts follow from the weights, the seed and the step's number, so a resumed run draws
the very same ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from prefloop.core.digest import digest, rng
from prefloop.core.errors import PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.chat import encode_prompts
from prefloop.models.generate import generate
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import PackedBatch, Row, by_budget, costs, pack
from prefloop.models.sampling import Sampled, Sampling
from prefloop.training.ppo.advantages import gae, next_kl_coef, token_rewards, whiten
from prefloop.training.settings import PPOSettings
from prefloop.training.work import History, Work

__all__ = ["Look", "RolloutSource", "Rollouts", "Scale", "Score", "draw"]

# One score per (prompt, completion), in order; higher is better.
Score = Callable[[Sequence[tuple[Prompt, str]]], np.ndarray]
# Measures on a step's texts and raw scores that join its record.
Look = Callable[[Sequence[Prompt], Sequence[str], np.ndarray], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of the reference policy's rewards: the unit of all others."""

    mean: float
    spread: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return (scores - self.mean) / self.spread


@dataclass(frozen=True, slots=True)
class Rollouts:
    """One step's completions with all that its updates need; all tensors are (R, T)."""

    rows: tuple[Row, ...]
    mask: Tensor
    logprobs: Tensor  # when drawn
    values: Tensor  # when drawn
    advantages: Tensor  # whitened
    returns: Tensor

    def of(self, name: str, rows: Tensor) -> Tensor:
        """One of the tensors for the tokens of completions `rows`, in order: (N,)."""
        found: Tensor = getattr(self, name)[rows][self.mask[rows]]
        return found


def draw(
    policy: LoadedPolicy, prompts: Sequence[Prompt], most: int, generator: torch.Generator
) -> tuple[list[Row], list[Sampled]]:
    """A completion of every prompt at temperature 1, and the rows it makes."""
    sampling = Sampling(max_new_tokens=most, width=len(prompts))
    said = generate(policy, prompts, sampling, generator)
    ids = encode_prompts(policy.tokenizer, prompts)
    rows = [Row(prompt, (list(one.token_ids),)) for prompt, one in zip(ids, said, strict=True)]
    return rows, said


class RolloutSource:
    """The steps of PPO. `current` holds the rollouts of the step that is being done."""

    current: Rollouts

    def __init__(
        self,
        policy: LoadedPolicy,
        reference: LoadedPolicy,
        critic: nn.Module,
        prompts: Sequence[Prompt],
        score: Score,
        scale: Scale,
        settings: PPOSettings,
        look: Look | None = None,
    ) -> None:
        self.policy, self.reference, self.critic = policy, reference, critic
        self.prompts, self.score, self.scale = prompts, score, scale
        self.settings, self.look = settings, look
        self.steps = settings.steps

    @property
    def identity(self) -> str:
        """Of the prompts, in order, and the scale of the rewards."""
        words = [[[m.role, m.text] for m in prompt.messages] for prompt in self.prompts]
        return digest([words, self.scale.mean, self.scale.spread])

    def work(self, step: int, history: History) -> Work:
        """Draw this step's rollouts with the policy as it is; its updates go over them."""
        kl_coef = self._kl_coef(history)
        asked = self._asked(step)
        seed = int(rng(self.settings.seed, "rollouts", step).integers(2**62))
        generator = torch.Generator().manual_seed(seed)
        rows, said = draw(self.policy, asked, self.settings.max_new_tokens, generator)
        raw = np.asarray(self.score([(p, s.text) for p, s in zip(asked, said, strict=True)]))
        if raw.shape != (len(asked),) or not np.isfinite(raw).all():
            raise PrefloopError(
                f"step {step + 1}: {len(asked)} scores were due, all of them finite"
            )
        endless = np.array([not one.finished for one in said])
        scores = self.scale(raw) - self.settings.no_end_penalty * endless
        measured = self._collect(rows, torch.from_numpy(scores).float(), kl_coef)
        found = {
            "reward": float(self.scale(raw).mean()),
            **measured,
            "kl_coef": kl_coef,
            "completion_tokens": float(np.mean([len(one.token_ids) for one in said])),
            "endless": float(endless.mean()),
        }
        if self.look:
            found |= self.look(asked, [one.text for one in said], raw)
        return Work(self._updates(step), found)

    def _kl_coef(self, history: History) -> float:
        """Fixed, or moved by what the step before saw."""
        s = self.settings
        if s.kl_target is None or not history:
            return s.kl_coef
        last = history[-1]
        return next_kl_coef(last["kl_coef"], last["kl"], s.kl_target, s.rollouts, s.kl_horizon)

    def _asked(self, step: int) -> list[Prompt]:
        """The prompts of a step: passes over all of them, each in an order of its own."""
        at, count = step * self.settings.rollouts, self.settings.rollouts
        places = range(at, at + count)
        orders = {
            turn: rng(self.settings.seed, "prompts", turn).permutation(len(self.prompts))
            for turn in {place // len(self.prompts) for place in places}
        }
        size = len(self.prompts)
        return [self.prompts[orders[place // size][place % size]] for place in places]

    def _collect(self, rows: list[Row], scores: Tensor, kl_coef: float) -> dict[str, float]:
        """Set `current`; KL and entropy as they were drawn."""
        sizes = torch.tensor([len(row.completions[0]) for row in rows])
        mask = torch.arange(int(sizes.max())) < sizes[:, None]  # (R, T)
        with torch.no_grad():
            logprobs, reference, values = self._measure(rows, mask)
        log_ratio = logprobs - reference
        rewards = token_rewards(scores, log_ratio, mask, kl_coef)
        advantages, returns = gae(
            rewards, values, mask, self.settings.gamma, self.settings.gae_lambda
        )
        self.current = Rollouts(
            tuple(rows), mask, logprobs, values, whiten(advantages, mask), returns
        )
        # Drawn from the policy itself, so the mean of the ratio's logarithm estimates KL.
        return {
            "kl": float(log_ratio.sum(1).mean()),
            "entropy": float(-logprobs.sum() / mask.sum()),
            "value": float(values.sum() / mask.sum()),
        }

    def _measure(self, rows: list[Row], mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of policy and reference, and values, each (R, T), 0 where masked."""
        logprobs, reference, values = (torch.zeros(mask.shape) for _ in range(3))
        device = next(self.critic.parameters()).device
        for batch in self._packed(rows, np.arange(len(rows))):
            sizes = torch.bincount(batch.owner)
            begins = sizes.cumsum(0) - sizes
            # One completion per row: its owner's number is its row's place in the batch.
            at = (batch.rows[batch.owner], torch.arange(len(batch.owner)) - begins[batch.owner])
            there = batch.to(device)
            said, valued = self.critic(self.policy.model, there)
            logprobs[at], values[at] = said.cpu(), valued.cpu()
            reference[at] = token_logprobs(self.reference.model, there).cpu()
        return logprobs, reference, values

    def _packed(self, rows: Sequence[Row], numbers: np.ndarray) -> list[PackedBatch]:
        cost = costs(rows, shared=True)[numbers]
        parts = by_budget(cost, self.settings.batch_tokens)
        return [pack(rows, numbers[part], shared=True) for part in parts]

    def _updates(self, step: int) -> Iterator[list[PackedBatch]]:
        rows = self.current.rows
        for turn in range(self.settings.passes):
            order = rng(self.settings.seed, "minibatches", step, turn).permutation(len(rows))
            for part in np.array_split(order, self.settings.minibatches):
                yield self._packed(rows, part)
