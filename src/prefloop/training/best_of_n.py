"""Best-of-n: the first way to improve a policy. Draw n completions, keep the highest reward."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.core.errors import BadInput, PrefloopError
from prefloop.core.records import Prompt

__all__ = ["BestOfN", "Sample", "Score", "best_of_n", "kl_bound"]

# One completion's text per prompt, in order; a prompt may come several times.
Sample = Callable[[Sequence[Prompt]], Sequence[str]]
# One score per (prompt, completion), in order; higher is better.
Score = Callable[[Sequence[tuple[Prompt, str]]], Sequence[float] | np.ndarray]


@dataclass(frozen=True, slots=True)
class BestOfN:
    """What was drawn for each prompt, what it scored, and which was kept.

    `kl_bound` is the most by which the kept completions can differ from the policy, in nats per
    completion.
    """

    completions: tuple[tuple[str, ...], ...]  # per prompt, n
    scores: np.ndarray  # (prompts, n)
    best: np.ndarray  # (prompts,) which of the n was kept
    kl_bound: float

    @property
    def chosen(self) -> tuple[str, ...]:
        """The kept completion of each prompt."""
        return tuple(drawn[at] for drawn, at in zip(self.completions, self.best, strict=True))


def best_of_n(prompts: Sequence[Prompt], n: int, sample: Sample, score: Score) -> BestOfN:
    """Draw n completions per prompt and keep the best; of equals, the one drawn first.

    Raises BadInput if n is below 1, PrefloopError if `sample` or `score` return another number
    of values than they were asked for, or a score that is not a number.
    """
    bound = kl_bound(n)
    asked = [prompt for prompt in prompts for _ in range(n)]
    texts = list(sample(asked)) if asked else []
    scores = np.asarray(score(list(zip(asked, texts, strict=False))) if asked else [], dtype=float)
    if len(texts) != len(asked) or scores.shape != (len(asked),):
        raise PrefloopError(
            f"{len(asked)} completions were asked for, {len(texts)} drawn, {scores.size} scored"
        )
    if not np.isfinite(scores).all():
        raise PrefloopError("a score is not a number: the reward model is broken")
    table = scores.reshape(len(prompts), n)
    drawn = tuple(tuple(texts[at : at + n]) for at in range(0, len(texts), n))
    return BestOfN(drawn, table, table.argmax(axis=1), bound)


def kl_bound(n: int) -> float:
    """ln n - (n - 1) / n nats: the most that best-of-n can differ from its policy.

    Stiennon et al. 2020, appendix G.3; exact only if no two completions are alike, otherwise an
    upper bound (Beirami et al. 2024).
    """
    if n < 1:
        raise BadInput(f"best of {n}: n must be at least 1")
    return math.log(n) - (n - 1) / n
