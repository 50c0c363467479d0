"""Two annotators, against published tables and other people's code."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.agreement import Kappa, Percent, Weights, cohen_kappa, percent_agreement
from prefloop.stats.multirater import Multirater, gwet_ac1, scott_pi

WEIGHTS: list[Weights] = ["unweighted", "linear", "quadratic"]


def from_table(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    counts = np.array(table)
    first, second = np.indices(counts.shape)
    return np.repeat(first.ravel(), counts.ravel()), np.repeat(second.ravel(), counts.ravel())


def kappa(*given: Any, **how: Any) -> Kappa:
    found = cohen_kappa(*given, **how)
    assert isinstance(found, Kappa), found
    return found


@pytest.fixture(scope="module")
def published(shared_reference: Path) -> Any:
    return json.loads((shared_reference / "cohen_kappa.json").read_text())


def test_published_tables_give_the_published_kappas(published: Any) -> None:
    for case in published["cases"]:
        digits = len(str(case["kappa"]).split(".")[1])
        got = kappa(*from_table(case["table"])).kappa.estimate
        assert got == pytest.approx(case["kappa"], abs=0.6 * 10**-digits), case["id"]


def test_the_other_measures_of_the_same_tables(published: Any) -> None:
    cases = {case["id"]: case for case in published["cases"]}
    case = cases["artstein_poesio_2008"]
    first, second = from_table(case["table"])
    found = kappa(first, second)
    assert found.observed == pytest.approx(case["po"])
    # Bennett's S takes chance to be 1 / categories, here 1/2.
    assert (found.observed - 0.5) / 0.5 == pytest.approx(case["S"])
    pi = scott_pi(first, second)
    assert isinstance(pi, Multirater)
    assert pi.coefficient.estimate == pytest.approx(case["scott_pi"], abs=6e-4)
    case = cases["gwet_paradox"]
    first, second = from_table(case["table"])
    items = np.tile(np.arange(len(first)), 2)
    ac1 = gwet_ac1(items, np.repeat([0, 1], len(first)), np.concatenate([first, second]))
    assert isinstance(ac1, Multirater)
    assert ac1.coefficient.estimate == pytest.approx(case["gwet_ac1"], abs=6e-5)


def test_the_interval_and_standard_errors_are_those_of_sas(published: Any) -> None:
    case = next(c for c in published["cases"] if c["id"] == "sas_proc_freq")
    for expected, how in [(case, "unweighted"), (case["weighted_linear"], "linear")]:
        got = kappa(*from_table(case["table"]), how)
        assert got.kappa.estimate == pytest.approx(expected["kappa"], abs=6e-5)
        assert [got.kappa.low, got.kappa.high] == pytest.approx(expected["ci"], abs=6e-5)
        assert got.se == pytest.approx(expected["ase"], abs=6e-5)
        assert got.se_null == pytest.approx(expected["ase_h0"], abs=6e-5)
        assert got.kappa.estimate / got.se_null == pytest.approx(expected["z"], abs=6e-5)


def test_an_unused_category_between_used_ones_is_dropped_as_r_does(published: Any) -> None:
    case = published["irr_anxiety"]
    ratings = np.array(case["data"])
    for how, key in [
        ("unweighted", "unweighted"),
        ("linear", "linear_equal"),
        ("quadratic", "quadratic"),
    ]:
        got = kappa(ratings[:, 1], ratings[:, 2], how).kappa.estimate
        assert got == pytest.approx(case[key], abs=1e-6)


def test_weighted_kappas_are_those_asserted_in_scikit_learn(published: Any) -> None:
    case = published["sklearn_weighted"]
    first, second = [0] * 46 + [1] * 44 + [2] * 10, [0] * 50 + [1] * 40 + [2] * 10
    for how in WEIGHTS:
        assert kappa(first, second, how).kappa.estimate == pytest.approx(case[how], abs=6e-5)


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60)


@given(labels, st.sampled_from(WEIGHTS))
def test_kappa_equals_scikit_learn_and_its_error_statsmodels(
    pairs: list[tuple[int, int]], how: Weights
) -> None:
    first, second = np.array(pairs).T
    got = cohen_kappa(first, second, how, categories=4)
    assume(isinstance(got, Kappa))
    assert isinstance(got, Kappa)
    named = None if how == "unweighted" else how
    expected = cohen_kappa_score(first, second, weights=named, labels=[0, 1, 2, 3])
    assert got.kappa.estimate == pytest.approx(expected, abs=1e-9)
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    with np.errstate(all="ignore"):  # its rounding can leave a negative variance
        oracle = cohens_kappa(table, wt=named)
    variance = float(oracle.var_kappa)
    assert got.se**2 == pytest.approx(max(variance, 0), abs=1e-9)


@given(labels, st.randoms(use_true_random=False), st.sampled_from(WEIGHTS))
def test_kappa_ignores_the_order_of_items_and_of_annotators(
    pairs: list[tuple[int, int]], random: Any, how: Weights
) -> None:
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    first, second = np.array(pairs).T
    again, other = np.array(shuffled).T
    before, after = cohen_kappa(first, second, how), cohen_kappa(other, again, how)
    if isinstance(before, NotEnough):
        assert before == after
        return
    assert isinstance(after, Kappa)
    assert after.kappa.estimate == pytest.approx(before.kappa.estimate, abs=1e-12)
    assert after.se == pytest.approx(before.se, abs=1e-9)


def test_perfect_agreement_is_one_and_perfect_disagreement_minus_one() -> None:
    assert kappa([0, 1, 0, 1], [0, 1, 0, 1]).kappa.estimate == 1
    assert kappa([0, 1, 0, 1], [1, 0, 1, 0]).kappa.estimate == -1


def test_one_category_or_no_item_is_not_enough() -> None:
    assert isinstance(cohen_kappa([1, 1, 1], [1, 1, 1]), NotEnough)
    assert isinstance(cohen_kappa([], []), NotEnough)


def test_columns_of_different_length_and_codes_that_are_no_codes_are_refused() -> None:
    with pytest.raises(BadInput, match="differ in length"):
        cohen_kappa([0, 1], [0])
    with pytest.raises(BadInput, match="whole-number"):
        cohen_kappa([0.5, 1.0], [0, 1])
    with pytest.raises(BadInput, match="outside"):
        cohen_kappa([0, 3], [0, 1], categories=3)


def test_percent_agreement_averages_pairs_within_items() -> None:
    # item 0: a a b -> 1 of 3 pairs agree; item 1: a a -> 1; item 2 is judged once. Mean 2/3.
    found = percent_agreement([0, 0, 0, 1, 1, 2], [1, 2, 3, 1, 2, 1], [0, 0, 1, 0, 0, 1])
    assert isinstance(found, Percent)
    assert found.agreement.estimate == pytest.approx(2 / 3)
    assert found.agreement.n == 2


def test_percent_agreement_without_overlap_is_not_enough() -> None:
    assert isinstance(percent_agreement([0, 1], [1, 2], [0, 0]), NotEnough)
    assert isinstance(percent_agreement([], [], []), NotEnough)


def test_an_annotator_who_judged_an_item_twice_is_named() -> None:
    with pytest.raises(BadInput, match="annotator 7 judged item 3 twice"):
        percent_agreement([3, 3], [7, 7], [0, 1])
