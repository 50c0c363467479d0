"""Means, shares and correlations over completions whose unit is the prompt."""

import numpy as np
import pytest

from prefloop.core.errors import BadInput
from prefloop.evaluation.measured import correlation, fisher, mean, share


def stream() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_mean_of_single_completions_has_the_usual_error() -> None:
    found = mean(np.array([1.0, 2.0, 6.0]), np.array([0, 1, 2]), stream())
    # mean 3, deviations -2 -1 3, squares 14: s^2 = 14/2 = 7, error = sqrt(7/3)
    assert found.estimate.estimate == 3.0
    assert found.spread == pytest.approx(7**0.5)
    assert found.error == pytest.approx((7 / 3) ** 0.5)
    assert found.estimate.n == 3
    assert found.estimate.low < 3 < found.estimate.high


def test_completions_of_one_prompt_are_one_unit() -> None:
    # Two prompts, three completions each, all alike: means 1 and 3 around 2. Sums of deviations
    # are -3 and 3: error = sqrt(2/1 * 18) / 6 = 1, as of two values; of six it would be 0.45.
    found = mean(np.array([1.0, 1, 1, 3, 3, 3]), np.array([0, 0, 0, 1, 1, 1]), stream())
    assert found.error == pytest.approx(1.0)
    assert found.estimate.n == 2


def test_one_prompt_shows_no_mean() -> None:
    with pytest.raises(BadInput, match="so few"):
        mean(np.array([1.0, 2.0]), np.array([0, 0]), stream())


def test_a_share_that_never_happened_is_not_certain() -> None:
    found = share(np.zeros(50, dtype=bool), np.arange(50))
    assert found is not None
    assert (found.estimate.estimate, found.spread, found.error) == (0.0, 0.0, 0.0)
    assert found.estimate.high > 0.05
    assert share(np.array([True]), np.array([4])) is None


def test_a_correlation_by_hand() -> None:
    # x 1 2 3 4 5, y 2 1 4 3 5: covariance 8, both sums of squares 10: r = 0.8
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])
    found = correlation(np.tile(x, 20), np.tile(y, 20), np.arange(100), stream())
    assert found is not None
    assert found.estimate.estimate == pytest.approx(0.8)
    assert found.estimate.low < 0.8 < found.estimate.high < 1


def test_a_correlation_of_normal_values_has_fishers_error() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 400))
    found = correlation(x, x + y, np.arange(400), stream())
    assert found is not None
    assert found.error == pytest.approx(397**-0.5, rel=0.15)
    # Every completion twice: no more is known.
    twice = correlation(np.tile(x, 2), np.tile(x + y, 2), np.tile(np.arange(400), 2), stream())
    assert twice is not None
    assert twice.error == pytest.approx(397**-0.5, rel=0.15)


@pytest.mark.parametrize(
    ("x", "y"),
    [([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]), ([1, 2, 3, 4, 5], [0.1] * 5), ([1, 2], [2, 1])],
)
def test_what_does_not_vary_or_is_too_little_has_no_correlation(
    x: list[float], y: list[float]
) -> None:
    assert correlation(np.array(x, float), np.array(y, float), np.arange(len(x)), stream()) is None


def test_a_perfect_correlation_is_still_a_number() -> None:
    found = correlation(np.arange(9.0), np.arange(9.0), np.arange(9), stream())
    assert found is not None
    assert np.isfinite([found.estimate.estimate, found.error]).all()
    assert np.isfinite(fisher(1.0))
