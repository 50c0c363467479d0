"""Intervals of all pairs at once."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.stats.agreement import Kappa, cohen_kappa
from prefloop.stats.pair_intervals import pair_intervals
from prefloop.stats.pairwise import PairwiseKappa, pairwise_kappa
from prefloop.stats.result import BY_BOOTSTRAP


def test_intervals_of_all_pairs_are_those_of_each_alone() -> None:
    random = rng(45)
    item, who = np.repeat(np.arange(400), 3), np.tile([3, 5, 9], 400)
    right = random.integers(0, 2, 400)
    said = right[item] ^ (random.random(1200) < np.tile([0.05, 0.1, 0.2], 400))
    pairs = pairwise_kappa(item, who, said)
    assert isinstance(pairs, PairwiseKappa)
    found = pair_intervals(pairs, rng(46), 4000)
    assert found.interval == BY_BOOTSTRAP
    assert found.trusted.all()
    for at, (one, other) in enumerate(zip(pairs.first, pairs.second, strict=True)):
        alone = cohen_kappa(said[who == one], said[who == other], rng=rng(47), replicates=4000)
        assert isinstance(alone, Kappa)
        ends = alone.kappa.low, alone.kappa.high
        assert (found.low[at], found.high[at]) == pytest.approx(ends, abs=0.01)


def test_intervals_of_many_labels_are_those_of_each_alone() -> None:
    random = rng(48)
    item, who = np.repeat(np.arange(300), 2), np.tile([3, 5], 300)
    true = random.normal(50, 20, 300)
    said = np.clip(true[item] + random.normal(0, 9, 600), 0, 100).astype(int)
    for how in ("linear", "quadratic"):
        pairs = pairwise_kappa(item, who, said, how)
        assert isinstance(pairs, PairwiseKappa)
        found = pair_intervals(pairs, rng(46), 2000)
        ranks = np.unique(said, return_inverse=True)[1]
        k = int(ranks.max()) + 1
        alone = cohen_kappa(ranks[::2], ranks[1::2], how, k, rng=rng(47), replicates=2000)
        assert isinstance(alone, Kappa)
        ends = alone.kappa.low, alone.kappa.high
        assert (found.low[0], found.high[0]) == pytest.approx(ends, abs=0.01)


def test_a_pair_that_shares_one_item_is_not_trusted() -> None:
    pairs = pairwise_kappa([0, 0, 1, 1], [1, 2, 1, 3], [0, 1, 1, 0])
    assert isinstance(pairs, PairwiseKappa)
    found = pair_intervals(pairs, rng(1), 50)
    assert not found.trusted.any()
    assert np.isfinite([found.low, found.high]).all()
