"""How good a reward model some labels can make: a labelling project simulated from end to end.

Known truth. A comparison is a vector x of standard normal features; what is meant prefers a where
<w, x> > 0, so comparisons near that plane are hard. A person prefers a where

    <w, x> + s <u, x> + t <v, x> + r e > 0,   e standard normal

u is a pull that everybody shares and nobody meant, v a direction of the person's own, both at
right angles to w. Two people's sums correlate by rho = (1 + s^2) / (1 + s^2 + t^2 + r^2), and
Sheppard's formula (1899) for the signs gives kappa = 2 / pi arcsin(rho): so kappa fixes
t^2 + r^2, given s, and does not see s as disagreement. The judgments are aggregated by the
majority, and a linear Bradley-Terry model is fitted to the labels.

Departure: with Gaussian features the outcome hangs on pairs / dimension and hardly on either alone,
so both are scaled down together to at most 100 features, which a test holds to account.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from prefloop.core.digest import rng as stream
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.ceiling import majority_rule
from prefloop.stats.columns import Floats, Ints
from prefloop.stats.logistic import fit_paired
from prefloop.stats.result import NotEnough

__all__ = ["Crossing", "Crowd", "Outcome", "break_even", "dimension_for", "expected", "kappa_of"]

_FEATURES = 100  # simulated at most, besides the fewest on which directions are still apart
_FEWEST = 16
_CELLS = 600_000  # pairs times features that one fit may cost
_HELD_OUT = 4000  # comparisons per simulated project on which the model is examined
_SHORTEST = 30  # pairs below which nothing is fitted
_STEPS = 11  # halvings of the range of log dimension: to within a percent


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who judges what. `kappa` is Cohen's, between two of the annotators; `overlap` the judgments
    per pair; `own` the share of the disagreement that is each person's own lasting taste and not
    chance; `bias` the strength s of the shared pull, where what is meant has strength 1."""

    pairs: int
    annotators: int
    kappa: float
    overlap: int = 3
    own: float = 0.25
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to expect, averaged over simulated projects, n of them; the 95 % intervals are those of
    the averages.

    `accuracy` is agreement with held-out labels made the same way, `ceiling` what the side that
    most people would take has there. `right` is agreement with what is meant, `limit` what the
    same people would reach there with pairs without end. `labelled` is the share of pairs that the
    majority decides.
    """

    accuracy: Estimate
    ceiling: Estimate
    right: Estimate
    limit: Estimate
    labelled: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """The small crowd's outcome, the large one's at each kappa, and the kappa below which the small
    one is right more often (None: nowhere in the range, or `everywhere` in it). Its interval is
    that of the simulation, cut at the ends of the range."""

    small: Outcome
    large: Sequence[tuple[float, Outcome]]
    below: Estimate | None
    everywhere: bool


def kappa_of(correlation: float) -> float:
    """Cohen's kappa of the signs of two standard normals (balanced): 2 / pi arcsin(rho)."""
    if not -1 <= correlation <= 1:
        raise BadInput(f"correlation {correlation}: give -1 to 1")
    return float(2 / np.pi * np.arcsin(correlation))


def expected(crowd: Crowd, dimension: int, seed: int, projects: int = 20) -> Outcome | NotEnough:
    """Simulate so many projects whose reward model learns `dimension` free directions.

    Raises BadInput for numbers that mean nothing; NotEnough for projects that cannot be.
    """
    _check(crowd, dimension, projects)
    refused = _impossible(crowd, dimension)
    if refused is not None:
        return refused
    features, pairs = _scaled(crowd.pairs, dimension)
    rows = []
    for k in range(projects):
        one = _project(replace(crowd, pairs=pairs), features, stream(seed, "power", k))
        if one is None:
            return NotEnough("the majority decides too few pairs to learn anything: add pairs")
        rows.append(one)
    accuracy, ceiling, right, limit, labelled = np.array(rows).T
    return Outcome(
        _mean(accuracy), _mean(ceiling), _mean(right), _mean(limit), float(labelled.mean())
    )


