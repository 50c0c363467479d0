"""Krippendorff's alpha, against his own examples and another implementation."""

import json
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.alpha import Alpha, Scale, krippendorff_alpha

SCALES: list[Scale] = ["nominal", "ordinal", "interval", "ratio"]
Table = dict[tuple[int, int], int]


def alpha(rows: Any, scale: Scale, replicates: int = 50) -> Alpha | NotEnough:
    """Of rows of annotators by items, None for missing."""
    cells = [(i, j, v) for j, row in enumerate(rows) for i, v in enumerate(row) if v is not None]
    items, annotators, labels = zip(*cells, strict=True)
    return krippendorff_alpha(items, annotators, labels, rng(1), scale, replicates)


@pytest.mark.parametrize("scale", SCALES)
def test_krippendorffs_example_with_missing_data(shared_reference: Path, scale: Scale) -> None:
    case = json.loads((shared_reference / "krippendorff_alpha.json").read_text())["canonical_4x12"]
    got = alpha(case["data_raters_by_units"], scale)
    assert isinstance(got, Alpha)
    assert got.alpha.estimate == pytest.approx(case["expected"][scale], abs=6e-4)
    assert got.alpha.estimate == pytest.approx(case["full_precision"][scale], abs=6e-7)
    assert (got.judgments, got.alpha.n) == (40, 11)  # the unit judged once is dropped


@pytest.mark.parametrize("scale", ["nominal", "interval"])
def test_the_wikipedia_example(shared_reference: Path, scale: Scale) -> None:
    case = json.loads((shared_reference / "krippendorff_alpha.json").read_text())["wikipedia_3x15"]
    got = alpha(case["data_raters_by_units"], scale)
    assert isinstance(got, Alpha)
    assert got.alpha.estimate == pytest.approx(case[scale], abs=1e-6)


judgments = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 4)), st.integers(0, 4), min_size=2, max_size=40
)


@given(judgments, st.sampled_from(SCALES))
def test_alpha_equals_the_krippendorff_package(table: Table, scale: Scale) -> None:
    keys = np.array(list(table))
    values = np.array(list(table.values()))
    got = krippendorff_alpha(keys[:, 0], keys[:, 1], values, rng(1), scale, replicates=20)
    dense = np.full((5, 10), np.nan)
    dense[keys[:, 1], keys[:, 0]] = values
    shared = (~np.isnan(dense)).sum(0) >= 2
    pairable = dense[:, shared][~np.isnan(dense[:, shared])]
    if isinstance(got, NotEnough):
        assert shared.sum() < 2 or len(np.unique(pairable)) == 1 or "resamples" in got.reason
        return
    expected = krippendorff.alpha(reliability_data=dense, level_of_measurement=scale)
    assert got.alpha.estimate == pytest.approx(expected, abs=1e-9)


@given(judgments, st.permutations(range(5)), st.permutations(range(10)), st.sampled_from(SCALES))
def test_names_of_items_and_annotators_change_nothing(
    table: Table, people: list[int], names: list[int], scale: Scale
) -> None:
    keys, values = np.array(list(table)), np.array(list(table.values()))
    before = krippendorff_alpha(keys[:, 0], keys[:, 1], values, rng(1), scale, 5)
    renamed = np.array(names)[keys[:, 0]], np.array(people)[keys[:, 1]]
    after = krippendorff_alpha(*renamed, values, rng(1), scale, 5)
    if isinstance(before, Alpha) and isinstance(after, Alpha):
        assert after.alpha.estimate == pytest.approx(before.alpha.estimate, abs=1e-12)


def test_an_interval_scale_ignores_shift_and_unit() -> None:
    rows = [[1, 2, 3, 4, 5, 1], [1, 2, 4, 4, 5, 2]]
    moved = [[10 + 7 * value for value in row] for row in rows]
    one, two = alpha(rows, "interval"), alpha(moved, "interval")
    assert isinstance(one, Alpha)
    assert isinstance(two, Alpha)
    assert one.alpha.estimate == pytest.approx(two.alpha.estimate)


def test_perfect_agreement_is_one_with_an_interval_of_one() -> None:
    got = alpha([[1, 2, 3, 1] * 5, [1, 2, 3, 1] * 5], "nominal")
    assert isinstance(got, Alpha)
    assert (got.alpha.estimate, got.alpha.low, got.alpha.high) == (1, 1, 1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Two people, balanced labels, each right with 0.9: alpha = 2 * 0.82 - 1 = 0.64.
    hits = 0
    for draw in range(60):
        random = rng(6, draw)
        truth = random.integers(0, 2, 300)
        items, annotators = np.repeat(np.arange(300), 2), np.tile([0, 1], 300)
        labels = truth[items] ^ (random.random(600) < 0.1)
        got = krippendorff_alpha(items, annotators, labels, random, replicates=200)
        assert isinstance(got, Alpha)
        hits += got.alpha.low <= 0.64 <= got.alpha.high
    assert hits >= 52  # 57 expected; fewer than 52 has probability 0.01


def test_one_category_one_annotator_and_nothing_are_not_enough() -> None:
    assert isinstance(krippendorff_alpha([], [], [], rng(1)), NotEnough)
    assert isinstance(alpha([[1, 2, 3]], "nominal"), NotEnough)
    assert isinstance(alpha([[1, 1], [1, 1]], "ordinal"), NotEnough)
    assert isinstance(alpha([[1], [2]], "nominal"), NotEnough)  # one item: no interval


def test_values_that_do_not_fit_the_scale_are_refused() -> None:
    with pytest.raises(BadInput, match="ratio"):
        alpha([[-1, 2], [1, 2]], "ratio")
    with pytest.raises(BadInput, match="not finite at row 0"):
        krippendorff_alpha([0, 0], [0, 1], [float("nan"), 1.0], rng(1), "interval")
    with pytest.raises(BadInput, match="scale"):
        alpha([[1, 2], [1, 2]], "cubic")  # type: ignore[arg-type]
    many = np.arange(3000)
    with pytest.raises(BadInput, match="distinct"):
        krippendorff_alpha(many, many, many, rng(1), "interval")


def test_an_alpha_whose_resamples_mostly_have_none_stands_without_its_interval() -> None:
    # Forty items judged by two, one of them 0 and 1, else 0: a third of resamples lack it. 80
    # judgments, one of them 1: 1 - 79 * (2 / 80) / (2 * 79 / 80) = 0.
    got = alpha([[0] * 40, [1] + [0] * 39], "nominal", replicates=500)
    assert isinstance(got, Alpha)
    assert got.alpha.estimate == pytest.approx(0)
    assert (got.alpha.low, got.alpha.high) == (-1, 1)
    assert got.caveat is not None
    assert "resamples" in got.caveat
