"""Supervised fine-tuning: demonstrations to packed batches to mean negative log-likelihood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from prefloop.models.forward import context_length
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import PackedBatch
from prefloop.training import objectives
from prefloop.training.convergence import Convergence, convergence
from prefloop.training.loop import LoopResult, train
from prefloop.training.objectives import Loss
from prefloop.training.packing import Demonstration, PackedSource, demonstration_rows
from prefloop.training.settings import SFTSettings
from prefloop.training.work import Guard

__all__ = ["SFTResult", "train_sft"]


@dataclass(frozen=True, slots=True)
class SFTResult:
    """What SFT did. `held_out_nll` is nats per token; `cut` counts samples that were too long.

    Without held-out demonstrations `held_out_nll` and `convergence` are None.
    """

    loop: LoopResult
    cut: int
    held_out_nll: float | None
    convergence: Convergence | None


def train_sft(
    policy: LoadedPolicy,
    demonstrations: Sequence[Demonstration],
    held_out: Sequence[Demonstration],
    settings: SFTSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
) -> SFTResult:
    """Train the policy in place to say the demonstrations; only completion tokens are learned.

    Raises BadInput for an empty list or text that the tokenizer cannot spell; the loop's errors
    as `train` says.
    """
    most = min(settings.max_tokens, context_length(policy.model))
    encoded = demonstration_rows(policy.tokenizer, demonstrations, most)
    source = PackedSource(encoded.rows, settings, shared=True)
    looks = _held_out(policy, held_out, settings, most)

    def compute(batch: PackedBatch) -> Loss:
        return objectives.sft(token_logprobs(policy.model, batch))

    result = train(
        policy.model,
        source,
        compute,
        settings,
        folder=folder,
        resume=resume,
        evaluate=(lambda: {"held_out_loss": _nll(policy, looks)}) if looks else None,
        guards=guards,
        on_step=on_step,
    )
    losses = [record["held_out_loss"] for record in result.history if "held_out_loss" in record]
    judged = convergence(losses) if losses else None
    return SFTResult(result, encoded.cut, judged.last if judged else None, judged)


def _held_out(
    policy: LoadedPolicy, held_out: Sequence[Demonstration], settings: SFTSettings, most: int
) -> list[PackedBatch]:
    if not held_out:
        return []
    encoded = demonstration_rows(policy.tokenizer, held_out, most)
    return PackedSource(encoded.rows, settings, shared=True).in_order()


@torch.no_grad()
def _nll(policy: LoadedPolicy, batches: Sequence[PackedBatch]) -> float:
    device = next(policy.model.parameters()).device
    total = sum(float(-token_logprobs(policy.model, batch.to(device)).sum()) for batch in batches)
    return total / sum(len(batch.targets) for batch in batches)
