"""What a judgment can be checked against."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats.checks import NONE, PEERS, against_others, repeat_noise


def test_a_verdict_is_checked_against_the_others_and_a_tie_or_a_lonely_one_is_not() -> None:
    random = rng(1)
    item, who = np.repeat(np.arange(200), 4), np.tile(np.arange(4), 200)
    truth = random.choice([-1, 1], 200)
    said = np.where(random.random(800) < 0.1, -truth[item], truth[item])
    said[5] = 0
    item, who, said = np.append(item, 200), np.append(who, 0), np.append(said, 1)
    found = against_others(item, who, said)
    assert found.kinds[5] == found.kinds[800] == NONE
    checked = found.kinds == PEERS
    assert checked.sum() >= 795  # others may be exactly level
    # Three others who err in a tenth: where all agree they are wrong in .1^3 / (.1^3 + .9^3).
    same = np.array([len(set(said[(item == i) & (said != 0)])) == 1 for i in item]) & checked
    assert found.noise[same].max() < 0.03  # where one of them said tie
    assert (found.events[same] == 0).all()
    # Differences are about what an error rate of a tenth and the noise make together.
    expected = (0.1 * (1 - 2 * found.noise) + found.noise)[checked].mean()
    assert found.events[checked].mean() == pytest.approx(expected, abs=0.03)


def test_rows_keep_their_order() -> None:
    random = rng(2)
    item, who = np.repeat(np.arange(60), 3), np.tile(np.arange(3), 60)
    said = random.choice([-1, 1], 180)
    order = random.permutation(180)
    straight = against_others(item, who, said)
    mixed = against_others(item[order], who[order], said[order])
    np.testing.assert_array_equal(straight.events[order], mixed.events)
    np.testing.assert_allclose(straight.noise[order], mixed.noise, atol=1e-9)


def test_the_noise_of_repeats() -> None:
    # Independent errors of .2 differ in .32 of repeats: (.32 - .2) / .6 = .2, the rate itself.
    assert repeat_noise(3200, 10000, 0.2) == pytest.approx(0.2, abs=1e-3)
    assert repeat_noise(1000, 10000, 0.2) == 0.0  # errors repeat themselves
    assert repeat_noise(9000, 10000, 0.2) == 0.2
    assert repeat_noise(0, 0, 0.2) == 0.2
    with pytest.raises(BadInput, match="count"):
        repeat_noise(2, 1, 0.2)


def test_nothing_and_judging_twice() -> None:
    assert len(against_others([], [], []).kinds) == 0
    with pytest.raises(BadInput, match="twice"):
        against_others([1, 1], [2, 2], [1, -1])
