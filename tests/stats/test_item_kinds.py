"""Items of one kind, drawn together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.stats import NotEnough
from prefloop.stats.columns import columns
from prefloop.stats.item_kinds import kinds, over_items

tables = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 4)), st.integers(-9, 9), max_size=60
)


@given(tables, st.integers(1, 3), st.integers(1, 1000))
def test_kinds_hold_every_item_once_with_its_labels(
    table: dict[tuple[int, int], int], least: int, scale: int
) -> None:
    keys = np.array(list(table), dtype=int).reshape(-1, 2)
    labels = np.array(list(table.values()), dtype=int) * scale
    data = columns(keys[:, 0], keys[:, 1], labels)
    found = kinds(data, least)
    counts = data.counts[data.counts.sum(1) >= least]
    assert found.items.sum() == len(counts) == len(found.of)
    if not len(counts):
        return
    np.testing.assert_array_equal(found.counts[found.of], counts)
    assert len(np.unique(found.counts, axis=0)) == len(found.items)  # no two kinds are alike


def test_very_many_labels_are_told_apart_by_random_names() -> None:
    random = rng(1)
    item, who = np.repeat(np.arange(500), 2), np.tile([0, 1], 500)
    data = columns(item, who, random.integers(0, 300, 1000))
    found = kinds(data)
    np.testing.assert_array_equal(found.counts[found.of], data.counts)


def test_drawing_kinds_has_the_spread_of_drawing_items() -> None:
    random = rng(2)
    item, who = np.repeat(np.arange(800), 2), np.tile([0, 1], 800)
    said = random.integers(0, 2, 1600)
    found = kinds(columns(item, who, said))
    share = found.counts[:, 1:] / 2  # (P, 1)
    drawn = over_items(share, found, lambda sums: sums[:, 0] / 800, rng(3), 4000)
    assert not isinstance(drawn, NotEnough)
    each = np.bincount(item, said) / 2
    assert drawn.mean() == pytest.approx(each.mean(), abs=0.001)
    assert drawn.std() == pytest.approx(each.std() / np.sqrt(800), rel=0.05)


def test_more_kinds_than_are_drawn_one_by_one_have_that_spread_too() -> None:
    random = rng(4)
    item, who = np.repeat(np.arange(9000), 2), np.tile([0, 1], 9000)
    said = random.integers(0, 500, 18000)
    found = kinds(columns(item, who, said))
    assert len(found.items) > 2000
    value = found.counts @ np.arange(500)
    sums = np.column_stack([value, np.ones(len(value))])
    drawn = over_items(sums, found, lambda at: at[:, 0] / at[:, 1], rng(5), 2000)
    assert not isinstance(drawn, NotEnough)
    each = np.bincount(item, said)
    assert drawn.std() == pytest.approx(each.std() / np.sqrt(9000), rel=0.1)


def test_nothing_has_no_kinds() -> None:
    found = kinds(columns([], [], []))
    assert len(found.items) == len(found.of) == 0
