"""The patients of Dawid and Skene, and worlds whose truth is known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.dawid_skene import DawidSkene, dawid_skene


def known(*given_: Any, **how: Any) -> DawidSkene:
    found = dawid_skene(*given_, **how)
    assert isinstance(found, DawidSkene), found
    return found


@pytest.fixture(scope="module")
def patients(shared_reference: Path) -> Any:
    return json.loads((shared_reference / "dawid_skene_1979.json").read_text())


def long(case: Any) -> np.ndarray:
    rows = [
        (int(patient), int(observer), grade)
        for patient, observers in case["responses"].items()
        for observer, grades in observers.items()
        for grade in grades
    ]
    return np.array(rows).T


def test_the_published_maximum_is_found(patients: Any) -> None:
    got = known(*long(patients), smoothing=0, tolerance=1e-10)
    assert got.converged
    np.testing.assert_allclose(got.prior, patients["priors"], atol=1e-6)
    np.testing.assert_allclose(got.prior, patients["priors_published"], atol=0.006)
    rates = patients["error_rates_observer_true_reported"]
    np.testing.assert_allclose(got.error_rates, rates, atol=1e-6)
    np.testing.assert_allclose(got.posterior, patients["posteriors"], atol=1e-6)
    assert got.verdict.tolist() == patients["map_class"]
    assert got.log_likelihood == pytest.approx(patients["log_likelihood"], abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_the_objective_never_falls_on_the_patients(patients: Any, smoothing: float) -> None:
    got = known(*long(patients), smoothing=smoothing)
    assert (np.diff(got.objective) > -1e-9).all()


judgments = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(0, 2)), min_size=4, max_size=50
)


@settings(max_examples=50)
@given(judgments, st.sampled_from([0.0, 0.1, 1.0]))
def test_the_objective_never_falls_on_anything(
    rows: list[tuple[int, int, int]], smoothing: float
) -> None:
    got = dawid_skene(*np.array(rows).T, smoothing=smoothing, steps=100)
    if isinstance(got, NotEnough):
        return
    assert (np.diff(got.objective) > -1e-9 * (1 + np.abs(got.objective[1:]))).all()
    np.testing.assert_allclose(got.posterior.sum(1), 1)
    np.testing.assert_allclose(got.error_rates.sum(2), 1)


@settings(max_examples=30)
@given(judgments, st.permutations(range(4)), st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(
    rows: list[tuple[int, int, int]], people: list[int], random: Any
) -> None:
    before = dawid_skene(*np.array(rows).T)
    renamed = [(item, people[who], label) for item, who, label in rows]
    random.shuffle(renamed)
    after = dawid_skene(*np.array(renamed).T)
    if isinstance(before, NotEnough):
        assert before == after
        return
    assert isinstance(after, DawidSkene)
    np.testing.assert_allclose(after.posterior, before.posterior, atol=1e-6)


def test_a_known_world_is_recovered_and_beats_the_majority() -> None:
    random = rng(1)
    accuracy = np.array([0.95, 0.9, 0.55, 0.5, 0.5])
    truth = random.integers(0, 2, 2000)
    items, annotators = np.repeat(np.arange(2000), 5), np.tile(np.arange(5), 2000)
    labels = truth[items] ^ (random.random(10_000) > accuracy[annotators])
    got = known(items, annotators, labels)
    majority = (labels.reshape(-1, 5).sum(1) > 2).astype(int)
    assert (got.verdict == truth).mean() > (majority == truth).mean() + 0.05
    found = got.error_rates[:, [0, 1], [0, 1]].mean(1)
    np.testing.assert_allclose(found, accuracy, atol=0.04)


def test_one_label_one_annotator_or_nothing_is_not_enough() -> None:
    assert isinstance(dawid_skene([], [], []), NotEnough)
    assert isinstance(dawid_skene([0, 1], [0, 1], [1, 1]), NotEnough)
    assert isinstance(dawid_skene([0, 1], [0, 0], [0, 1]), NotEnough)


def test_items_judged_once_each_tell_no_errors() -> None:
    found = dawid_skene(np.arange(40), np.arange(40) % 4, np.arange(40) % 2)
    assert isinstance(found, NotEnough)
    assert "two annotators" in found.reason
    # Repeats of one person are no second opinion.
    assert isinstance(dawid_skene([0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]), NotEnough)


def test_by_default_the_verdicts_are_those_of_the_maximum() -> None:
    random = rng(7)
    truth, skill = random.integers(0, 2, 2000), random.uniform(0.52, 0.85, 60)
    items = np.repeat(np.arange(2000), 3)
    people = np.concatenate([random.choice(60, 3, replace=False) for _ in range(2000)])
    labels = truth[items] ^ (random.random(6000) > skill[people])
    got, most = known(items, people, labels), known(items, people, labels, tolerance=1e-14)
    assert got.converged
    assert most.objective[-1] - got.objective[-1] < 1e-4
    assert (got.verdict != most.verdict).sum() <= 1  # with 1e-6 it is about 15


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(BadInput, match="smoothing"):
        dawid_skene([0, 1], [0, 1], [0, 1], smoothing=-1)
