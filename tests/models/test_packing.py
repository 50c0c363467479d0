"""Tests of the packed batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.models.packing import Row, by_budget, costs, fit, pack

ROW = Row([10, 11], ([20, 21, 22], [30, 31]))


def test_a_shared_row_holds_the_prompt_once_and_restarts_positions_after_it() -> None:
    batch = pack([ROW], [0], shared=True)
    assert batch.input_ids.tolist() == [[10, 11, 20, 21, 22, 30, 31]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 2, 3]]
    assert batch.segments.tolist() == [[0, 0, 1, 1, 1, 2, 2]]
    assert batch.tokens == 7


def test_every_completion_token_is_foretold_by_the_token_before_it_or_the_end_of_the_prompt() -> (
    None
):
    batch = pack([ROW], [0], shared=True)
    # 20 and 30 both follow the prompt's last token at position 1.
    assert batch.targets.tolist() == [20, 21, 22, 30, 31]
    assert batch.predicts.tolist() == [1, 2, 3, 1, 5]
    assert batch.owner.tolist() == [0, 0, 0, 1, 1]
    assert batch.ends.tolist() == [4, 6]


def test_separate_rows_name_the_same_tokens_in_the_same_order() -> None:
    batch = pack([ROW], [0], shared=False)
    assert batch.input_ids.tolist() == [[10, 11, 20, 21, 22], [10, 11, 30, 31, 0]]
    assert batch.segments.tolist() == [[0, 0, 1, 1, 1], [0, 0, 1, 1, -1]]
    assert batch.targets.tolist() == [20, 21, 22, 30, 31]
    assert batch.predicts.tolist() == [1, 2, 3, 6, 7]  # the second sequence begins at 5
    assert batch.ends.tolist() == [4, 8]
    assert batch.padding == pytest.approx(0.1)  # one of ten positions is empty


def test_rows_keep_the_numbers_they_have_in_the_data_set() -> None:
    rows = [Row([1], ([2],)), Row([3, 4], ([5],)), Row([6], ([7, 8],))]
    assert pack(rows, [2, 0], shared=True).rows.tolist() == [2, 0]


def test_a_prompt_or_completion_without_tokens_is_refused() -> None:
    with pytest.raises(BadInput, match="without tokens"):
        pack([Row([1], ([],))], [0], shared=True)
    with pytest.raises(BadInput, match="without tokens"):
        pack([Row([], ([1],))], [0], shared=True)


def test_rows_with_different_numbers_of_completions_cannot_share_a_batch() -> None:
    with pytest.raises(BadInput, match="same number of completions"):
        pack([ROW, Row([1], ([2],))], [0, 1], shared=True)


def test_a_long_prompt_loses_its_beginning_and_the_completion_stays_whole() -> None:
    row = Row(list(range(20)), ([50, 51, 52],))
    assert fit(row, 10) == Row([13, 14, 15, 16, 17, 18, 19], ([50, 51, 52],))


def test_a_completion_too_long_by_itself_loses_its_end_and_a_quarter_stays_for_the_prompt() -> None:
    row = Row(list(range(20)), (list(range(50, 70)),))
    assert fit(row, 8) == Row([18, 19], ([50, 51, 52, 53, 54, 55],))


def test_a_row_that_fits_is_left_alone_and_a_hopeless_limit_is_refused() -> None:
    assert fit(ROW, 8) == ROW
    with pytest.raises(BadInput, match="8 or more"):
        fit(ROW, 7)


def test_costs_count_the_positions_of_each_layout() -> None:
    # shared: 2 + 3 + 2; separate: two sequences as long as the longer one, 2 * (2 + 3)
    assert costs([ROW], shared=True).tolist() == [7]
    assert costs([ROW], shared=False).tolist() == [10]


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert [part.tolist() for part in by_budget(np.array([3, 50, 3]), 6)] == [[0, 2], [1]]


def test_nothing_gives_no_batches() -> None:
    assert by_budget(np.array([], dtype=np.int64), 10) == []


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 100))
def test_every_row_is_in_exactly_one_batch_within_the_budget(cost: list[int], budget: int) -> None:
    parts = by_budget(np.array(cost, dtype=np.int64), budget)
    assert sorted(n for part in parts for n in part.tolist()) == list(range(len(cost)))
    for part in parts:
        assert len(part) == 1 or len(part) * max(cost[n] for n in part) <= budget
