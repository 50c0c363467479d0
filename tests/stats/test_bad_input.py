"""What every measure makes of tables that are empty, one-sided, broken or very large."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.aggregation import majority
from prefloop.stats.agreement import Percent, percent_agreement
from prefloop.stats.alpha import Alpha, krippendorff_alpha
from prefloop.stats.checks import against_others
from prefloop.stats.dawid_skene import DawidSkene, dawid_skene
from prefloop.stats.detection import detect, judged
from prefloop.stats.multirater import fleiss_kappa, gwet_ac1, gwet_ac2
from prefloop.stats.pairwise import PairwiseKappa, pairwise_kappa, pooled_kappa

MEASURES: dict[str, Callable[[Any, Any, Any], object]] = {
    "percent": lambda i, w, s: percent_agreement(i, w, s, rng(1), 50),
    "fleiss": lambda i, w, s: fleiss_kappa(i, w, s, rng(1), 50),
    "ac1": lambda i, w, s: gwet_ac1(i, w, s, None, rng(1), 50),
    "ac2": lambda i, w, s: gwet_ac2(i, w, s, "linear", None, rng(1), 50),
    "alpha": lambda i, w, s: krippendorff_alpha(i, w, s, rng(1), "interval", 50),
    "pairs": lambda i, w, s: pairwise_kappa(i, w, s),
    "pooled": lambda i, w, s: pooled_kappa(i, w, s, rng(1), replicates=50),
    "dawid-skene": lambda i, w, s: dawid_skene(i, w, s),
    "majority": lambda i, w, s: majority(i, w, s),
    "detectors": lambda i, w, s: detect(judged(i, w, s)),
    "others": lambda i, w, s: against_others(i, w, s),
}


def without_nan(found: object) -> bool:
    """Whether no number anywhere in a result is NaN."""
    if is_dataclass(found):
        return all(without_nan(getattr(found, one.name)) for one in fields(found))
    if isinstance(found, Mapping):
        return all(without_nan(value) for value in found.values())
    if isinstance(found, list | tuple):
        return all(without_nan(value) for value in found)
    if isinstance(found, float):
        return not np.isnan(found)
    return not (isinstance(found, np.ndarray) and found.dtype.kind == "f" and np.isnan(found).any())


ITEMS, PEOPLE = np.repeat(np.arange(40), 3), np.tile([0, 1, 2], 40)


@pytest.mark.parametrize("name", MEASURES)
def test_an_empty_table_is_not_enough_or_an_empty_answer(name: str) -> None:
    found = MEASURES[name]([], [], [])
    assert without_nan(found)
    if name not in ("majority", "detectors", "others"):
        assert isinstance(found, NotEnough)


@pytest.mark.parametrize("name", MEASURES)
def test_one_label_only_is_not_enough_or_an_answer_without_nan(name: str) -> None:
    found = MEASURES[name](ITEMS, PEOPLE, np.ones(120, dtype=int))
    assert without_nan(found)
    if name == "percent":  # which corrects for nothing
        assert isinstance(found, Percent)
        assert (found.agreement.estimate, found.agreement.low) == (1, 1)
        assert "40 items" in (found.caveat or "")
    elif name not in ("majority", "detectors", "others"):
        assert isinstance(found, NotEnough)


@pytest.mark.parametrize("name", MEASURES)
def test_people_without_overlap_are_not_enough_or_an_answer_without_nan(name: str) -> None:
    assert without_nan(MEASURES[name](np.arange(60), np.arange(60) % 3, rng(2).integers(0, 2, 60)))
    assert without_nan(MEASURES[name](np.arange(9), np.zeros(9, dtype=int), [0, 1, 1] * 3))


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    "labels",
    [[0, 1, None], [0, 1, "a"], ["a", "b", "a"], [0.0, 1.0, float("nan")], [0, 1, [2, 3]]],
    ids=["missing", "mixed", "words", "not a number", "nested"],
)
def test_labels_that_are_none_are_refused(name: str, labels: list[object]) -> None:
    with pytest.raises(BadInput, match=r"labels|verdicts|votes"):
        MEASURES[name]([0, 0, 0], [0, 1, 2], labels)


@pytest.mark.parametrize("name", MEASURES)
def test_items_and_annotators_that_are_no_codes_are_refused(name: str) -> None:
    for items, people in (
        ([0.5, 1.0, 1.0], [0, 1, 2]),
        ([0, 0, 0], ["ann", "ben", "cy"]),
        ([[0], [0], [0]], [0, 1, 2]),
        ([0, 0], [0, 1, 2]),
        (np.array([2**63, 0, 0], dtype=np.uint64), [0, 1, 2]),
    ):
        with pytest.raises(BadInput):
            MEASURES[name](items, people, [0, 1, 1])


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "dawid-skene"])
def test_an_annotator_who_judged_an_item_twice_is_named(name: str) -> None:
    with pytest.raises(BadInput, match="annotator 7 judged item 3 twice"):
        MEASURES[name]([3, 3, 4], [7, 7, 8], [0, 1, 1])


def test_dawid_and_skene_take_repeats_as_their_paper_does() -> None:
    found = MEASURES["dawid-skene"]([3, 3, 4, 4], [7, 7, 8, 7], [0, 1, 1, 1])
    assert isinstance(found, DawidSkene)
    assert without_nan(found)


@pytest.mark.parametrize("name", ["detectors", "majority", "others"])
def test_a_verdict_nobody_can_give_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"1, 0 or -1|1 .a., -1 .b. or 0"):
        MEASURES[name]([0, 0], [0, 1], [1, 2])


def test_ten_million_judgments_are_taken() -> None:
    n = 10_000_000
    items = np.repeat(np.arange(n // 2), 2)
    people = np.tile(np.arange(50), n // 50)
    labels = rng(3).integers(0, 2, n)
    alpha = krippendorff_alpha(items, people, labels, rng(1), replicates=20)
    assert isinstance(alpha, Alpha)
    assert alpha.alpha.n == n // 2
    assert alpha.alpha.high - alpha.alpha.low < 0.01
    pairs = pairwise_kappa(items, people, labels)
    assert isinstance(pairs, PairwiseKappa)
    assert pairs.n.sum() == n // 2