def dimension_for(crowd: Crowd, accuracy: float, seed: int, projects: int = 8) -> int | NotEnough:
    """The dimension at which this crowd's reward model has the accuracy that was measured on
    held-out labels: one free number fitted to one measured point, by bisection."""
    if not 0 < accuracy < 1:
        raise BadInput(f"accuracy {accuracy}: give a share between 0 and 1")
    low, high = np.log(_FEWEST), np.log(3.0 * max(crowd.pairs, _SHORTEST))
    easiest = expected(crowd, _FEWEST, seed, projects)
    if isinstance(easiest, NotEnough):
        return easiest
    hardest = expected(crowd, int(np.exp(high)), seed, projects)
    if isinstance(hardest, NotEnough):
        return hardest
    if not hardest.accuracy.estimate < accuracy < easiest.accuracy.estimate:
        return NotEnough(
            f"an accuracy of {accuracy:g} cannot be had here: {crowd.pairs} such pairs give "
            f"{hardest.accuracy.estimate:.3f} to {easiest.accuracy.estimate:.3f}"
        )
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = expected(crowd, round(np.exp(middle)), seed, projects)
        if isinstance(found, NotEnough):
            return found
        if found.accuracy.estimate > accuracy:
            low = middle
        else:
            high = middle
    return round(float(np.exp((low + high) / 2)))


def break_even(
    small: Crowd,
    large: Crowd,
    kappas: Sequence[float],
    dimension: int,
    seed: int,
    projects: int = 20,
) -> Crossing | NotEnough:
    """The large crowd at each kappa (ascending) against the small one at its own, by agreement
    with what is meant; between two kappas the crossing is interpolated."""
    if len(kappas) < 2 or any(a >= b for a, b in pairwise(kappas)):
        raise BadInput("give at least two kappas, ascending")
    few = expected(small, dimension, seed, projects)
    if isinstance(few, NotEnough):
        return few
    many = []
    for kappa in kappas:
        found = expected(replace(large, kappa=kappa), dimension, seed, projects)
        if isinstance(found, NotEnough):
            return found
        many.append((kappa, found))
    lead = np.array([one.right.estimate - few.right.estimate for _, one in many])
    below = _root(kappas, lead)
    if below is None:
        return Crossing(few, many, None, bool((lead < 0).all()))
    half = np.array([np.hypot(_half(one.right), _half(few.right)) for _, one in many])
    low, high = _root(kappas, lead + half), _root(kappas, lead - half)
    ends = (kappas[0] if low is None else low, kappas[-1] if high is None else high)
    at = Estimate(below, min(ends[0], below), max(ends[1], below), projects)
    return Crossing(few, many, at, False)


def _root(kappas: Sequence[float], lead: Floats) -> float | None:
    """Where the lead turns from below nought for the last time, between two kappas on a line."""
    losing = lead < 0
    if not losing.any() or losing[-1]:
        return None
    last = int(np.flatnonzero(losing)[-1])
    step = float(lead[last] / (lead[last] - lead[last + 1]))
    return kappas[last] + step * (kappas[last + 1] - kappas[last])


def _half(found: Estimate) -> float:
    return (found.high - found.low) / 2


def _check(crowd: Crowd, dimension: int, projects: int) -> None:
    for name in ("pairs", "annotators", "overlap"):
        if getattr(crowd, name) < 1:
            raise BadInput(f"{name} {getattr(crowd, name)}: give at least 1")
    if not -1 <= crowd.kappa <= 1:
        raise BadInput(f"kappa {crowd.kappa}: give a number up to 1")
    if not 0 <= crowd.own <= 1:
        raise BadInput(f"own {crowd.own} is not a share: give 0 to 1")
    if not 0 <= crowd.bias < np.inf:
        raise BadInput(f"bias {crowd.bias}: give 0 or more")
    if dimension < _FEWEST:
        raise BadInput(f"dimension {dimension}: give at least {_FEWEST}")
    if projects < 2:
        raise BadInput(f"{projects} projects: an interval needs at least 2")


