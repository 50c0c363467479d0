"""Less noise from what was known before."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.cuped import Cuped, cuped


def adjusted(values: object, before: object, arms: object) -> Cuped:
    found = cuped(np.asarray(values), np.asarray(before), np.asarray(arms))
    assert isinstance(found, Cuped), found
    return found


def test_by_hand() -> None:
    # Within arms: y -1 0 1 and -1 0 1, x -1 0 1 and 0 -1 1: xx = 4, yy = 4, xy = 2 + 1 = 3.
    # theta = 3/4, removed 9/16; mean x = 2, so the first value is 1 - 3/4 * (1 - 2) = 1.75.
    found = adjusted([1, 2, 3, 5, 6, 7], [1, 2, 3, 2, 1, 3], [0, 0, 0, 1, 1, 1])
    assert (found.theta, found.variance_removed) == pytest.approx((0.75, 0.5625))
    assert found.values[0] == pytest.approx(1.75)


def test_the_difference_stays_and_its_noise_shrinks_by_the_share_said() -> None:
    plain, better, said = [], [], []
    for draw in range(400):
        random = rng(31, draw)
        arms, before = random.integers(0, 2, 400), random.normal(5, 2, 400)
        values = 0.3 * arms + before + random.normal(0, 1.5, 400)
        found = adjusted(values, before, arms)
        plain.append(values[arms == 1].mean() - values[arms == 0].mean())
        better.append(found.values[arms == 1].mean() - found.values[arms == 0].mean())
        said.append(found.variance_removed)
    assert np.mean(better) == pytest.approx(0.3, abs=0.03)  # four standard errors
    # rho^2 = 4 / (4 + 2.25) = .64; a ratio of two variances of 400 has a spread near 5 %.
    assert np.mean(said) == pytest.approx(0.64, abs=0.01)
    assert np.var(better) / np.var(plain) == pytest.approx(0.36, abs=0.07)


def test_a_true_difference_between_arms_is_no_correlation() -> None:
    # x differs between arms by chance only; y by 10. Pooled without arms theta would be huge.
    found = adjusted([0, 1, 0, 1, 10, 11, 10, 11], [0, 0, 1, 1, 5, 5, 6, 6], [0] * 4 + [1] * 4)
    assert found.theta == pytest.approx(0.0)


def test_nothing_that_varies_or_too_few_units_are_not_enough() -> None:
    assert isinstance(cuped([1, 2, 3, 4, 5], [1] * 5, [0, 0, 0, 1, 1]), NotEnough)
    assert isinstance(cuped([1] * 5, [1, 2, 3, 4, 5], [0, 0, 0, 1, 1]), NotEnough)
    assert isinstance(cuped([1, 2, 3], [1, 2, 3], [0, 1, 1]), NotEnough)
    with pytest.raises(BadInput):
        cuped([], [], [])
    with pytest.raises(BadInput, match="length"):
        cuped([1], [1, 2], [0])
