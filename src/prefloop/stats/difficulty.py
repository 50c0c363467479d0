"""How hard comparisons are: the distribution of p, the chance that a judgment with a side says a.

p is a Beta(first, second) or its mirror image with equal odds, since which completion is called a
means nothing; first = second is the symmetric Beta. Fitted by marginal likelihood on the counts.
The distribution lives on a fixed grid, so that a refit costs milliseconds.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from prefloop.stats.aggregation import verdicts
from prefloop.stats.columns import Floats, Ints

__all__ = ["GRID", "Difficulty", "decided_chance", "draw", "equally_hard", "fit_difficulty"]

# Grid of p: equal steps of the angle in p = sin^2(angle), finest at the ends. Even number of
# points, so that none sits on one half.  # (P,)
_ANGLE = (np.arange(400) + 0.5) / 400 * np.pi / 2
_LOG_P, _LOG_Q = 2 * np.log(np.sin(_ANGLE)), 2 * np.log(np.cos(_ANGLE))
GRID = np.exp(_LOG_P)

_EDGES = np.sin(np.arange(401) / 400 * np.pi / 2) ** 2  # of the cells around the grid
_SHAPE = (-5.0, 7.0)  # bounds of log shapes: beyond them the grid cannot tell a difference
_NARROW = 2000.0  # sum of shapes at which the mirrored Beta is two points, as far as the grid sees
_MANY = 60  # judgments from which a majority is taken as certain to decide
_FLOOR = 1e-300


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Shapes of the Beta, the tie parameter (Davidson's nu; 0 without ties), the log-likelihood
    and the number of comparisons it was fitted to."""

    first: float
    second: float
    ties: float
    log_likelihood: float
    n: int

    @property
    def symmetric(self) -> bool:
        """One shape for both ends."""
        return self.first == self.second

    @property
    def on_grid(self) -> Floats:
        """The probability of each grid value of p, mirrored.  # (P,)"""
        return _prior(self.first, self.second)


def fit_difficulty(
    patterns: Ints, times: Ints, decided_only: bool = False, like: Difficulty | None = None
) -> Difficulty:
    """Maximum marginal likelihood of vote counts `patterns` (M, 3), each seen `times` (M,).

    Two shapes are tried where some comparison has four judgments with a side, and kept where BIC
    prefers them; `like` fixes that choice to an earlier fit's and starts from it.
    """
    model = _Likelihood(patterns, times, decided_only)
    if like is not None:
        return model.fit(not like.symmetric, like)
    one = model.fit(False, None)
    if patterns[:, :2].sum(1).max() < 4:
        return one
    two = model.fit(True, None)
    gain = two.log_likelihood - one.log_likelihood
    return two if gain > 0.5 * np.log(one.n) else one


def equally_hard(agreement: float, ties: float = 0.0) -> Difficulty:
    """Every comparison with the same p or its mirror image, at the given share of agreeing pairs
    of judgments (at least one half)."""
    right = (1 + np.sqrt(max(2 * agreement - 1, 0.0))) / 2
    wrong = max(1 - right, np.exp(_SHAPE[0]) / _NARROW)  # a Beta has no shape 0
    return Difficulty(float(_NARROW * right), float(_NARROW * wrong), ties, 0.0, 0)


