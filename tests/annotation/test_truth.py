"""The vote and the model of errors, against gold answers and against each other."""

import numpy as np
import pytest

from prefloop.annotation import truth
from prefloop.annotation.labels import UNKNOWN, Labels
from prefloop.annotation.truth import Gold
from prefloop.core.digest import rng
from prefloop.stats import NotEnough


def labels(item: np.ndarray, who: np.ndarray, said: np.ndarray, gold: np.ndarray) -> Labels:
    n = len(item)
    return Labels(
        [f"q{code}" for code in range(len(gold))],
        [f"p{code}" for code in range(int(who.max()) + 1)],
        ("no", "yes"),
        "nominal",
        item,
        who,
        said,
        np.full(n, -1),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        [""] * len(gold),
        gold,
    )


def crowd(items: int = 200) -> Labels:
    """Two who know (.95), five who guess together (.55), about a truth that is known."""
    random = rng(3)
    answer = random.integers(0, 2, items)
    item, who = np.repeat(np.arange(items), 7), np.tile(np.arange(7), items)
    right = random.random(len(item)) < np.where(who < 2, 0.95, 0.55)
    return labels(item, who, np.where(right, answer[item], 1 - answer[item]), answer)


def test_where_few_know_the_model_beats_the_vote_on_gold_answers() -> None:
    found = truth.compared(crowd(), 0)
    assert isinstance(found.gold, Gold)
    assert found.gold.dawid_skene.low > found.gold.majority.estimate
    assert found.gold.only_dawid_skene > found.gold.only_majority
    assert found.gold.p < 0.01
    assert found.warnings == []
    said = truth.lines(found)
    assert said[0] == "right on 200 items with a gold answer:"
    assert truth.as_json(found)["gold"]["majority"]["n"] == 200
    assert "not_enough" in truth.as_json(found)["halves"]  # seven people are no two halves


def test_a_level_vote_names_no_answer_by_hand() -> None:
    # Twelve items of two people: they agree on the first ten, on nine rightly; the rest is level.
    item, who = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    answer = np.array([0, 1] * 6)
    said = answer[item].copy()
    said[18:20] = 1 - said[18:20]  # item 9: both wrong
    said[21], said[23] = 1 - said[21], 1 - said[23]  # items 10 and 11: the second is wrong
    found = truth.compared(labels(item, who, said, answer), 0)
    assert isinstance(found.gold, Gold)
    assert found.gold.majority.estimate == pytest.approx(9 / 12)
    assert found.gold.level == 2
    assert ", 2 level" in truth.lines(found)[1]


def test_items_without_a_gold_answer_take_no_part() -> None:
    known = crowd()
    gold = known.gold.copy()
    gold[9:] = UNKNOWN
    few = truth.compared(labels(known.item, known.annotator, known.label, gold), 0)
    assert few.gold == NotEnough("9 judged items have a gold answer: at least 10 are needed")
    assert truth.lines(few) == []


def test_one_label_only_is_not_enough_everywhere() -> None:
    known = crowd(40)
    same = labels(known.item, known.annotator, np.ones_like(known.label), known.gold)
    found = truth.compared(same, 0)
    assert isinstance(found.gold, NotEnough)
    assert set(truth.as_json(found)["disputed"]) == {"not_enough"}
    assert truth.lines(found) == []
