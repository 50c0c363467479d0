"""The majority, and what breaks a tie."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.stats.aggregation import Majority, majority

A, B, TIE = 1, -1, 0


def of(*items: list[int], **how: Any) -> Majority:
    """The majority of lists of votes, one per item."""
    rows = [(i, j, vote) for i, votes in enumerate(items) for j, vote in enumerate(votes)]
    return majority(*np.array(rows).T, **how)


def test_more_votes_win_and_margin_and_agreement_say_by_how_much() -> None:
    # a a b: margin (2 - 1) / 3, agreement 2/3. a tie: a leads b by 1 of 2 and ties do not lead.
    # tie tie a: ties lead. b b b: unanimous.
    found = of([A, A, B], [A, TIE], [TIE, TIE, A], [B, B, B])
    assert found.verdict.tolist() == [A, A, TIE, B]
    assert found.margin.tolist() == pytest.approx([1 / 3, 1 / 2, 0, 1])
    assert found.agreement.tolist() == pytest.approx([2 / 3, 1 / 2, 2 / 3, 1])
    assert not found.split.any()
    assert found.votes.tolist() == [[2, 1, 0], [1, 0, 1], [1, 0, 2], [0, 3, 0]]


def test_level_sides_are_split_and_stay_a_tie() -> None:
    found = of([A, B], [A, B, TIE], [A, B, TIE, TIE])  # the last: ties lead, nobody is split
    assert found.verdict.tolist() == [TIE, TIE, TIE]
    assert found.split.tolist() == [True, True, False]
    assert found.decided_by.tolist() == [-2, -2, -1]
    assert not found.excluded.any()


def test_split_items_are_left_out_on_request() -> None:
    found = of([A, B], [A, A], tie_break="exclude")
    assert found.excluded.tolist() == [True, False]


def test_dimensions_decide_in_rank_order_and_only_where_the_vote_is_split() -> None:
    dimensions = np.array([[TIE, B, A], [B, B, B], [TIE, TIE, TIE]])
    found = of([A, B], [A, A, B], [A, B], tie_break=dimensions)
    assert found.verdict.tolist() == [B, A, TIE]
    assert found.decided_by.tolist() == [1, -1, -2]
    assert found.margin.tolist() == pytest.approx([0, 1 / 3, 0])


def test_a_callable_is_asked_for_the_split_items_alone() -> None:
    asked: list[int] = []

    def rule(items: np.ndarray) -> np.ndarray:
        asked.extend(items.tolist())
        return np.full((len(items), 1), B)

    found = of([A, B], [A, A], [B, A], tie_break=rule)
    assert asked == [0, 2]
    assert found.verdict.tolist() == [B, A, B]


def test_weights_can_turn_a_majority_and_agreement_still_counts_heads() -> None:
    # One judgment of weight 3 for b against two of weight 1: margin (3 - 2) / 5; one head of three.
    found = of([A, A, B], weights=[1, 1, 3])
    assert found.verdict.tolist() == [B]
    assert found.margin.tolist() == pytest.approx([1 / 5])
    assert found.agreement.tolist() == pytest.approx([1 / 3])


def test_weights_follow_their_judgments_when_rows_are_not_sorted() -> None:
    found = majority([1, 0, 1], [0, 0, 1], [A, A, B], weights=[1.0, 1.0, 2.0])
    assert found.verdict.tolist() == [A, B]


def test_weights_that_add_up_alike_are_level_whatever_the_rounding() -> None:
    assert of([A, A, A, B], weights=[0.1, 0.1, 0.1, 0.3]).split.tolist() == [True]


def test_no_judgments_give_no_verdicts() -> None:
    for rule in ("tie", "exclude", np.zeros((0, 2), dtype=int)):
        assert len(majority([], [], [], tie_break=rule).verdict) == 0


def test_unusable_votes_weights_and_rules_are_refused() -> None:
    with pytest.raises(BadInput, match="1 \\(a\\)"):
        of([2, 0])
    with pytest.raises(BadInput, match="positive"):
        of([A, B], weights=[1, 0])
    with pytest.raises(BadInput, match="twice"):
        majority([0, 0], [1, 1], [A, A])
    with pytest.raises(BadInput, match="tie-break"):
        of([A, B], tie_break="coin")
    with pytest.raises(BadInput, match="shape"):
        of([A, B], tie_break=[[A], [B]])
    with pytest.raises(BadInput, match="tie-break verdicts"):
        of([A, B], tie_break=[[3]])


votes = st.lists(st.lists(st.sampled_from([A, B, TIE]), min_size=1, max_size=5), min_size=1)


@given(votes, st.data())
def test_exchanging_a_and_b_flips_verdicts_and_nothing_else(
    items: list[list[int]], data: st.DataObject
) -> None:
    side = st.sampled_from([A, B, TIE])
    rank = st.lists(side, min_size=2, max_size=2)
    dimensions = np.array(data.draw(st.lists(rank, min_size=len(items), max_size=len(items))))
    before = of(*items, tie_break=dimensions)
    after = of(*[[-vote for vote in item] for item in items], tie_break=-dimensions)
    np.testing.assert_array_equal(after.verdict, -before.verdict)
    np.testing.assert_array_equal(after.margin, before.margin)
    np.testing.assert_array_equal(after.agreement, before.agreement)
    np.testing.assert_array_equal(after.decided_by, before.decided_by)


@given(votes, st.randoms(use_true_random=False))
def test_the_order_of_judgments_changes_nothing(items: list[list[int]], random: Any) -> None:
    rows = [(i, j, vote) for i, item in enumerate(items) for j, vote in enumerate(item)]
    before = majority(*np.array(rows).T)
    random.shuffle(rows)
    after = majority(*np.array(rows).T)
    np.testing.assert_array_equal(after.verdict, before.verdict)
    np.testing.assert_array_equal(after.votes, before.votes)
