"""The distribution of difficulty behind the votes."""

import numpy as np
import pytest
from scipy import special

from prefloop.core.digest import rng
from prefloop.stats.difficulty import GRID, draw, equally_hard, fit_difficulty


def test_the_likelihood_of_votes_without_ties_is_the_beta_binomial() -> None:
    # P(votes a, b in this order) = B(s + a, s + b) / B(s, s).
    patterns, times = np.array([[3, 0, 0], [2, 1, 0]]), np.array([50, 50])
    found = fit_difficulty(patterns, times)
    s = found.first
    expected = sum(
        count * (special.betaln(s + a, s + b) - special.betaln(s, s))
        for (a, b, _), count in zip(patterns, times, strict=True)
    )
    assert found.log_likelihood == pytest.approx(expected, abs=0.01)
    # Half are unanimous: 2 B(s+3, s) / B(s, s) = (s+2) / (2 (2s+1)) = 1/2 at s = 1.
    assert s == pytest.approx(1.0, abs=0.01)


def test_the_grid_has_the_moments_of_the_beta() -> None:
    world = fit_difficulty(np.array([[3, 0, 0], [2, 1, 0]]), np.array([50, 50]))
    variance = world.on_grid @ (GRID - 0.5) ** 2
    assert variance == pytest.approx(1 / (4 * (2 * world.first + 1)), rel=1e-3)
    assert world.on_grid @ GRID == pytest.approx(0.5)


def test_two_shapes_are_tried_only_where_votes_can_tell() -> None:
    p = np.where(rng(1).random(4000) < 0.5, 0.2, 0.8)
    for judgments, symmetric in [(3, True), (6, False)]:
        for_a = rng(2).binomial(judgments, p)
        votes = np.stack([for_a, judgments - for_a, 0 * for_a], axis=1)
        patterns, times = np.unique(votes, axis=0, return_counts=True)
        assert fit_difficulty(patterns, times).symmetric is symmetric


def test_ties_are_fitted_and_drawn_again() -> None:
    world = equally_hard(0.68, ties=0.5)  # right with 0.8; tie factor 0.5 * 0.4 -> 1/6 are ties
    truth, votes = draw(world, np.full(50_000, 4), rng(3))
    assert votes[:, 2].mean() / 4 == pytest.approx(1 / 6, abs=0.005)
    assert set(np.unique(truth)) == {-1, 1}
    patterns, times = np.unique(votes, axis=0, return_counts=True)
    assert fit_difficulty(patterns, times).ties == pytest.approx(0.5, abs=0.03)


def test_equal_difficulty_reaches_both_extremes() -> None:
    for agreement, right in [(1.0, 1.0), (0.5, 0.5), (0.68, 0.8)]:
        world = equally_hard(agreement)
        assert world.on_grid @ np.maximum(GRID, 1 - GRID) == pytest.approx(right, abs=0.01)
