"""Paired logistic regression, against scikit-learn and known worlds."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.intervals import cluster_mean
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
    for weights in ([1e308, 1e308], [-1.0, 1.0]):
        with pytest.raises(BadInput, match="weight"):
            fit_paired(np.ones((2, 1)), weights=weights)
    assert isinstance(fit_paired(np.ones((2, 1)), weights=[1e99, 1e99]), PairedLogistic)
    with pytest.raises(BadInput, match="length"):
        fit_paired(np.ones((2, 1)), [0])
    with pytest.raises(BadInput, match="fitted on 1"):
        fitted(np.ones((2, 1))).margins(np.ones((2, 3)))


def test_a_win_rate_that_length_bought_vanishes_at_equal_length() -> None:
    random = rng(5)
    gap = random.normal(30, 30, 4000)
    chance = 1 / (1 + np.exp(-2 * np.tanh(gap / gap.std())))
    won = (random.random(4000) < chance).astype(float)
    got = length_controlled_win_rate(won, gap, np.arange(4000))
    assert isinstance(got, Estimate)
    assert won.mean() > 0.65
    assert got.low < 0.5 < got.high
    assert got.high - got.low < 0.1


def test_without_length_differences_it_is_the_win_rate() -> None:
    won = np.array([1.0] * 60 + [0.0] * 30 + [0.5] * 10)
    got = length_controlled_win_rate(won, np.zeros(100), np.arange(100))
    assert isinstance(got, Estimate)
    assert got.estimate == pytest.approx(0.65, abs=1e-3)
    assert isinstance(length_controlled_win_rate([1], [2], [0]), NotEnough)


def test_without_length_differences_its_interval_is_that_of_the_win_rate() -> None:
    # Wins only: the plain interval of ten out of ten begins at .660, and so does this one, however
    # the lengths differ. One half throughout is as symmetric as it gets.
    for won in (np.ones(10), np.zeros(10)):
        got = length_controlled_win_rate(won, np.arange(10.0) - 5, np.arange(10))
        plain = cluster_mean(won, np.arange(10))
        assert isinstance(got, Estimate)
        assert (got.low, got.high) == pytest.approx((plain.low, plain.high), abs=0.005)
    clusters = np.arange(100) // 2
    won = np.where(rng(6).random(100) < 0.8, 1.0, 0.0)
    got = length_controlled_win_rate(won, np.zeros(100), clusters)
    plain = cluster_mean(won, clusters)
    assert isinstance(got, Estimate)
    assert (got.low, got.high) == pytest.approx((plain.low, plain.high), abs=0.01)
    assert got.n == 50


@pytest.mark.parametrize(("prompts", "intercept"), [(50, 3.5), (50, 2.0), (200, 0.2)])
def test_its_interval_holds_the_truth_near_the_ends_of_the_scale_too(
    prompts: int, intercept: float
) -> None:
    true, held = 1 / (1 + np.exp(-intercept)), 0
    for draw in range(200):
        random = rng(7, draw)
        gap = random.normal(30, 100, prompts)
        chance = 1 / (1 + np.exp(-intercept - 0.5 * np.tanh(gap / 100)))
        won = (random.random(prompts) < chance).astype(float)
        got = length_controlled_win_rate(won, gap, np.arange(prompts))
        assert isinstance(got, Estimate)
        held += got.low <= true <= got.high
    assert held >= 182  # 190 expected; fewer than 182 has probability 0.01


def test_lengths_that_all_differ_by_the_same_are_not_told_from_the_win_rate() -> None:
    won = np.array([1.0] * 80 + [0.0] * 20)
    for gap in (300.0, 0.1, -1e300):  # a hundred times 0.1 has a spread of 1e-17, which is rounding
        got = length_controlled_win_rate(won, np.full(100, gap), np.arange(100))
        assert isinstance(got, NotEnough)
        assert "same" in got.reason
