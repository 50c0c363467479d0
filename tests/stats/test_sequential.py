"""Tests that hold however often one looks."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.intervals import two_proportion_z
from prefloop.stats.sequential import (
    AlwaysValid,
    SampleRatio,
    log_mixture_ratio,
    sample_ratio,
    two_arms,
)


def compared(arms: np.ndarray, values: np.ndarray, kind: str = "rate") -> AlwaysValid:
    found = two_arms(arms, values, effect=0.1, kind="mean" if kind == "mean" else "rate")
    assert isinstance(found, AlwaysValid), found
    return found


def in_turn(pairs: int) -> np.ndarray:
    return np.tile([0, 1], pairs)


def test_the_ratio_and_p_value_of_the_closed_form(shared_reference: Path) -> None:
    cases = json.loads((shared_reference / "msprt.json").read_text())["cases"]
    assert len(cases) == 4
    for case in cases:
        variance = case["sigma2"] / case["n"]
        (got,) = log_mixture_ratio([case["mean"]], [variance], case["tau2"])
        assert math.exp(got) == pytest.approx(case["Lambda"], rel=1e-9)
        assert min(1.0, math.exp(-got)) == pytest.approx(case["p"], rel=1e-9)
        assert (math.exp(-got) <= 0.05) is case["reject_05"]


def test_looking_after_every_observation_keeps_the_error_where_the_fixed_test_does_not(
    shared_reference: Path,
) -> None:
    # As in the reference's simulation: no difference, known variance 1, 2,000 looks.
    stated = json.loads((shared_reference / "msprt.json").read_text())["simulation"]
    random, looks = rng(21), np.arange(1, 2001)
    mean = np.cumsum(random.standard_normal((1000, 2000)), axis=1) / looks
    ratio = log_mixture_ratio(mean.ravel(), np.tile(1 / looks, 1000), tau2=1.0)
    ever = (ratio.reshape(1000, -1) >= math.log(20)).any(axis=1).mean()
    naive = (np.abs(mean) * np.sqrt(looks) > 1.96).any(axis=1).mean()
    # Four standard errors of a share of 1,000: .022 around .031, .063 around .57.
    assert ever == pytest.approx(stated["msprt_fpr"], abs=0.022)
    assert ever <= 0.05
    assert naive == pytest.approx(stated["naive_peeking_fpr"], abs=0.063)


@pytest.mark.parametrize(("rate", "kind"), [(0.5, "rate"), (0.1, "rate"), (0.5, "mean")])
def test_two_equal_arms_are_rarely_ever_told_apart_and_the_interval_rarely_ever_leaves_zero(
    rate: float, kind: str
) -> None:
    arms, wrong, left = in_turn(1000), 0, 0
    for draw in range(300):
        random = rng(22, draw, kind, str(rate))
        chance = random.random(2000)
        values = random.exponential(1.0, 2000) if kind == "mean" else (chance < rate).astype(float)
        found = compared(arms, values, kind)
        wrong += found.decided_at is not None
        left += bool((found.low > 0).any() or (found.high < 0).any())
    assert wrong == left  # the interval is the test turned round
    assert wrong <= 24  # 15 expected at most; more than 24 of 300 has probability 0.01


def test_a_real_difference_is_found_and_the_interval_holds_it() -> None:
    held = 0
    for draw in range(100):
        random = rng(23, draw)
        arms = in_turn(1500)
        values = (random.random(3000) < np.where(arms == 1, 0.6, 0.5)).astype(float)
        found = compared(arms, values)
        assert found.decided_at is not None
        assert found.now.estimate > 0
        held += bool(((found.low <= 0.1) & (found.high >= 0.1)).all())
    assert held >= 90  # at least 95 expected


def test_p_never_rises_and_the_interval_never_widens() -> None:
    random = rng(24)
    found = compared(random.integers(0, 2, 4000), (random.random(4000) < 0.3).astype(float))
    assert (np.diff(found.p) <= 0).all()
    assert (np.diff(found.low) >= 0).all()
    assert (np.diff(found.high) <= 0).all()
    assert found.n[-1] == 4000
    assert found.now.n == 4000


def test_exchanging_the_arms_changes_the_sign_alone() -> None:
    random = rng(25)
    arms, values = random.integers(0, 2, 2000), random.standard_normal(2000)
    one, two = compared(arms, values, "mean"), compared(1 - arms, values, "mean")
    np.testing.assert_allclose(one.difference, -two.difference)
    np.testing.assert_allclose(one.p, two.p)
    np.testing.assert_allclose(one.low, -two.high)


def test_it_needs_more_than_a_test_whose_moment_is_fixed() -> None:
    # 560 of 1000 against 500 of 1000: z = 2.69, p = .007 if this look was the only one.
    found = two_proportion_z(560, 1000, 500, 1000)
    assert not isinstance(found, NotEnough)
    ratio = log_mixture_ratio([0.06], [0.53 * 0.47 * 2 / 1000], 0.01)
    assert found.p < 0.05 < float(np.exp(-ratio[0]))


def test_few_observations_and_values_that_never_vary_are_not_enough() -> None:
    assert isinstance(two_arms([], [], effect=0.1), NotEnough)
    assert isinstance(two_arms([0] * 200 + [1] * 49, [0] * 249, effect=0.1), NotEnough)
    assert isinstance(two_arms(in_turn(60), [3.0] * 120, effect=0.1, kind="mean"), NotEnough)
    # Rates of nine events, and of nine without one, are not looked at; of ten they are.
    for of, kind in ((9, NotEnough), (10, AlwaysValid)):
        rare = (np.arange(400) < 2 * of).astype(float)
        assert isinstance(two_arms(in_turn(200), rare, effect=0.1), kind)
        assert isinstance(two_arms(in_turn(200), 1 - rare, effect=0.1), kind)


def test_a_mean_is_looked_at_from_twenty_values_unlike_the_commonest_on() -> None:
    # Arms in turn; the first 60 of each are alike, then come numbers that are not.
    values = np.where(np.arange(400) < 120, 0.1, rng(28).random(400))
    found = compared(in_turn(200), values, "mean")
    assert found.n[0] == 2 * (60 + 20)
    # Equal values leave exactly nothing: a tenth, summed, would leave rounding for a variance.
    assert isinstance(two_arms(in_turn(200), np.full(400, 0.1), effect=0.1, kind="mean"), NotEnough)
    few = np.where(np.arange(400) < 362, 0.1, rng(28).random(400))  # 19 in each arm
    assert isinstance(two_arms(in_turn(200), few, effect=0.1, kind="mean"), NotEnough)


def test_large_values_have_the_variance_of_small_ones() -> None:
    small = rng(29).standard_normal(2000)
    near, far = (compared(in_turn(1000), small + by, "mean") for by in (0.0, 1e7))
    np.testing.assert_allclose(near.low, far.low, atol=1e-6)
    np.testing.assert_allclose(near.p, far.p, atol=1e-5)


@pytest.mark.parametrize(("rate", "share"), [(0.05, 0.95), (0.02, 0.9)])
def test_an_uneven_split_of_rare_events_keeps_the_error(rate: float, share: float) -> None:
    # From 50 observations of the small arm on, 11 % and 7 % of these were told apart.
    wrong = 0
    for draw in range(200):
        random = rng(30, draw)
        arms = (random.random(6000) < share).astype(int)
        found = two_arms(arms, (random.random(6000) < rate).astype(int), effect=0.1)
        wrong += isinstance(found, AlwaysValid) and found.decided_at is not None
    assert wrong <= 10  # four expected; at 5 % more than 17 has probability 0.01


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_the_interval_of_means_that_are_mostly_zero_holds_the_truth(share: float) -> None:
    held = 0
    for draw in range(100):
        random = rng(31, draw)
        arms = random.integers(0, 2, 8000)
        values = random.exponential(1.0, 8000) * (random.random(8000) < share) * (1 + arms)
        found = two_arms(arms, values, effect=0.05, kind="mean")
        assert isinstance(found, AlwaysValid)
        held += bool(found.low[-1] <= share <= found.high[-1])  # every look's interval at once
    assert held >= 90  # at least 95 expected


def test_arms_values_and_settings_that_are_none_are_refused() -> None:
    for arms, values in (([2], [0]), ([0], [0.5])):
        with pytest.raises(BadInput):
            two_arms(arms, values, effect=0.1)
    with pytest.raises(BadInput, match="effect"):
        two_arms([0], [0], effect=0.0)
    with pytest.raises(BadInput, match="alpha"):
        two_arms([0], [0], effect=0.1, alpha=1.0)
    with pytest.raises(BadInput, match="positive"):
        log_mixture_ratio([0.1], [0.0], 1.0)


def split(arms: np.ndarray | list[int], intended: list[float]) -> SampleRatio:
    found = sample_ratio(arms, intended)
    assert isinstance(found, SampleRatio), found
    return found


def test_the_first_observations_of_a_split_by_hand() -> None:
    # Prior Dirichlet(500, 500). After (0): 500/1000 / (1/2) = 1. After (0, 0):
    # (500 * 501) / (1000 * 1001) / (1/4) = 1.000999, so p = .999002.
    assert split([0, 0], [0.5, 0.5]).p.tolist() == pytest.approx([1.0, 1001 / 1002], abs=1e-10)


def test_a_correct_split_is_rarely_ever_accused_and_a_wrong_one_is_found() -> None:
    shares, accused = [0.5, 0.3, 0.2], 0
    for draw in range(300):
        arms = rng(26, draw).choice(3, 3000, p=shares)
        accused += split(arms, shares).mismatch_at is not None
    assert accused <= 24  # 15 expected at most; more than 24 has probability 0.01
    wrong = split(rng(27).choice(2, 20_000, p=[0.53, 0.47]), [0.5, 0.5])
    assert wrong.mismatch_at is not None
    assert wrong.counts.sum() == 20_000


def test_a_split_of_nobody_and_shares_that_are_none() -> None:
    assert isinstance(sample_ratio([], [0.5, 0.5]), NotEnough)
    for arms, shares in (([0], [0.5, 0.6]), ([0], [1.0]), ([2], [0.5, 0.5]), ([0], [0.0, 1.0])):
        with pytest.raises(BadInput):
            sample_ratio(arms, shares)
