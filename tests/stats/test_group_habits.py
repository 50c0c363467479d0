"""What groups do otherwise: habits and outcomes; and how diverse a pool is."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.group_habits import Flips, Habit, effective_number, flips, habit, holm


def test_a_habit_is_found_and_an_uneven_assignment_is_none() -> None:
    random = rng(3)
    who, item = np.tile(np.arange(20), 40), np.repeat(np.arange(40), 20)
    inside, outside = np.arange(8), np.arange(8, 20)
    ties = random.random(800) < np.where(who < 8, 0.3, 0.1)
    found = habit(who, ties.astype(float), inside, outside, rng(4), item, 999)
    assert isinstance(found, Habit)
    assert found.p < 0.01
    assert found.difference.low < 0.2 < found.difference.high
    # Group people are given the items that everybody ties on: no difference between people.
    seen = {"raw": 0, "fair": 0}
    for seed in range(30):
        random = rng(seed, "uneven")
        tie = (random.random(800) < np.where(item < 20, 0.6, 0.1)).astype(float)
        given = np.where(who < 8, item < 20, True) & (random.random(800) < 0.8)
        columns = who[given], tie[given], inside, outside
        for name, items in (("raw", None), ("fair", item[given])):
            one = habit(*columns, rng(seed), items, 199)
            assert isinstance(one, Habit)
            seen[name] += one.p <= 0.05
    assert seen["raw"] >= 25
    assert seen["fair"] <= 5  # 1.5 expected


def test_flipped_outcomes_by_hand() -> None:
    # Item 0: the group says 1 1, the rest -1 -1. Item 1: all say 1. Item 2: the rest are level.
    items = [0] * 4 + [1] * 4 + [2] * 4
    labels = [1, 1, -1, -1, 1, 1, 1, 1, 1, 1, 1, -1]
    found = flips(items, [0, 1, 2, 3] * 3, labels, [0, 1], [2, 3], rng(1), 20)
    assert isinstance(found, Flips)
    assert (found.share.estimate, found.share.n) == (0.5, 2)
    assert 0 <= found.expected <= 1


def test_adjusted_and_effective_numbers_by_hand() -> None:
    # Holm: .01 * 3, .02 * 2, .03 -> made monotone: .03, .04, .04.
    assert holm([0.01, 0.03, 0.02]).tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert holm([]).tolist() == []
    assert effective_number([5, 5, 5]) == pytest.approx(3)
    assert effective_number([9, 0]) == pytest.approx(1)
    assert isinstance(effective_number([]), NotEnough)
    with pytest.raises(BadInput, match="fewer than no members"):
        effective_number([-1, 3])


def test_too_few_people_or_nobody_at_all_is_not_enough() -> None:
    assert isinstance(habit([0, 1], [0.0, 1.0], [0], [1], rng(1)), NotEnough)
    assert isinstance(flips([0, 0], [0, 1], [1, 1], [5], [6], rng(1)), NotEnough)
