"""Long-format input, checked once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.stats.columns import columns, compact, whole

codes = st.lists(st.one_of(st.integers(0, 5), st.integers(-(10**15), 10**15)), max_size=30)


@given(codes)
def test_compact_codes_point_back_at_the_given_ones(given_: list[int]) -> None:
    values = np.array(given_, dtype=np.int64)
    distinct, position = compact(values)
    np.testing.assert_array_equal(distinct, np.unique(values))
    np.testing.assert_array_equal(distinct[position], values)


def test_rows_are_sorted_by_item_and_remember_where_they_came_from() -> None:
    found = columns([9, 4, 9], [2, 2, 1], [5, 6, 7])
    assert found.item_codes.tolist() == [4, 9]
    assert found.items.tolist() == [0, 1, 1]
    assert found.order.tolist() == [1, 2, 0]
    assert found.starts.tolist() == [0, 1, 3]
    assert found.counts.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_unusable_columns_are_refused_in_one_line() -> None:
    cases: list[tuple[list[object], str]] = [
        ([[0], [0, 1], [0]], "items 1, annotators 2, labels 1"),
        ([[0.5], [0], [0]], "items must be whole-number codes"),
        ([["x"], [0], [0]], "items must be whole-number codes"),
        ([[[0]], [0], [0]], "one column"),
        ([[1, 1], [8, 8], [0, 1]], "annotator 8 judged item 1 twice"),
    ]
    for given_, message in cases:
        with pytest.raises(BadInput, match=message) as error:
            columns(*given_)  # type: ignore[arg-type]
        assert "\n" not in str(error.value)


def test_labels_may_be_numbers_where_the_measure_says_so() -> None:
    found = columns([0, 0], [0, 1], [1.5, 0.5], numeric=True)
    assert found.label_codes.tolist() == [0.5, 1.5]
    with pytest.raises(BadInput, match="not finite"):
        columns([0], [0], [float("inf")], numeric=True)
    with pytest.raises(BadInput, match="must be numbers"):
        columns([0], [0], ["high"], numeric=True)


def test_empty_columns_are_columns() -> None:
    assert len(whole("items", [])) == 0
    assert columns([], [], []).starts.tolist() == [0]
