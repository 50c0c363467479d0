"""The bootstrap over units."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.resampling import bootstrap, percentiles, random_groups


def test_every_replicate_draws_as_many_units_as_there_are() -> None:
    found = bootstrap(lambda drawn: drawn.sum(1), 17, rng(1), replicates=50)
    assert not isinstance(found, NotEnough)
    assert found.tolist() == [17] * 50


def test_replicates_do_not_depend_on_how_memory_is_divided() -> None:
    values = rng(1).normal(size=40)
    one, two = (
        bootstrap(lambda drawn: drawn @ values, 40, rng(2), replicates=30, width=width)
        for width in (1, 2_000_000)
    )
    np.testing.assert_allclose(np.asarray(one), np.asarray(two))


def test_the_spread_of_a_mean_is_that_of_theory() -> None:
    values = rng(3).normal(size=500)
    found = bootstrap(lambda drawn: drawn @ values / 500, 500, rng(4), replicates=4000)
    assert not isinstance(found, NotEnough)
    assert found.std() == pytest.approx(values.std() / np.sqrt(500), rel=0.05)
    low, high = percentiles(found)
    assert low < values.mean() < high


def test_too_few_units_or_values_are_not_enough() -> None:
    assert isinstance(bootstrap(lambda drawn: drawn.sum(1), 1, rng(1)), NotEnough)
    nothing = bootstrap(lambda drawn: np.full(len(drawn), np.nan), 5, rng(1))
    assert isinstance(nothing, NotEnough)
    with pytest.raises(BadInput, match="replicates"):
        bootstrap(lambda drawn: drawn.sum(1), 5, rng(1), replicates=0)


def test_groups_are_of_equal_size_and_only_made_of_many_units() -> None:
    assert random_groups(100, rng(1)).tolist() == list(range(100))
    sizes = np.bincount(random_groups(10_001, rng(1), at_most=100))
    assert (len(sizes), sizes.min(), sizes.max()) == (100, 100, 101)
