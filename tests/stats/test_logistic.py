"""Paired logistic regression, against scikit-learn and known worlds."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.logistic import (
    Matrix,
    PairedLogistic,
    fit_paired,
    length_controlled_win_rate,
)


def fitted(rows: Matrix, outcomes: np.ndarray | None = None, l2: float = 1.0) -> PairedLogistic:
    found = fit_paired(rows, outcomes, l2=l2)
    assert isinstance(found, PairedLogistic), found
    assert found.converged
    return found


def world(seed: int, n: int = 400, d: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = rng(seed)
    rows = random.normal(size=(n, d)) * (random.random((n, d)) < 0.4)
    chance = 1 / (1 + np.exp(-rows @ random.normal(size=d)))
    return rows, (random.random(n) < chance).astype(float)


def test_coefficients_equal_scikit_learns() -> None:
    rows, outcomes = world(1)
    oracle = LogisticRegression(C=1 / 0.7, fit_intercept=False, tol=1e-10, max_iter=1000)
    oracle.fit(rows, outcomes)
    for given in (rows, sparse.csr_array(rows), sparse.csc_matrix(rows)):
        got = fitted(given, outcomes, l2=0.7)
        np.testing.assert_allclose(got.coefficients, oracle.coef_[0], atol=1e-5)
        np.testing.assert_allclose(got.margins(given), rows @ got.coefficients)


def test_one_feature_that_always_wins_by_one() -> None:
    # n (1 - sigmoid(beta)) = l2 beta; with n = 1, l2 = 1: beta = 0.4010581.
    got = fitted(np.array([[1.0]]))
    assert got.coefficients.tolist() == pytest.approx([0.4010581], abs=1e-5)


def test_exchanging_the_sides_of_any_rows_changes_nothing() -> None:
    rows, outcomes = world(2)
    flip = rng(3).random(len(rows)) < 0.5
    flipped = np.where(flip[:, None], -rows, rows)
    again = fitted(flipped, np.where(flip, 1 - outcomes, outcomes))
    np.testing.assert_allclose(again.coefficients, fitted(rows, outcomes).coefficients, atol=1e-5)


def test_chosen_minus_rejected_needs_no_outcomes() -> None:
    rows, outcomes = world(4)
    chosen = np.where(outcomes[:, None] == 1, rows, -rows)
    got, expected = fitted(chosen), fitted(rows, outcomes)
    np.testing.assert_allclose(got.coefficients, expected.coefficients, atol=1e-5)


def test_ties_pull_towards_zero() -> None:
    assert fitted(np.ones((50, 1)), np.full(50, 0.5)).coefficients.tolist() == pytest.approx([0])


def test_nothing_to_fit_is_not_enough_and_bad_numbers_are_refused() -> None:
    assert isinstance(fit_paired(np.zeros((0, 3))), NotEnough)
    assert isinstance(fit_paired(np.zeros((3, 0))), NotEnough)
    with pytest.raises(BadInput, match="not finite"):
        fit_paired(np.array([[np.nan]]))
    with pytest.raises(BadInput, match="l2"):
        fit_paired(np.ones((2, 1)), l2=0)
    with pytest.raises(BadInput, match="outcomes"):
        fit_paired(np.ones((2, 1)), [0, 2])
    with pytest.raises(BadInput, match="length"):
        fit_paired(np.ones((2, 1)), [0])
    with pytest.raises(BadInput, match="fitted on 1"):
        fitted(np.ones((2, 1))).margins(np.ones((2, 3)))


def test_a_win_rate_that_length_bought_vanishes_at_equal_length() -> None:
    random = rng(5)
    gap = random.normal(30, 30, 4000)
    chance = 1 / (1 + np.exp(-2 * np.tanh(gap / gap.std())))
    won = (random.random(4000) < chance).astype(float)
    got = length_controlled_win_rate(won, gap, np.arange(4000), random, replicates=100)
    assert isinstance(got, Estimate)
    assert won.mean() > 0.65
    assert got.low < 0.5 < got.high
    assert got.high - got.low < 0.1


def test_without_length_differences_it_is_the_win_rate() -> None:
    won = np.array([1.0] * 60 + [0.0] * 30 + [0.5] * 10)
    got = length_controlled_win_rate(won, np.zeros(100), np.arange(100), rng(1), replicates=50)
    assert isinstance(got, Estimate)
    assert got.estimate == pytest.approx(0.65, abs=1e-3)
    assert isinstance(length_controlled_win_rate([1], [2], [0], rng(1)), NotEnough)
