"""Groups of annotators: one with another taste is found, alike ones are left in peace."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.detection import adjusted
from prefloop.stats.groups import Apart, agreements, apart

PEOPLE, GROUPS = 24, 3
GROUP = np.arange(PEOPLE) % GROUPS


def world(
    seed: int, taste: float = 0.0, skill: float | None = None, items: int = 300
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five of 24 people judge each item. Group 0 likes the other side on a share `taste` of items,
    or is right with `skill`; accuracies of others scatter around .85."""
    random = rng(seed)
    truth, other = random.choice([1, -1], items), random.random(items) < taste
    item = np.repeat(np.arange(items), 5)
    who = np.concatenate([random.permutation(PEOPLE)[:5] for _ in range(items)])
    right = 1 / (1 + np.exp(-(1.7 + 0.4 * random.standard_normal(PEOPLE))))
    if skill is not None:
        right[GROUP == 0] = skill
    meant = np.where((GROUP[who] == 0) & other[item], -truth[item], truth[item])
    return item, who, np.where(random.random(len(who)) < right[who], meant, -meant)


def asked(seed: int, **odd: Any) -> tuple[np.ndarray, list[Apart]]:
    """q of (apart, unlike) for every group, all decided together."""
    found = agreements(*world(seed, **odd))
    random = rng(seed, "permute")
    several = []
    for group in range(GROUPS):
        inside = group == GROUP
        one = apart(found, np.flatnonzero(inside), np.flatnonzero(~inside), random, 499)
        assert isinstance(one, Apart)
        several.append(one)
    return adjusted(np.array([p for one in several for p in (one.p_apart, one.p_unlike)])), several


def test_a_group_with_another_taste_is_found_and_shown_apart() -> None:
    found = 0
    for seed in range(20):
        q, several = asked(seed, taste=0.3)
        found += q[0] <= 0.05
        assert several[0].apart.estimate > 0
    assert found >= 19


def test_alike_groups_are_accused_at_most_at_the_rate() -> None:
    # Nobody differs, so any accusation is false: expected in 5 % of 100 worlds at the most; more
    # than 10 has probability .01.
    accused = sum(bool((asked(seed)[0] <= 0.05).any()) for seed in range(100))
    assert accused <= 10


def test_a_less_practiced_group_is_unlike_rather_than_apart() -> None:
    unlike = apart_ = 0
    for seed in range(20):
        q, _ = asked(seed, skill=0.65)
        unlike += q[1] <= 0.05
        apart_ += q[0] <= 0.05
    assert unlike >= 12
    assert apart_ <= 8


def test_rates_by_hand() -> None:
    # a, b, c are in the group, d, e, f outside; all judge items 0 to 3. a, b, c say 1 1 1 1 each.
    # d, e say -1 -1 1 1, f says -1 1 1 1. Rest: d-e 4, d-f 3, e-f 3 of 4 each: 10 of 12.
    # Across: d and e agree with each of three on 2 of 4, f on 3 of 4: 21 of 36.
    # Apart: (1 + 10/12) / 2 - 21/36 = 1/3. Unlike: 1 - 10/12 = 1/6.
    items, who = np.tile([0, 1, 2, 3], 6), np.repeat(np.arange(6), 4)
    labels = [1] * 12 + [-1, -1, 1, 1] * 2 + [-1, 1, 1, 1]
    found = apart(agreements(items, who, labels), [0, 1, 2], [3, 4, 5], rng(1), 200)
    assert isinstance(found, Apart)
    parts = (found.within, found.rest, found.across, found.apart, found.unlike)
    expected = [1, 10 / 12, 21 / 36, 1 / 3, 1 / 6]
    assert [one.estimate for one in parts] == pytest.approx(expected)
    # Six people fall into two threes in ten ways: p cannot be less than .1.
    assert found.p_apart >= 0.08


def test_people_who_work_at_other_times_are_not_accused() -> None:
    # Twelve people in a row, each sharing items with their neighbors only: the two halves meet in
    # two places. Nobody differs.
    accused = 0
    for seed in range(60):
        random = rng(seed, "row")
        truth, item = random.choice([1, -1], 210), np.repeat(np.arange(210), 3)
        who = np.concatenate([(n * 12 // 70 + np.arange(3)) % 12 for n in range(210)])
        right = 1 / (1 + np.exp(-(1.7 + 0.5 * random.standard_normal(12))))
        label = np.where(random.random(630) < right[who], truth[item], -truth[item])
        found = apart(agreements(item, who, label), np.arange(6), np.arange(6, 12), random, 199)
        accused += isinstance(found, Apart) and min(found.p_apart, found.p_unlike) <= 0.05
    assert accused <= 9  # of two questions in 60 worlds 6 are expected at the most


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_exchanging_the_two_sides_of_the_screen_changes_nothing(seed: int) -> None:
    item, who, label = world(seed, items=60)
    sides = np.flatnonzero(GROUP == 0), np.flatnonzero(GROUP != 0)
    one = apart(agreements(item, who, label), *sides, rng(2), 99)
    other = apart(agreements(item, who, -label), *sides, rng(2), 99)
    assert one == other


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    # Everybody right with .85: every two agree on .85² + .15² = .745; nothing lies between groups.
    within = gap = 0
    for seed in range(60):
        random = rng(seed, "cover")
        truth, item = random.choice([1, -1], 200), np.repeat(np.arange(200), 5)
        who = np.concatenate([random.permutation(PEOPLE)[:5] for _ in range(200)])
        label = np.where(random.random(1000) < 0.85, truth[item], -truth[item])
        sides = np.flatnonzero(GROUP == 0), np.flatnonzero(GROUP != 0)
        one = apart(agreements(item, who, label), *sides, random, 99)
        assert isinstance(one, Apart)
        within += one.within.low <= 0.745 <= one.within.high
        gap += one.apart.low <= 0 <= one.apart.high
    assert within >= 52
    assert gap >= 52


def test_too_few_people_or_nothing_shared_is_not_enough() -> None:
    items, who, labels = [0, 0, 0], [0, 1, 2], [1, 1, -1]
    assert isinstance(apart(agreements(items, who, labels), [0], [1, 2], rng(1)), NotEnough)
    assert isinstance(apart(agreements([], [], []), [0, 1], [2, 3], rng(1)), NotEnough)
    apart_ = agreements([0, 0, 1, 1], [0, 1, 2, 3], [1, 1, 1, -1])
    assert isinstance(apart(apart_, [0, 1], [2, 3], rng(1)), NotEnough)
    with pytest.raises(BadInput, match="both sides"):
        apart(agreements(items, who, labels), [0, 1], [1, 2], rng(1))
