"""Bradley-Terry strengths of models from blind comparisons, by Newton's method.

Ties follow Davidson 1970, an advantage of the first place Davidson and Beaver 1977. With
u = strength of a - strength of b + advantage, the chances of a, b and a tie are in the ratio
e^(u/2) : e^(-u/2) : nu.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, Ints, check_weights, compact, numbers, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = ["BradleyTerry", "bradley_terry"]

_STEPS = 100
_GRADIENT = 1e-10  # per comparison
# Log odds beyond this are a maximum at infinity: a few ties can run away together with nu although
# every player is linked to every other.
_LARGEST = 30.0


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """Log strengths that sum to zero, in ascending order of player code, with their covariance.

    `log_tie` (log nu) is None without ties, `advantage` of the first place None unless asked for.
    """

    players: Ints  # (P,)
    strength: Floats  # (P,)
    covariance: Floats  # (P, P), of strengths that sum to zero
    log_tie: float | None
    advantage: float | None
    log_likelihood: float

    def difference(self, player: int, other: int) -> tuple[float, float]:
        """log odds of `player` against `other` (of those with a side), and the standard error."""
        for code in (player, other):
            if code not in self.players:
                raise BadInput(f"player {code} was in no comparison")
        i, j = np.searchsorted(self.players, [player, other])
        spread = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        return float(self.strength[i] - self.strength[j]), float(np.sqrt(max(spread, 0.0)))


def bradley_terry(
    first: ArrayLike,
    second: ArrayLike,
    verdicts: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    advantage: bool = False,
) -> BradleyTerry | NotEnough:
    """Maximum likelihood from comparisons (N,) with verdict 1 (first won), -1, or 0 (tie).

    NotEnough where no maximum exists: somebody never lost to the rest, groups never met, or every
    comparison is a tie. Raises BadInput for negative weights, or such as cannot be summed.
    """
    a, b, said = whole("first", first), whole("second", second), whole("verdicts", verdicts)
    weight = np.ones(len(a)) if weights is None else numbers("weights", weights)
    same_length(first=a, second=b, verdicts=said, weights=weight)
    if (a == b).any():
        raise BadInput(f"player {a[a == b][0]} is compared with itself")
    if not np.isin(said, (-1, 0, 1)).all():
        raise BadInput("verdicts must be 1, -1 or 0 (tie)")
    check_weights(weight)
    players, code = compact(np.concatenate([a, b]))
    if len(players) < 2:
        return NotEnough("no comparison between two players")
    model = _Model(code[: len(a)], code[len(a) :], said, weight, len(players), advantage)
    if not (model.wins + model.losses).any():
        return NotEnough("no comparison was decided: ties alone say nothing of who is stronger")
    if not model.has_maximum():
        return NotEnough(
            "the comparisons do not link all players: somebody never won, never lost, or never met "
            "the others"
        )
    point, hessian, value = model.maximise()
    if point is None:
        return NotEnough("no finite maximum was found: the comparisons hardly link the players")
    n = len(players)
    covariance = np.asarray(np.linalg.pinv(hessian, hermitian=True)[:n, :n], dtype=np.float64)
    nu = float(point[n]) if model.ties else None
    first_place = float(point[-1]) if advantage else None
    return BradleyTerry(players, point[:n], covariance, nu, first_place, value)


class _Model:
    """The log-likelihood over distinct (first, second) pairs."""

    def __init__(
        self, a: Ints, b: Ints, said: Ints, weight: Floats, n: int, advantage: bool
    ) -> None:
        pair_codes, pair = compact(a * n + b)
        self.a, self.b = np.divmod(pair_codes, n)
        self.n, self.advantage = n, advantage
        tally = [np.bincount(pair, weight * (said == v), len(pair_codes)) for v in (1, -1, 0)]
        self.wins, self.losses, self.tied = (np.asarray(t, dtype=np.float64) for t in tally)
        self.ties = bool(self.tied.sum() > 0)
        self.size = n + self.ties + advantage
        rows = np.arange(len(pair_codes))
        ones = np.ones(len(rows))
        entries = [(rows, self.a, ones), (rows, self.b, -ones)]
        if advantage:
            entries.append((rows, np.full(len(rows), self.size - 1), ones))
        where = np.concatenate([e[0] for e in entries]), np.concatenate([e[1] for e in entries])
        values = np.concatenate([e[2] for e in entries])
        self.design = sparse.csr_array((values, where), shape=(len(rows), self.size))

    def has_maximum(self) -> bool:
        """Ford 1957: every player is linked to every other by a chain of wins (or ties)."""
        won, lost = self.wins + self.tied > 0, self.losses + self.tied > 0
        winner = np.concatenate([self.a[won], self.b[lost]])
        loser = np.concatenate([self.b[won], self.a[lost]])
        graph = sparse.csr_array((np.ones(len(winner)), (winner, loser)), shape=(self.n, self.n))
        return bool(csgraph.connected_components(graph, connection="strong")[0] == 1)

    def maximise(self) -> tuple[Floats | None, Floats, float]:
        """Damped Newton; the point is None where it does not settle."""
        point = np.zeros(self.size)
        value, gradient, hessian = self.at(point)
        limit = _GRADIENT * float((self.wins + self.losses + self.tied).sum())
        for _ in range(_STEPS):
            if np.ptp(point[: self.n]) > _LARGEST:
                break
            if np.abs(gradient).max() < limit:
                return point, hessian, value
            step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
            scale = 1.0
            while (found := self.at(point + scale * step))[0] < value - 1e-12 and scale > 1e-6:
                scale /= 2
            point = point + scale * step
            point[: self.n] -= point[: self.n].mean()
            value, gradient, hessian = found
        return None, hessian, value

    def at(self, point: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, its gradient, and minus its second derivatives."""
        u = self.design @ point
        eta = point[self.n] if self.ties else -np.inf
        level = np.stack([u / 2, -u / 2, np.full(len(u), eta)])
        top = np.logaddexp(np.logaddexp(level[0], level[1]), level[2])
        p_a, p_b, p_tie = np.exp(level - top)
        total = self.wins + self.losses + self.tied
        value = float(self.wins @ level[0] + self.losses @ level[1] - total @ top)
        value += float(self.tied.sum() * eta) if self.ties else 0.0
        mean = (p_a - p_b) / 2
        gradient = self.design.T @ ((self.wins - self.losses) / 2 - total * mean)
        curve = total * ((p_a + p_b) / 4 - mean**2)
        hessian = (self.design.T @ (self.design * curve[:, None])).toarray()
        if self.ties:
            gradient[self.n] += float((self.tied - total * p_tie).sum())
            cross = self.design.T @ (-total * mean * p_tie)
            hessian[self.n, :] += cross
            hessian[:, self.n] += cross
            hessian[self.n, self.n] += float((total * p_tie * (1 - p_tie)).sum())
        return value, np.asarray(gradient), np.asarray(hessian)