def draw(difficulty: Difficulty, judgments: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Simulate comparisons with so many judgments each: the side most people take (1, -1; 0 where
    p is one half), and the votes.  # (N,), (N, 3)"""
    at = rng.choice(len(GRID), size=len(judgments), p=difficulty.on_grid)
    p = GRID[at]
    tie = difficulty.ties * np.sqrt(p * (1 - p))
    ties = rng.binomial(judgments, tie / (1 + tie))
    for_a = rng.binomial(judgments - ties, p)
    truth = np.sign(p - 0.5).astype(np.int64)
    return truth, np.stack([for_a, judgments - ties - for_a, ties], axis=1)


class _Likelihood:
    """The marginal log-likelihood of (log shapes, log ties)."""

    def __init__(self, patterns: Ints, times: Ints, decided_only: bool) -> None:
        self.patterns, self.times = patterns.astype(np.float64), times.astype(np.float64)
        self.has_ties = bool((patterns[:, 2] * times).sum() > 0)
        self.sizes = patterns.sum(1)
        a, b, _ = self.patterns.T
        self.sides = a[:, None] * _LOG_P + b[:, None] * _LOG_Q  # (M, P)
        self.decided = _decided(np.unique(self.sizes)) if decided_only else None

    def fit(self, two: bool, start: Difficulty | None) -> Difficulty:
        shapes = [0.0, 0.0] if two else [0.0]
        ties = [-1.0] if self.has_ties else []
        starts = [np.array(shapes + ties)]
        if two:  # the surface has a valley: easy against hard, and equally hard
            starts.append(np.array([2.5, 1.0, *ties]))
        if start is not None:
            first = np.log([start.first, start.second] if two else [start.first])
            starts = [np.array([*first, *([np.log(start.ties)] if self.has_ties else [])])]
        bounds = [_SHAPE] * len(shapes) + [(-7.0, 7.0)] * len(ties)
        found = min(
            (optimize.minimize(self, x, method="L-BFGS-B", bounds=bounds) for x in starts),
            key=lambda result: float(result.fun),
        )
        shape, other, nu = self._read(found.x)
        n = int(self.times.sum())
        return Difficulty(shape, other, nu, -float(found.fun) * n, n)

    def __call__(self, point: Floats) -> float:
        first, second, nu = self._read(point)
        weight = _prior(first, second)
        level = self.sides
        if nu > 0:
            tie = np.log(nu) + (_LOG_P + _LOG_Q) / 2
            level = level + self.patterns[:, 2:] * tie - self.sizes[:, None] * np.logaddexp(0, tie)
        chance = np.log(np.maximum(np.exp(level) @ weight, _FLOOR))
        if self.decided is not None:
            chance = chance - _log_decided(self.sizes, self.decided, weight, nu)
        return -float((self.times * chance).sum() / self.times.sum())

    def _read(self, point: Floats) -> tuple[float, float, float]:
        values = np.exp(point)
        nu = float(values[-1]) if self.has_ties else 0.0
        second = float(values[1] if len(point) - self.has_ties == 2 else values[0])
        return float(values[0]), second, nu


def decided_chance(difficulty: Difficulty, sizes: Ints) -> Floats:
    """The chance that a majority decides a comparison with so many judgments.  # (N,)"""
    weight, table = difficulty.on_grid, _decided(np.unique(sizes))
    return np.exp(_log_decided(sizes, table, weight, difficulty.ties))


def _log_decided(
    sizes: Ints, table: dict[int, tuple[Floats, Floats]], weight: Floats, nu: float
) -> Floats:
    """log P(a majority decides); beyond the table it is certain.  # (N,)"""
    tie = nu * np.exp((_LOG_P + _LOG_Q) / 2)
    log_tie = np.log(np.maximum(tie / (1 + tie), _FLOOR))
    log_side = -np.log1p(tie)
    found = {}
    for size, (votes, ways) in table.items():
        a, b, t = votes.T[:, :, None]
        level = a * (_LOG_P + log_side) + b * (_LOG_Q + log_side) + t * log_tie
        found[size] = np.log(max(float((ways @ np.exp(level)) @ weight), _FLOOR))
    return np.array([found.get(size, 0.0) for size in sizes.tolist()])


def _decided(sizes: Ints) -> dict[int, tuple[Floats, Floats]]:
    """For up to 60 judgments: the votes a majority decides, and in how many orders each comes."""
    found = {}
    for size in sizes[sizes <= _MANY].tolist():
        a, b = np.divmod(np.arange((size + 1) ** 2), size + 1)
        votes = np.stack([a, b, size - a - b], axis=1)[a + b <= size].astype(np.float64)
        votes = votes[verdicts(*votes.T)[0] != 0]
        ways = np.exp(special.gammaln(size + 1) - special.gammaln(votes + 1).sum(1))
        found[size] = votes, ways
    return found


def _prior(first: float, second: float) -> Floats:
    """The mass of the mirrored Beta in each cell of the grid.  # (P,)"""
    weight = np.diff(special.betainc(first, second, _EDGES))
    weight = weight + weight[::-1]
    return np.asarray(weight / weight.sum())
