"""One annotator beside all others: Cohen's kappa where there are two, and what there is of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.agreement import Kappa, cohen_kappa
from prefloop.stats.with_others import WithOthers, with_others


def test_two_annotators_have_cohens_kappa_and_nearly_its_interval() -> None:
    random = rng(1)
    truth = random.integers(0, 3, 300)
    one, other = (np.where(random.random(300) < 0.7, truth, 0) for _ in range(2))
    items = np.arange(300)
    found = with_others(np.r_[items, items], np.repeat([4, 9], 300), np.r_[one, other])
    known = cohen_kappa(one, other)
    assert isinstance(known, Kappa)
    for who in (4, 9):
        beside = found[who]
        assert isinstance(beside, WithOthers)
        assert isinstance(beside.kappa, Estimate)
        assert beside.kappa.estimate == pytest.approx(known.kappa.estimate)
        assert beside.kappa.low == pytest.approx(known.kappa.low, abs=0.005)
        assert beside.kappa.high == pytest.approx(known.kappa.high, abs=0.005)
        assert beside.percent.estimate == pytest.approx(known.observed)


def test_by_hand_with_two_others() -> None:
    # Annotator 0 says 1 0; the others say 1 1 and 0 1.
    # Seen: (2/2 + 1/2) / 2 = 3/4. Own: 1/2, 1/2. Others say 1 on (1 + 1/2) / 2 = 3/4 of it.
    # Expected: 1/2 * 3/4 + 1/2 * 1/4 = 1/2. Kappa: (3/4 - 1/2) / (1/2) = 1/2.
    found = with_others([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [1, 1, 1, 0, 0, 1])[0]
    assert isinstance(found, WithOthers)
    assert isinstance(found.kappa, Estimate)
    assert found.percent.estimate == pytest.approx(0.75)
    assert found.kappa.estimate == pytest.approx(0.5)
    assert found.kappa.n == 2


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Three people right with .85 of two labels: kappa of one with the others 2*(.85²+.15²)-1 = .49.
    hits = 0
    for draw in range(80):
        random = rng(5, draw)
        truth = random.integers(0, 2, 200)
        items, who = np.repeat(np.arange(200), 3), np.tile([0, 1, 2], 200)
        found = with_others(items, who, truth[items] ^ (random.random(600) < 0.15))[0]
        assert isinstance(found, WithOthers)
        assert isinstance(found.kappa, Estimate)
        hits += found.kappa.low <= 0.49 <= found.kappa.high
    assert hits >= 70  # 76 expected


@given(st.integers(0, 10_000))
def test_other_names_and_another_order_change_nothing(seed: int) -> None:
    random = rng(seed)
    items, who = np.repeat(np.arange(12), 3), np.tile([0, 1, 2], 12)
    labels = random.integers(-1, 2, 36)
    order = random.permutation(36)
    before = with_others(items, who, labels)
    after = with_others(items[order] * 7 + 3, who[order] + 10, labels[order])
    assert {code + 10: one for code, one in before.items()} == pytest.approx(after)


def test_nobody_else_one_item_and_one_label_throughout() -> None:
    assert with_others([], [], []) == {}
    alone = with_others([0, 1, 2], [0, 0, 1], [1, 1, 0])
    assert all(isinstance(one, NotEnough) for one in alone.values())
    single = with_others([0, 0], [0, 1], [0, 1])[0]
    assert isinstance(single, WithOthers)
    assert isinstance(single.kappa, NotEnough)
    same = with_others([0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1])[0]
    assert isinstance(same, WithOthers)
    assert isinstance(same.kappa, NotEnough)
    assert same.percent.estimate == 1.0
    with pytest.raises(BadInput, match="twice"):
        with_others([0, 0], [1, 1], [0, 1])
