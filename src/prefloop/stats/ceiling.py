"""The accuracy that a perfect reward model could show on labels made by people who disagree.

The closed form (1 + sqrt(2a - 1)) / 2, with a the share of agreeing pairs of judgments, assumes
that every comparison is equally hard and labelled once. Where difficulty varies it is too high for
single labels (a tells E[(p - 1/2)^2], the ceiling is 1/2 + E|p - 1/2|, and Jensen's inequality
goes one way); for the majority of several it is too low, since a vote repairs the easy comparisons.
So the distribution of p, the chance that a judgment with a side says a, is fitted to the votes,
and the aggregation is simulated on it. A perfect model says the side that most people would take.

What the votes can tell: up to three judgments per comparison they fix only a, so the family is a
symmetric Beta(s, s); from four on its two ends may have shapes of their own (two parameters,
which reaches equal difficulty as a limit), taken where the fit is better by BIC. Ties follow
Davidson 1970: frequent where p is near one half. Where only a is fixed the interval cannot know
the family to be wrong: `if_equally_hard` shows the other extreme.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.aggregation import verdicts
from prefloop.stats.columns import Floats, Ints, same_length, whole
from prefloop.stats.difficulty import (
    GRID,
    Difficulty,
    decided_chance,
    draw,
    equally_hard,
    fit_difficulty,
)
from prefloop.stats.result import NotEnough

__all__ = [
    "Ceiling",
    "Rule",
    "ceiling",
    "ceiling_of",
    "closed_form",
    "majority_rule",
    "single_label",
]

Rule = Callable[[Ints, np.random.Generator], Ints]

_SIMULATED = 200_000  # comparisons: the Monte Carlo error of the share is about 0.001
_RESIMULATED = 20_000
_ENOUGH = 30  # comparisons whose votes tell anything about difficulty


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The ceiling with its 95 % interval (items resampled; n counts those whose votes tell).

    `labelled` is the share of comparisons that the aggregation gives a side; `agreement` the fitted
    share of agreeing pairs among judgments with a side; `closed_form` what that would allow a
    single label if every comparison were equally hard, `if_equally_hard` what it would allow the
    labels that this aggregation makes.
    """

    accuracy: Estimate
    labelled: float
    agreement: float
    closed_form: float
    if_equally_hard: float
    difficulty: Difficulty


def closed_form(agreement: float) -> float:
    """(1 + sqrt(2a - 1)) / 2: the ceiling of single labels where difficulty does not vary."""
    if not 0 <= agreement <= 1:
        raise BadInput(f"agreement {agreement} is not a share: give 0 to 1")
    return float((1 + np.sqrt(max(2 * agreement - 1, 0.0))) / 2)


def majority_rule(votes: Ints, rng: np.random.Generator) -> Ints:
    """Verdicts (1, -1; 0 for none) of votes (N, 3) by the majority, splits left out."""
    for_a, for_b, ties = votes.astype(np.float64).T
    return verdicts(for_a, for_b, ties)[0]


def single_label(votes: Ints, rng: np.random.Generator) -> Ints:
    """Verdicts where one judgment, drawn at random from each comparison's, makes the label."""
    total = votes.sum(1)
    at = rng.random(len(votes)) * np.maximum(total, 1)
    said = np.where(at < votes[:, 0], 1, np.where(at < votes[:, 0] + votes[:, 1], -1, 0))
    return said.astype(np.int64)


def ceiling(
    for_a: ArrayLike,
    for_b: ArrayLike,
    ties: ArrayLike,
    rng: np.random.Generator,
    *,
    rule: Rule = majority_rule,
    decided_only: bool = False,
    replicates: int = 100,
) -> Ceiling | NotEnough:
    """Fit how difficulty varies to the votes per comparison, then simulate the aggregation.

    `for_a`, `for_b`, `ties` (N,) count the judgments of each comparison, which may differ in
    number; which side is called a does not matter. `rule` is the aggregation that made the
    labels. With `decided_only` the counts hold only comparisons that a majority decided (as in a
    dataset, where ties and splits are left out): splits among them are dropped, and fit and
    simulation allow for the missing ones; three judgments are then needed to learn anything.
    """
    if replicates < 1:
        raise BadInput(f"{replicates} replicates: give at least 1")
    votes = _votes(for_a, for_b, ties)
    if decided_only:
        votes = votes[majority_rule(votes, rng) != 0]
    telling = votes.sum(1) >= 3 if decided_only else votes[:, 0] + votes[:, 1] >= 2
    shared = int(telling.sum())
    if shared < _ENOUGH:
        how = "three judgments" if decided_only else "two judgments that took a side"
        return NotEnough(f"{shared} comparisons have {how}: the ceiling needs {_ENOUGH}")
    patterns, times = np.unique(votes, axis=0, return_counts=True)
    sizes = patterns.sum(1)

    def fit(counts: Ints, like: Difficulty | None) -> tuple[Difficulty, Floats]:
        fitted = fit_difficulty(patterns, counts, decided_only, like)
        chance = decided_chance(fitted, sizes) if decided_only else np.ones(len(sizes))
        return fitted, np.asarray(counts / chance, dtype=np.float64)

    fitted, made = fit(times, None)
    accuracy, labelled = ceiling_of(fitted, sizes, made, rule, rng)
    if labelled == 0:
        return NotEnough("the aggregation gives no comparison a side")
    spread = []
    for _ in range(replicates):
        refitted, remade = fit(rng.multinomial(len(votes), times / len(votes)), fitted)
        spread.append(ceiling_of(refitted, sizes, remade, rule, rng, _RESIMULATED)[0])
    low, high = np.quantile(spread, [0.025, 0.975])
    found = Estimate(accuracy, min(float(low), accuracy), max(float(high), accuracy), shared)
    agreement = _agreement(fitted)
    equal, _ = ceiling_of(equally_hard(agreement, fitted.ties), sizes, made, rule, rng)
    return Ceiling(found, labelled, agreement, closed_form(agreement), equal, fitted)


def ceiling_of(
    difficulty: Difficulty,
    sizes: Ints,
    times: Floats | Ints,
    rule: Rule,
    rng: np.random.Generator,
    simulated: int = _SIMULATED,
) -> tuple[float, float]:
    """(share of labels that agree with the side most people would take, share labelled), where
    `times[i]` comparisons have `sizes[i]` judgments each; (0, 0) when nothing is labelled."""
    judgments = rng.choice(sizes, size=simulated, p=times / times.sum())
    truth, votes = draw(difficulty, judgments, rng)
    verdict = rule(votes, rng)
    said = verdict != 0
    if not said.any():
        return 0.0, 0.0
    right = np.where(truth[said] == 0, 0.5, truth[said] == verdict[said])
    return float(right.mean()), float(said.mean())


def _votes(for_a: ArrayLike, for_b: ArrayLike, ties: ArrayLike) -> Ints:
    """Votes (N, 3) with the larger side first, which the symmetric model cannot tell apart."""
    a, b, t = whole("for_a", for_a), whole("for_b", for_b), whole("ties", ties)
    same_length(for_a=a, for_b=b, ties=t)
    votes = np.stack([np.maximum(a, b), np.minimum(a, b), t], axis=1)
    if len(votes) and votes.min() < 0:
        raise BadInput("a vote count is negative")
    return np.asarray(votes[votes.sum(1) > 0], dtype=np.int64)


def _agreement(difficulty: Difficulty) -> float:
    """The fitted share of agreeing pairs among judgments with a side, E[p^2 + (1 - p)^2]."""
    p = GRID
    return float(difficulty.on_grid @ (p**2 + (1 - p) ** 2))
