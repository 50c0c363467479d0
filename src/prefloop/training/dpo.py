"""Direct preference optimization: pairs to packed batches to DPO's loss, without a reward model.

Only differences of log-probability from the reference count, and those of the reference never
change: they are computed before the first step. So the reference may be the policy itself as it
is given, and no second model stands in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prefloop.core.digest import digest
from prefloop.core.errors import BadInput
from prefloop.core.records import Pair
from prefloop.models.divergence import require_one_vocabulary
from prefloop.models.fingerprint import weights_digest
from prefloop.models.forward import context_length
from prefloop.models.load import LoadedPolicy
from prefloop.models.packing import PackedBatch, Row
from prefloop.training import objectives
from prefloop.training.convergence import Convergence, convergence
from prefloop.training.loop import LoopResult, train
from prefloop.training.objectives import Loss
from prefloop.training.packing import PackedSource, pair_rows
from prefloop.training.reference import (
    completion_sums,
    pair_logprobs,
    reference_logprobs,
    shares_prompts,
)
from prefloop.training.settings import DPOSettings
from prefloop.training.work import Guard

__all__ = ["DPOResult", "train_dpo"]


@dataclass(frozen=True, slots=True)
class DPOResult:
    """What DPO did. `margins` are implicit rewards of held-out pairs, chosen minus rejected, in
    order: beta times how much further the policy leans to chosen than its reference, in nats.

    `cut` counts pairs that were too long. Without held-out pairs `margins` is empty and the other
    three are None. Accuracy and loss are unweighted and without smoothing; a margin of 0 is half
    right.
    """

    loop: LoopResult
    cut: int
    margins: np.ndarray
    accuracy: float | None
    loss: float | None
    convergence: Convergence | None


def train_dpo(
    policy: LoadedPolicy,
    reference: LoadedPolicy | None,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    settings: DPOSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
) -> DPOResult:
    """Train the policy in place; without a `reference`, from itself as it is given.

    Pairs of weight 0 are left out. A run is taken up again with the policy as it was *before* the
    first step (its weights are put back from the checkpoint): with another policy or reference it
    is another run, and refused. Where a guard says "return", the step of the best held-out
    accuracy is returned to.

    Raises BadInput if a prompt is both trained on and held out, for an empty list, for text that
    the tokenizer cannot spell, or a reference of another vocabulary; the loop's errors as `train`
    says.
    """
    _check(policy, reference, pairs, held_out)
    pairs = [pair for pair in pairs if pair.weight > 0 or not settings.use_weight]
    anchor = (reference or policy).model
    weights = weights_digest(anchor)
    most = min(settings.max_tokens, context_length(policy.model), context_length(anchor))
    rows, looks = (pair_rows(policy.tokenizer, part, most) for part in (pairs, held_out))
    source = _Pairs(rows.rows, settings, shares_prompts(policy.model), pairs, weights)
    before, then = (
        reference_logprobs(anchor, weights, part, settings, folder) for part in (rows, looks)
    )

    def margins() -> np.ndarray:
        moved = pair_logprobs(policy.model, looks, settings).double() - then  # (H, 2)
        return (settings.beta * (moved[:, 0] - moved[:, 1])).numpy()

    result = train(
        policy.model,
        source,
        _objective(policy, pairs, before, settings),
        settings,
        folder=folder,
        resume=resume,
        evaluate=(lambda: _judged(margins())) if held_out else None,
        guards=guards,
        on_step=on_step,
        best="held_out_accuracy" if guards and held_out and folder else "",
    )
    return _result(result, rows.cut, margins())


def _result(loop: LoopResult, cut: int, margins: np.ndarray) -> DPOResult:
    if not len(margins):
        return DPOResult(loop, cut, margins, None, None, None)
    losses = [record["held_out_loss"] for record in loop.history if "held_out_loss" in record]
    last = _judged(margins)
    return DPOResult(
        loop,
        cut,
        margins,
        last["held_out_accuracy"],
        last["held_out_loss"],
        convergence(losses) if losses else None,
    )


class _Pairs(PackedSource):
    """Rows whose run is known by the weights of the pairs and of the reference as well."""

    def __init__(
        self,
        rows: Sequence[Row],
        settings: DPOSettings,
        shared: bool,
        pairs: Sequence[Pair],
        reference: str,
    ) -> None:
        super().__init__(rows, settings, shared=shared)
        self.about = digest([pair.weight for pair in pairs]), reference

    @property
    def identity(self) -> str:
        weights, reference = self.about
        data = digest([super().identity, weights])
        return f"pairs {data[:16]}, reference {reference[:16]}"


def _objective(
    policy: LoadedPolicy, pairs: Sequence[Pair], before: Tensor, settings: DPOSettings
) -> Callable[[PackedBatch], Loss]:
    device = next(policy.model.parameters()).device
    ones = [1.0] * len(pairs)
    weight = torch.tensor([p.weight for p in pairs] if settings.use_weight else ones).to(device)
    before = before.to(device)  # (all pairs, 2)

    def compute(batch: PackedBatch) -> Loss:
        now, then = completion_sums(policy.model, batch), before[batch.rows]  # (P, 2)
        return objectives.dpo(
            now[:, 0],
            now[:, 1],
            then[:, 0],
            then[:, 1],
            weight[batch.rows],
            settings.beta,
            settings.label_smoothing,
        )

    return compute


def _judged(margins: np.ndarray) -> dict[str, float]:
    return {
        "held_out_loss": float(np.logaddexp(0, -margins).mean()),
        "held_out_accuracy": float(np.mean((margins > 0) + 0.5 * (margins == 0))),
    }


def _check(
    policy: LoadedPolicy,
    reference: LoadedPolicy | None,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
) -> None:
    if reference is not None:
        require_one_vocabulary(policy, reference)
    seen = {pair.prompt.messages for pair in pairs}
    both = next((pair for pair in held_out if pair.prompt.messages in seen), None)
    if both:
        raise BadInput(
            f"the prompt {both.prompt.text[:60]!r} is both trained on and held out: split by prompt"
        )