def _impossible(crowd: Crowd, dimension: int) -> NotEnough | None:
    if crowd.kappa <= 0:
        return NotEnough(
            f"a kappa of {crowd.kappa:g} is no agreement at all: nothing can be learned from it"
        )
    if crowd.overlap > crowd.annotators:
        return NotEnough(
            f"{crowd.overlap} judgments per pair need {crowd.overlap} annotators, "
            f"not {crowd.annotators}"
        )
    if crowd.pairs < _SHORTEST:
        return NotEnough(f"{crowd.pairs} pairs: the simulation needs {_SHORTEST}")
    if _scaled(crowd.pairs, dimension)[1] < _SHORTEST:
        return NotEnough(
            f"{crowd.pairs} pairs are too few for {dimension} directions to be told from none"
        )
    return None


def _scaled(pairs: int, dimension: int) -> tuple[int, int]:
    """Features and pairs of the simulation, in the proportion of dimension and pairs."""
    room = int(np.sqrt(_CELLS * dimension / pairs))
    features = max(min(dimension, _FEATURES, room), _FEWEST)
    return features, max(round(pairs * features / dimension), 1)


def _project(
    crowd: Crowd, features: int, rng: np.random.Generator
) -> tuple[float, float, float, float, float] | None:
    """(accuracy, ceiling, right, limit, labelled) of one project; None where nothing was learned.

    w is the first axis and u the second, which loses nothing: Gaussian features look alike from
    every side.
    """
    rho = np.sin(np.pi * crowd.kappa / 2)
    spread = (1 + crowd.bias**2) * (1 / rho - 1)  # t^2 + r^2
    shared = np.zeros(features)  # (D,)
    shared[:2] = 1, crowd.bias
    tastes = rng.standard_normal((crowd.annotators, features))  # (A, D)
    tastes[:, :2] = 0
    tastes *= np.sqrt(crowd.own * spread / (tastes**2).sum(1, keepdims=True))
    noise = float(np.sqrt((1 - crowd.own) * spread))
    x = rng.standard_normal((crowd.pairs, features))  # (N, D)
    label = _labels(x, shared, tastes, noise, crowd.overlap, rng)
    said = label != 0
    # The prior's width follows the signal in a judgment, as a penalty chosen on held-out labels
    # would; 1.7 is the width of the logistic as a normal.
    penalty = features * max(1 / rho - 1, 1e-3) / 1.7**2
    fitted = fit_paired(x[said], (label[said] > 0).astype(float), l2=penalty)
    if isinstance(fitted, NotEnough) or not np.any(fitted.coefficients):
        return None
    beta = fitted.coefficients
    new = rng.standard_normal((_HELD_OUT, features))
    truth = _labels(new, shared, tastes, noise, crowd.overlap, rng)
    held = truth != 0
    if not held.any():
        return None
    everybody = shared + tastes.mean(0)
    return (
        float((np.sign(new[held] @ beta) == truth[held]).mean()),
        float((np.sign(new[held] @ everybody) == truth[held]).mean()),
        _agreement(beta),
        _agreement(everybody),
        float(said.mean()),
    )


def _labels(
    x: Floats,
    shared: Floats,
    tastes: Floats,
    noise: float,
    overlap: int,
    rng: np.random.Generator,
) -> Ints:
    """The majority of `overlap` different people on each comparison: 1, -1, 0 where level.  # (N,)

    People stand in a ring and each comparison takes neighbours; they are alike in distribution, so
    who sits beside whom does not matter.
    """
    n, people = len(x), len(tastes)
    who = (rng.integers(people, size=n)[:, None] + np.arange(overlap)) % people  # (N, k)
    own = np.take_along_axis(x @ tastes.T, who, axis=1)  # (N, k)
    sums = (x @ shared)[:, None] + own + noise * rng.standard_normal((n, overlap))
    for_a = (sums > 0).sum(1)
    votes = np.stack([for_a, overlap - for_a, np.zeros(n, dtype=np.int64)], axis=1)
    return majority_rule(votes, rng)


def _agreement(beta: Floats) -> float:
    """How often sign <beta, x> is sign <w, x>: 1 - angle / pi, exact for Gaussian features."""
    return float(1 - np.arctan2(np.sqrt((beta[1:] ** 2).sum()), beta[0]) / np.pi)


def _mean(values: Floats) -> Estimate:
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, max(mean - half, 0.0), min(mean + half, 1.0), len(values))
