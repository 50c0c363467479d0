"""Fleiss, Scott and Gwet, against their own worked examples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa as oracle

from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.agreement import cohen_kappa, percent_agreement
from prefloop.stats.alpha import Alpha, krippendorff_alpha
from prefloop.stats.multirater import (
    Multirater,
    fleiss_chance_z,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    scott_pi,
)

Long = tuple[np.ndarray, np.ndarray, np.ndarray]


def long_from_rows(rows: list[list[Any]]) -> Long:
    """Rows of items by annotators, None for missing."""
    cells = [(i, j, v) for i, row in enumerate(rows) for j, v in enumerate(row) if v is not None]
    items, annotators, labels = np.array(cells).T
    return items, annotators, labels


def long_from_counts(counts: np.ndarray) -> Long:
    return long_from_rows([np.repeat(np.arange(len(row)), row).tolist() for row in counts])


def known(found: Multirater | NotEnough) -> Multirater:
    assert isinstance(found, Multirater), found
    return found


def test_the_wikipedia_example(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "fleiss_kappa.json").read_text())["wikipedia_10x14"]
    got = known(fleiss_kappa(*long_from_counts(np.array(case["counts"]))))
    assert got.coefficient.estimate == pytest.approx(case["kappa"], abs=6e-6)
    assert got.observed == pytest.approx(case["Pbar"], abs=6e-4)
    assert got.expected == pytest.approx(case["Pe"], abs=6e-4)


def test_the_diagnoses_of_fleiss_1971_in_all_and_by_category(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "fleiss_kappa.json").read_text())["fleiss_1971"]
    got = known(fleiss_kappa(*long_from_rows(case["ratings_30x6"])))
    assert got.coefficient.estimate == pytest.approx(case["kappa"], abs=1e-7)
    assert got.observed == pytest.approx(case["Pbar"], abs=6e-5)
    assert got.expected == pytest.approx(case["Pe"], abs=6e-5)
    by_category = [got.by_category[label] for label in range(1, 6)]
    assert by_category == pytest.approx(list(case["per_category_kappa"].values()), abs=6e-4)


def test_scott_pi_of_artstein_and_poesio(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "scott_pi_gwet_ac1.json").read_text())
    counts = np.array(case["artstein_poesio_2008"]["table"])
    first, second = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices((2, 2)))
    got = known(scott_pi(first, second))
    assert got.coefficient.estimate == pytest.approx(
        case["artstein_poesio_2008"]["scott_pi"], abs=6e-4
    )


def test_ac1_stays_high_where_kappa_collapses(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "scott_pi_gwet_ac1.json").read_text())["gwet_paradox"]
    counts = np.array(case["table"])
    first, second = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices((2, 2)))
    items = np.tile(np.arange(len(first)), 2)
    got = known(gwet_ac1(items, np.repeat([0, 1], len(first)), np.concatenate([first, second])))
    assert got.coefficient.estimate == pytest.approx(case["gwet_ac1"], abs=6e-5)


def test_four_raters_with_missing_values_as_in_gwets_handbook(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "scott_pi_gwet_ac1.json").read_text())
    case = case["gwet_raw_4raters"]
    data = long_from_rows(case["data_units_by_raters"])
    got = known(gwet_ac1(*data))
    assert got.coefficient.estimate == pytest.approx(case["AC1"], abs=1e-5)
    assert got.se == pytest.approx(case["AC1_se"], abs=1e-5)
    interval = [got.coefficient.low, got.coefficient.high]
    assert interval == pytest.approx(case["AC1_ci"], abs=1e-5)
    kappa = known(fleiss_kappa(*data)).coefficient.estimate
    assert kappa == pytest.approx(case["fleiss_missing"], abs=1e-5)


def test_the_parts_of_the_wikipedia_example(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "fleiss_kappa.json").read_text())["wikipedia_10x14"]
    counts = np.array(case["counts"])
    got = known(fleiss_kappa(*long_from_counts(counts)))
    assert (got.observed, got.expected) == pytest.approx((case["Pbar"], case["Pe"]), abs=6e-4)
    assert (counts.sum(0) / counts.sum()).tolist() == pytest.approx(case["p_j"], abs=6e-4)
    for row, expected in zip(counts, case["P_i"], strict=True):
        alone = percent_agreement(*long_from_counts(row[None]))
        assert not isinstance(alone, NotEnough)
        assert alone.agreement.estimate == pytest.approx(expected, abs=6e-4)


def test_the_z_of_fleiss_1971(shared_reference: Path) -> None:
    case = json.loads((shared_reference / "fleiss_kappa.json").read_text())["fleiss_1971"]
    data = long_from_rows(case["ratings_30x6"])
    assert fleiss_chance_z(*data) == pytest.approx(case["z"], abs=1e-4)
    got = known(fleiss_kappa(*data))
    assert (got.observed, got.expected) == pytest.approx((case["Pbar"], case["Pe"]), abs=6e-5)
    assert isinstance(fleiss_chance_z(*(column[:-1] for column in data)), NotEnough)


def test_the_other_answers_on_gwets_tables(shared_reference: Path) -> None:
    tables = json.loads((shared_reference / "scott_pi_gwet_ac1.json").read_text())
    case = tables["gwet_raw_4raters"]
    data = long_from_rows(case["data_units_by_raters"])
    alpha = krippendorff_alpha(*data, np.random.default_rng(1), replicates=50)
    assert isinstance(alpha, Alpha)
    assert alpha.alpha.estimate == pytest.approx(case["krippendorff"], abs=1e-5)
    for name in ("gwet_paradox", "artstein_poesio_2008"):
        counts = np.array(tables[name]["table"])
        first, second = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices((2, 2)))
        kappa = cohen_kappa(first, second)
        assert not isinstance(kappa, NotEnough)
        assert kappa.kappa.estimate == pytest.approx(tables[name]["cohen_kappa"], abs=6e-4)
    # Bennett's S takes chance to be 1 / categories: (.7 - .5) / .5 on Artstein and Poesio's table.
    seen = known(scott_pi(first, second)).observed
    assert (seen - 0.5) / 0.5 == pytest.approx(tables["artstein_poesio_2008"]["S"])


def test_ac2_without_partial_credit_is_ac1_and_by_hand_with_it() -> None:
    rows = [[0, 0], [0, 1], [1, 2], [2, 2]]
    data = long_from_rows(rows)
    plain, same = known(gwet_ac1(*data)), known(gwet_ac2(*data, "unweighted"))
    assert same.coefficient == plain.coefficient
    # Linear credit 1, 1/2, 0: seen (1 + 1/2 + 1/2 + 1) / 4 = 3/4. Shares 3/8, 2/8, 3/8; T_w =
    # 3 + 4 * 1/2 = 5, so expected 5 / 6 * (15 + 12 + 15) / 64 = 35 / 64: (48 - 35) / (64 - 35).
    got = known(gwet_ac2(*data, "linear"))
    assert got.coefficient.estimate == pytest.approx(13 / 29)
    # An unused fourth category makes the credit of neighbours 2/3.
    wider = known(gwet_ac2(*data, "linear", categories=4))
    assert wider.observed == pytest.approx((1 + 2 / 3 + 2 / 3 + 1) / 4)
    with pytest.raises(BadInput, match="outside"):
        gwet_ac2(*data, categories=2)


ratings = st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=20)


@given(ratings)
def test_fleiss_equals_statsmodels(rows: list[list[int]]) -> None:
    got = fleiss_kappa(*long_from_rows(rows))
    counts = np.array([np.bincount(row, minlength=4) for row in rows])
    if isinstance(got, NotEnough):
        assert (counts > 0).any(0).sum() == 1
        return
    assert got.coefficient.estimate == pytest.approx(float(oracle(counts)), abs=1e-9)


@given(ratings, st.permutations(range(4)), st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(
    rows: list[list[int]], names: list[int], random: Any
) -> None:
    for measure in (fleiss_kappa, gwet_ac1):
        before = measure(*long_from_rows(rows))
        shuffled = [[names[label] for label in row] for row in rows]
        random.shuffle(shuffled)
        shuffled = [random.sample(row, 4) for row in shuffled]
        after = measure(*long_from_rows(shuffled))
        if isinstance(before, NotEnough):
            assert before == after
            continue
        assert known(after).coefficient.estimate == pytest.approx(before.coefficient.estimate)
        assert known(after).se == pytest.approx(before.se, abs=1e-9)


def test_perfect_agreement_is_one() -> None:
    rows = [[0, 0, 0], [1, 1, 1]]
    assert known(fleiss_kappa(*long_from_rows(rows))).coefficient.estimate == 1
    assert known(gwet_ac1(*long_from_rows(rows))).coefficient.estimate == 1


def test_one_category_one_annotator_and_nothing_are_not_enough() -> None:
    for measure in (fleiss_kappa, gwet_ac1):
        assert isinstance(measure([], [], []), NotEnough)
        assert isinstance(measure([0, 1], [0, 0], [0, 1]), NotEnough)
        assert isinstance(measure([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]), NotEnough)
    assert isinstance(scott_pi([], []), NotEnough)


def test_ac1_of_one_used_category_exists_when_more_were_offered() -> None:
    # Everybody agrees; chance of two offered categories is 0 when one is never used: AC1 = 1.
    found = known(gwet_ac1([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0], categories=2))
    assert found.coefficient.estimate == 1
    with pytest.raises(BadInput, match="in use"):
        gwet_ac1([0, 0], [0, 1], [0, 1], categories=1)
