"""Expected calibration error by its published definition."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.calibration import (
    CalibrationBins,
    calibration_bins,
    expected_calibration_error,
)


def test_the_torchmetrics_example(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "ece.json").read_text())["cases"][0]
    found = calibration_bins(case["conf"], case["y"], case["n_bins"])
    assert isinstance(found, CalibrationBins)
    got = [found.error, found.root_mean_square, found.largest]
    assert got == pytest.approx([case["l1"], case["l2"], case["max"]], abs=6e-5)
    again = expected_calibration_error(case["conf"], case["y"], rng(1), bins=case["n_bins"])
    assert again.estimate == pytest.approx(case["l1"], abs=1e-9)
    assert again.low <= again.estimate <= again.high


def test_the_worked_example_of_confidence_in_the_chosen_class(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "ece.json").read_text())["cases"][1]
    chances = np.array(case["probs"])
    right = chances.argmax(1) == case["labels"]
    got = expected_calibration_error(chances.max(1), right, rng(1), bins=case["n_bins"])
    assert got.estimate == pytest.approx(case["ece"], abs=6e-6)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    found = calibration_bins([0.0, 0.5, 0.51, 1.0], [0, 0, 1, 1], 2)
    assert isinstance(found, CalibrationBins)
    assert found.size.tolist() == [2, 2]
    assert found.probability.tolist() == pytest.approx([0.25, 0.755])
    assert (found.low.tolist(), found.high.tolist()) == ([0, 0.5], [0.5, 1])


cases = st.lists(st.tuples(st.floats(0.001, 0.999), st.integers(0, 1)), min_size=1, max_size=50)


@given(cases, st.integers(1, 12))
def test_bins_equal_those_of_scikit_learn(rows: list[tuple[float, int]], bins: int) -> None:
    given_, happened = np.array(rows).T
    if np.isin(given_, np.arange(bins + 1) / bins).any():
        return  # scikit-learn closes bins on the other side
    found = calibration_bins(given_, happened, bins)
    assert isinstance(found, CalibrationBins)
    share, mean = calibration_curve(happened, given_, n_bins=bins, pos_label=1)
    np.testing.assert_allclose(found.share, share, atol=1e-12)
    np.testing.assert_allclose(found.probability, mean, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "off", "least"),
    # Of 150 at 95 % 142 are expected, and fewer than 136 have probability 0.01.
    [(1000, 0.0, 136), (300, 0.0, 136), (1000, 0.03, 136), (300, 0.1, 136)],
)
def test_the_interval_holds_the_true_error(rows: int, off: float, least: int) -> None:
    # Events happen with probability p + off, of p uniform in 0..1-off: an error of `off` itself.
    held = 0
    for draw in range(150):
        random = rng(6, draw)
        chance = random.random(rows) * (1 - off)
        outcome = random.random(rows) < chance + off
        got = expected_calibration_error(chance, outcome, random, replicates=200)
        held += got.low <= off <= got.high
    assert held >= least


def test_an_error_in_few_bins_is_held_too() -> None:
    held = 0
    for draw in range(150):
        random = rng(7, draw)
        chance = random.random(1000)
        middle = np.abs(chance - 0.5) < 0.1
        outcome = random.random(1000) < chance + 0.25 * middle  # 0.2 * 0.25 = 0.05
        got = expected_calibration_error(chance, outcome, random, replicates=200)
        held += got.low <= 0.05 <= got.high
    assert held >= 130  # 93 % of them measured; fewer than 130 has probability 0.01


def test_a_sure_model_that_was_never_wrong_may_still_be_calibrated_or_not() -> None:
    # A hundred events of .99: 37 % of calibrated models do that, and no gap varies.
    got = expected_calibration_error(np.full(100, 0.99), np.ones(100), rng(1))
    assert got.estimate == pytest.approx(0.01)
    assert got.low == 0
    assert got.high > 0.03


def test_an_overconfident_model_is_caught() -> None:
    random = rng(3)
    outcome = random.random(4000) < 0.7
    got = expected_calibration_error(np.full(4000, 0.95), outcome, random)
    assert got.estimate == pytest.approx(0.25, abs=0.03)
    assert 0.2 < got.low < got.estimate < got.high < 0.3


def test_clusters_widen_the_interval_and_are_counted() -> None:
    random = rng(4)
    outcome = np.repeat(random.random(200) < 0.7, 10)
    rows = expected_calibration_error(np.full(2000, 0.8), outcome, rng(5))
    prompts = expected_calibration_error(
        np.full(2000, 0.8), outcome, rng(5), clusters=np.repeat(np.arange(200), 10)
    )
    assert (rows.n, prompts.n) == (2000, 200)
    ratio = (prompts.high - prompts.low) / (rows.high - rows.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.25)


def test_one_row_has_the_whole_scale_as_its_interval() -> None:
    got = expected_calibration_error([0.9], [1], rng(1))
    assert got.estimate == pytest.approx(0.1)
    assert (got.low, got.high, got.n) == (0, 1, 1)


def test_nothing_and_values_that_are_no_probabilities_are_refused() -> None:
    assert isinstance(calibration_bins([], []), NotEnough)
    with pytest.raises(BadInput, match="no probabilities"):
        expected_calibration_error([], [], rng(1))
    for chance, outcome, bins in [(1.2, 1.0, 10), (0.5, 0.5, 10), (0.5, 1.0, 0)]:
        with pytest.raises(BadInput):
            calibration_bins([chance], [outcome], bins)
