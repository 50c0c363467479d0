"""PPO: the stage that joins policy, reference, value model and rollouts on the one loop.

Departure from common practice: no dropout anywhere in it, or the ratio of new to old probability
would be noisy before anything was learned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.forward import context_length
from prefloop.models.generate import with_room
from prefloop.models.load import LoadedPolicy, LoadedReward
from prefloop.models.packing import PackedBatch
from prefloop.models.value import head_on, model_from
from prefloop.training import guards, objectives
from prefloop.training.loop import LoopResult, train
from prefloop.training.objectives import Loss
from prefloop.training.ppo.rollouts import Look, RolloutSource, Scale, Score, draw
from prefloop.training.settings import PPOSettings
from prefloop.training.work import Guard

__all__ = ["PPOResult", "fitting", "train_ppo"]


@dataclass(frozen=True, slots=True)
class PPOResult:
    """What PPO did. `scale` is the reference policy's mean reward and its spread; rewards in the
    records are in these units. `left_out` counts prompts that are too long for the context."""

    loop: LoopResult
    scale: Scale
    left_out: int


class _Models(nn.Module):
    """What is trained: two models, two parts of the optimizer, always without dropout."""

    def __init__(self, policy: nn.Module, critic: nn.Module) -> None:
        super().__init__()
        self.policy, self.critic = policy, critic

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


def train_ppo(
    policy: LoadedPolicy,
    reference: LoadedPolicy,
    reward: LoadedReward,
    prompts: Sequence[Prompt],
    score: Score,
    settings: PPOSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    look: Look | None = None,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    best: str = "",
    more_guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
) -> PPOResult:
    """Train the policy in place to be scored higher, without going far from the reference.

    `reward` gives the value model its first weights, `score` is what is optimized (most often the
    same model's scores). `look` measures
    every step's completions, `evaluate` the policy every `eval_every` steps; `best` names what of
    it chooses the checkpoint to return to. Raises BadInput where no prompt fits the context or
    all rewards are alike; the loop's errors as `train` says.
    """
    kept = fitting(policy, prompts, settings.max_new_tokens)
    scale = _scale(reference, kept, score, settings)
    own = settings.value == "model"
    critic = model_from(reward, scale.mean, scale.spread) if own else head_on(policy)
    models = _Models(policy.model, critic)
    models.train()
    reference.model.eval()
    source = RolloutSource(policy, reference, critic, kept, score, scale, settings, look)

    def compute(batch: PackedBatch) -> Loss:
        was = source.current
        cpu = batch.rows.cpu()
        drawn, advantages, values, returns = (
            was.of(name, cpu).to(batch.targets.device)
            for name in ("logprobs", "advantages", "values", "returns")
        )
        logprobs, expected = critic(policy.model, batch)
        acting = objectives.ppo_policy(logprobs, drawn, advantages, settings.clip)
        judging = objectives.ppo_value(expected, values, returns, settings.value_clip)
        metrics = {**acting.metrics, **judging.metrics, "policy_loss": acting.loss.detach()}
        return Loss(acting.loss + judging.loss, acting.units, metrics)

    result = train(
        models,
        source,
        compute,
        settings,
        folder=folder,
        resume=resume,
        evaluate=evaluate,
        guards=[*guards.kl(settings), *more_guards],
        on_step=on_step,
        rates={"policy.": 1.0, "critic.": settings.value_rate},
        best=best,
    )
    return PPOResult(result, scale, len(prompts) - len(kept))


def fitting(policy: LoadedPolicy, prompts: Sequence[Prompt], most: int) -> list[Prompt]:
    """The prompts that leave room for the longest completion; BadInput where none does."""
    kept = with_room(policy, prompts, most)
    if not kept:
        raise BadInput(
            f"no prompt leaves room for {most} more tokens in a context of "
            f"{context_length(policy.model)}: lower max_new_tokens"
        )
    return kept


def _scale(
    reference: LoadedPolicy, prompts: Sequence[Prompt], score: Score, settings: PPOSettings
) -> Scale:
    """Mean and spread of the rewards of what the reference policy says."""
    chosen = rng(settings.seed, "scale").integers(len(prompts), size=settings.reference_samples)
    asked = [prompts[place] for place in chosen]
    generator = torch.Generator().manual_seed(
        int(rng(settings.seed, "scale drawn").integers(2**62))
    )
    _, said = draw(reference, asked, settings.max_new_tokens, generator)
    found = np.asarray(score([(p, s.text) for p, s in zip(asked, said, strict=True)]))
    if not np.ptp(found) > 0:  # the deviation of equal numbers need not be 0 exactly
        raise BadInput("the reward model gives everything the same reward: train it first")
    return Scale(float(found.mean()), float(found.std()))
