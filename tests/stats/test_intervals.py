"""Intervals and tests, against published numbers and by simulation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_oracle
from statsmodels.stats.proportion import proportion_confint

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.intervals import (
    McNemar,
    ZTest,
    bootstrap_mean,
    cluster_mean,
    equal_proportions,
    mcnemar,
    newcombe_difference,
    order_balanced_win_rate,
    student_mean,
    two_proportion_z,
    wilson,
    win_rate,
)


@pytest.fixture(scope="module")
def published(shared_reference: Path) -> Any:
    return json.loads((shared_reference / "proportion_tests.json").read_text())


def test_wilson_intervals_of_newcombe(published: Any) -> None:
    for case in published["wilson"]["cases"]:
        got = wilson(case["x"], case["n"])
        assert isinstance(got, Estimate)
        assert [got.low, got.high] == pytest.approx([case["lo"], case["hi"]], abs=6e-5)


def test_newcombes_difference(published: Any) -> None:
    case = published["newcombe_difference"]
    got = newcombe_difference(case["x1"], case["n1"], case["x2"], case["n2"])
    assert isinstance(got, Estimate)
    assert [got.low, got.high] == pytest.approx([case["lo"], case["hi"]], abs=6e-5)
    assert got.estimate == pytest.approx(56 / 70 - 48 / 80)


def test_mcnemar_of_agresti_and_wikipedia(published: Any) -> None:
    for case in published["mcnemar"]:
        (_, b), (c, _) = case["table"]
        got = mcnemar(b, c)
        assert isinstance(got, McNemar)
        assert got.chi2 == pytest.approx(case["chi2"], abs=0.006)
        for key, value, places in [
            ("p", got.p, 3),
            ("chi2_corrected", got.chi2_corrected, 2),
            ("p_corrected", got.p_corrected, 3),
            ("p_exact", got.p_exact, 3),
            ("p_mid", got.p_mid, 3),
        ]:
            if key in case:
                assert value == pytest.approx(case[key], abs=0.6 * 10**-places), key


def test_two_proportion_z(published: Any) -> None:
    case = published["two_proportion_z"]
    (x1, x2), (n1, n2) = case["count"], case["nobs"]
    got = two_proportion_z(x1, n1, x2, n2)
    assert isinstance(got, ZTest)
    assert [got.z, got.p] == pytest.approx([case["z"], case["p"]], abs=1e-12)


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_and_mcnemar_equal_statsmodels(first: int, second: int) -> None:
    if first + second == 0:
        assert isinstance(mcnemar(first, second), NotEnough)
        return
    got = wilson(first, first + second)
    assert isinstance(got, Estimate)
    expected = proportion_confint(first, first + second, method="wilson")
    assert [got.low, got.high] == pytest.approx(list(expected), abs=1e-9)
    test = mcnemar(first, second)
    assert isinstance(test, McNemar)
    oracle = mcnemar_oracle([[0, first], [second, 0]], exact=True)
    assert test.p_exact == pytest.approx(oracle.pvalue, abs=1e-9)


def test_no_trials_are_not_enough_and_impossible_counts_are_refused() -> None:
    assert isinstance(wilson(0, 0), NotEnough)
    assert isinstance(newcombe_difference(0, 0, 1, 2), NotEnough)
    assert isinstance(two_proportion_z(0, 5, 0, 5), NotEnough)
    assert isinstance(two_proportion_z(0, 0, 0, 5), NotEnough)
    for successes, n in [(3, 2), (-1, 2)]:
        with pytest.raises(BadInput, match="count"):
            wilson(successes, n)


def test_a_mean_of_single_values_has_agresti_and_coulls_interval() -> None:
    # 7 of 10: n~ = 13.8415, p~ = (7 + 1.92073) / n~ = 0.644493, spread sqrt(p~ q~ / n~) = 0.128660;
    # with the t quantile of 12.84 degrees, 2.16335: 0.644493 -+ 0.278337.
    got = cluster_mean([1] * 7 + [0] * 3, range(10))
    assert got.estimate == 0.7
    assert [got.low, got.high] == pytest.approx([0.36616, 0.92283], abs=1e-4)
    assert got.n == 10


def test_all_right_is_not_certain() -> None:
    got = cluster_mean(np.ones(10), np.arange(10))
    assert got.estimate == got.high == 1
    assert 0.6 < got.low < 0.75  # Wilson's is 0.72


def test_one_cluster_says_little_however_many_values_it_holds() -> None:
    got = cluster_mean(np.ones(500), np.zeros(500, dtype=int))
    assert (got.estimate, got.n) == (1, 1)
    assert got.low < 0.2


def test_equal_differences_on_a_scale_of_minus_one_to_one_are_not_certain_either() -> None:
    got = cluster_mean(np.zeros(50), np.arange(50), bounds=(-1, 1))
    assert got.estimate == 0
    assert got.low == pytest.approx(-got.high)
    assert 0.03 < got.high < 0.1  # the rule of three: 3/50 for each sign


def test_repeating_every_value_within_its_cluster_changes_nothing() -> None:
    values = rng(1).integers(0, 2, 40).astype(float)
    one = cluster_mean(values, np.arange(40))
    many = cluster_mean(np.repeat(values, 5), np.repeat(np.arange(40), 5))
    assert [one.low, one.high, one.n] == pytest.approx([many.low, many.high, many.n])


def test_the_interval_of_a_clustered_mean_covers_the_truth_as_often_as_it_says() -> None:
    random, hits = rng(2), 0
    for _ in range(400):
        rates = random.beta(2.1, 0.9, 60)  # mean 0.7, strongly clustered
        sizes = random.integers(1, 8, 60)
        clusters = np.repeat(np.arange(60), sizes)
        got = cluster_mean((random.random(len(clusters)) < rates[clusters]).astype(float), clusters)
        hits += got.low <= 0.7 <= got.high
    assert hits >= 370  # 380 expected; fewer than 370 has probability 0.015


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=30), st.data())
def test_the_interval_holds_the_mean_stays_on_the_scale_and_mirrors(
    values: list[float], data: st.DataObject
) -> None:
    size = len(values)
    clusters = data.draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
    got = cluster_mean(values, clusters)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    mirrored = cluster_mean(1 - np.array(values), clusters)
    assert [1 - mirrored.high, 1 - mirrored.low] == pytest.approx([got.low, got.high])


def test_means_of_nothing_or_off_the_scale_are_refused() -> None:
    with pytest.raises(BadInput, match="no values"):
        cluster_mean([], [])
    with pytest.raises(BadInput, match="outside 0 to 1: pass the bounds"):
        cluster_mean([0.5, -0.5], [0, 1])
    with pytest.raises(BadInput, match="not finite at row 1"):
        cluster_mean([0.5, float("nan")], [0, 1])
    with pytest.raises(BadInput, match="length"):
        cluster_mean([0.5], [0, 1])


def test_the_bootstrap_of_a_mean_has_the_spread_of_the_clusters() -> None:
    random = rng(3)
    level = random.normal(5, 2, 400)
    values = np.repeat(level, 3) + random.normal(0, 1, 1200)
    got = bootstrap_mean(values, np.repeat(np.arange(400), 3), random)
    assert isinstance(got, Estimate)
    # Standard error sqrt((4 + 1/3) / 400) = 0.104, interval about 0.408 wide.
    assert got.high - got.low == pytest.approx(0.408, rel=0.15)
    assert got.estimate == pytest.approx(values.mean())
    assert got.low < got.estimate < got.high


def test_the_bootstrap_of_one_cluster_or_none_is_not_enough() -> None:
    assert isinstance(bootstrap_mean([1.0, 2.0], [0, 0], rng(1)), NotEnough)
    assert isinstance(bootstrap_mean([], [], rng(1)), NotEnough)


def test_several_proportions(published: Any) -> None:
    case = published["prop_test_k"]
    got = equal_proportions(case["x"], case["n"])
    assert not isinstance(got, NotEnough)
    assert got.chi2 == pytest.approx(case["chi2"], abs=6e-5)
    assert got.df == case["df"]
    assert got.p == pytest.approx(case["p"], abs=6e-7)
    assert isinstance(equal_proportions([3], [4]), NotEnough)
    assert isinstance(equal_proportions([0, 0], [4, 5]), NotEnough)


def test_a_place_that_wins_cancels_however_unevenly_the_orders_were_used() -> None:
    # a first 6 times, won 6; a second twice, won none: 6 / 8 raw, but 1/2 over both orders.
    verdicts, first = [1] * 6 + [-1] * 2, [1] * 6 + [0] * 2
    got = order_balanced_win_rate(verdicts, first, range(8))
    assert isinstance(got, Estimate)
    assert (got.estimate, got.n) == (0.5, 8)
    assert got.low < 0.5 < got.high


def test_with_orders_used_evenly_it_is_the_win_rate_and_mirrors() -> None:
    verdicts, first = [1, 0, -1, 1, 1, -1], [1, 0, 1, 0, 1, 0]
    got = order_balanced_win_rate(verdicts, first, range(6))
    plain = win_rate(verdicts, range(6))
    assert isinstance(got, Estimate)
    assert isinstance(plain, Estimate)
    assert got.estimate == pytest.approx(plain.estimate)
    other = order_balanced_win_rate([-v for v in verdicts], [1 - f for f in first], range(6))
    assert isinstance(other, Estimate)
    assert [1 - other.high, 1 - other.low] == pytest.approx([got.low, got.high])
    assert isinstance(order_balanced_win_rate([1, 1], [1, 1], [0, 1]), NotEnough)
    with pytest.raises(BadInput):
        order_balanced_win_rate([1], [2], [0])


def test_the_order_balanced_interval_covers_the_truth_as_often_as_it_says() -> None:
    held = 0
    for draw in range(300):
        random = rng(9, draw)
        first = (random.random(400) < 0.8).astype(int)
        chance = np.where(first == 1, 0.7, 0.4)  # .55 over both orders
        verdicts = np.where(random.random(400) < chance, 1, -1)
        got = order_balanced_win_rate(verdicts, first, np.arange(400))
        assert isinstance(got, Estimate)
        held += got.low <= 0.55 <= got.high
    assert 273 <= held <= 297  # 285 expected; outside has probability below .005


def test_a_tie_is_half_a_win() -> None:
    got = win_rate([1, 1, 0, -1], [0, 1, 2, 3])
    assert isinstance(got, Estimate)
    assert got.estimate == pytest.approx((1 + 1 + 0.5) / 4)
    swapped = win_rate([-1, -1, 0, 1], [0, 1, 2, 3])
    assert isinstance(swapped, Estimate)
    assert swapped.estimate == pytest.approx(1 - got.estimate)
    assert isinstance(win_rate([], []), NotEnough)
    with pytest.raises(BadInput, match="verdicts"):
        win_rate([2], [0])


def test_a_students_interval_by_hand() -> None:
    # 1, 2, 3, 6: mean 3, s^2 = 14/3, standard error sqrt(14/12) = 1.080123; t(3, .975) = 3.182446
    found = student_mean([1, 2, 3, 6])
    assert (found.estimate, found.n) == (3.0, 4)
    assert (found.low, found.high) == pytest.approx((3 - 3.437434, 3 + 3.437434), abs=1e-5)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")], [[1.0, 2.0]]])
def test_a_mean_without_a_spread_is_refused(values: Any) -> None:
    with pytest.raises(BadInput, match="two or more finite"):
        student_mean(values)
