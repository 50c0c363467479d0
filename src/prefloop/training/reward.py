"""The reward model: pairs to packed batches to the Bradley-Terry loss; out-of-fold scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Pair
from prefloop.models.forward import context_length
from prefloop.models.load import LoadedReward
from prefloop.models.packing import PackedBatch
from prefloop.training import objectives
from prefloop.training.convergence import Convergence, convergence
from prefloop.training.loop import LoopResult, train
from prefloop.training.objectives import Loss
from prefloop.training.packing import PackedSource, pair_rows
from prefloop.training.settings import RewardSettings
from prefloop.training.work import Guard

__all__ = ["RewardResult", "out_of_fold", "prompt_folds", "score_margins", "train_reward"]


@dataclass(frozen=True, slots=True)
class RewardResult:
    """What reward training did. `margins` are held-out scores, chosen minus rejected, in order.

    `cut` counts pairs that were too long. Without held-out pairs `margins` is empty and the other
    two are None. Accuracy is unweighted; equal scores count half.
    """

    loop: LoopResult
    cut: int
    margins: np.ndarray
    accuracy: float | None
    convergence: Convergence | None


def train_reward(
    reward: LoadedReward,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    settings: RewardSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
) -> RewardResult:
    """Train the reward model in place. Pairs of weight 0 are left out.

    Raises BadInput if a prompt is both trained on and held out, for an empty list, or for text
    that the tokenizer cannot spell; the loop's errors as `train` says.
    """
    _check(pairs, held_out)
    pairs = [pair for pair in pairs if pair.weight > 0 or not settings.use_weight]
    encoded = pair_rows(reward.tokenizer, pairs, _most(reward, settings))
    source = PackedSource(encoded.rows, settings, shared=reward.model.shared_prompt)
    compute = _objective(reward, pairs, settings)
    looks = _batches(reward, held_out, settings)
    result = train(
        reward.model,
        source,
        compute,
        settings,
        folder=folder,
        resume=resume,
        evaluate=(lambda: _held_out(_margins(reward, looks))) if looks else None,
        guards=guards,
        on_step=on_step,
    )
    losses = [record["held_out_loss"] for record in result.history if "held_out_loss" in record]
    margins = _margins(reward, looks)
    return RewardResult(
        loop=result,
        cut=encoded.cut,
        margins=margins,
        accuracy=_accuracy(margins) if len(margins) else None,
        convergence=convergence(losses) if losses else None,
    )


def score_margins(
    reward: LoadedReward, pairs: Sequence[Pair], settings: RewardSettings
) -> np.ndarray:
    """The score of chosen minus that of rejected for every pair, (n,) float64."""
    was_training = reward.model.training
    reward.model.eval()
    margins = _margins(reward, _batches(reward, pairs, settings))
    reward.model.train(was_training)
    return margins


def prompt_folds(pairs: Sequence[Pair], folds: int, seed: int) -> np.ndarray:
    """A fold (0 to folds-1) for every pair, (n,); all pairs of one conversation share theirs.

    Conversations in random order are dealt out to whichever fold holds the fewest pairs. Raises
    BadInput if there are fewer conversations than folds.
    """
    groups: dict[object, list[int]] = {}
    for number, pair in enumerate(pairs):
        groups.setdefault(pair.prompt.messages, []).append(number)
    if len(groups) < folds:
        raise BadInput(f"{len(groups)} different prompts cannot make {folds} folds: lower folds")
    members = list(groups.values())
    sizes, fold_of = [0] * folds, np.empty(len(pairs), dtype=np.int64)
    for place in rng(seed, "folds").permutation(len(members)):
        fold = sizes.index(min(sizes))
        fold_of[members[place]] = fold
        sizes[fold] += len(members[place])
    return fold_of


def out_of_fold(
    make: Callable[[int], LoadedReward],
    pairs: Sequence[Pair],
    folds: np.ndarray,
    settings: RewardSettings,
    *,
    folder: Path | None = None,
    on_fold: Callable[[int, float], None] | None = None,
) -> np.ndarray:
    """Score margins (n,) of every pair by a model that never saw its prompt.

    `make(fold)` gives a fresh reward model, `folds` (n,) the fold of each pair. `on_fold` hears
    each fold's accuracy. With a folder, a killed run goes on at the fold and step it had reached.
    """
    margins = np.empty(len(pairs))
    for fold in sorted(set(folds.tolist())):
        inside = [pair for pair, own in zip(pairs, folds, strict=True) if own != fold]
        outside = [pair for pair, own in zip(pairs, folds, strict=True) if own == fold]
        place = folder / f"fold-{fold}" if folder else None
        trained = train_reward(make(fold), inside, outside, settings, folder=place)
        margins[folds == fold] = trained.margins
        if on_fold and trained.accuracy is not None:
            on_fold(fold, trained.accuracy)
    return margins


def _objective(
    reward: LoadedReward, pairs: Sequence[Pair], settings: RewardSettings
) -> Callable[[PackedBatch], Loss]:
    device = next(reward.model.parameters()).device
    ones = [1.0] * len(pairs)
    weight = torch.tensor([p.weight for p in pairs] if settings.use_weight else ones).to(device)
    margin = torch.tensor([p.margin for p in pairs]).to(device) if settings.use_margin else None

    def compute(batch: PackedBatch) -> Loss:
        chosen, rejected = _scores(reward, batch)
        return objectives.reward(
            chosen,
            rejected,
            weight[batch.rows],
            None if margin is None else margin[batch.rows],
            settings.margin_scale,
            settings.center,
        )

    return compute


def _most(reward: LoadedReward, settings: RewardSettings) -> int:
    return min(settings.max_tokens, context_length(reward.model.hf))


def _scores(reward: LoadedReward, batch: PackedBatch) -> tuple[Tensor, Tensor]:
    scores = reward.model(batch).view(-1, 2)  # (P, 2)
    return scores[:, 0], scores[:, 1]


def _batches(
    reward: LoadedReward, pairs: Sequence[Pair], settings: RewardSettings
) -> list[PackedBatch]:
    if not pairs:
        return []
    encoded = pair_rows(reward.tokenizer, pairs, _most(reward, settings))
    return PackedSource(encoded.rows, settings, shared=reward.model.shared_prompt).in_order()


@torch.no_grad()
def _margins(reward: LoadedReward, batches: Sequence[PackedBatch]) -> np.ndarray:
    margins = np.empty(sum(len(batch.rows) for batch in batches))
    device = next(reward.model.parameters()).device
    for batch in batches:
        chosen, rejected = _scores(reward, batch.to(device))
        margins[batch.rows.numpy()] = (chosen.double() - rejected.double()).cpu().numpy()
    return margins


def _held_out(margins: np.ndarray) -> dict[str, float]:
    return {
        "held_out_loss": float(np.logaddexp(0, -margins).mean()),
        "held_out_accuracy": _accuracy(margins),
    }


def _accuracy(margins: np.ndarray) -> float:
    return float(np.mean((margins > 0) + 0.5 * (margins == 0)))


def _check(pairs: Sequence[Pair], held_out: Sequence[Pair]) -> None:
    seen = {pair.prompt.messages for pair in pairs}
    both = next((pair for pair in held_out if pair.prompt.messages in seen), None)
    if both:
        raise BadInput(
            f"the prompt {both.prompt.text[:60]!r} is both trained on and held out: split by prompt"
        )
