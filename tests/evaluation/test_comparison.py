"""The blind comparison: ties, orders, and what counts as one conversation."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.evaluation.comparison import blind

Judged = tuple[str, str]  # verdict, first shown


def row(
    question: str, *judged: Judged, a: str = "new", b: str = "old", purpose: str = "evaluation"
) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "text": question}],
        "origin": {"a": a, "b": b},
        "judgments": [
            {"verdict": verdict, "first_shown": first, "purpose": purpose}
            for verdict, first in judged
        ],
    }


def test_a_tie_counts_half_and_either_model_may_stand_at_a() -> None:
    rows = [
        row("q", ("a", "a"), ("tie", "b")),  # 1, 0.5
        row("r", ("a", "a"), a="old", b="new"),  # 0
        row("s", ("b", "b"), a="old", b="new"),  # 1
    ]
    found = blind(rows, "new", "old")
    # (1 + 0.5 + 0 + 1) / 4; first shown won in a/a: 1, tie: 0.5, a/a: 1, b/b: 1.
    assert found.win_rate.estimate == pytest.approx(0.625)
    assert found.first_shown.estimate == pytest.approx(0.875)
    assert (found.conversations, found.judgments, found.ties) == (3, 4, 0.25)


def test_the_conversation_is_the_unit_however_often_it_was_judged() -> None:
    found = blind([row("q", *[("a", "a")] * 30), row("r", ("b", "a"))], "new", "old")
    assert (found.win_rate.n, found.judgments) == (2, 31)
    assert found.win_rate.high - found.win_rate.low > 0.5  # two conversations tell little


def test_winning_everything_is_one_and_not_certain() -> None:
    found = blind([row(f"q{n}", ("a", "ab"[n % 2])) for n in range(50)], "new", "old").win_rate
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert 0.9 < found.low < 1.0


def test_other_models_and_other_purposes_do_not_count() -> None:
    rows = [
        row("q", ("a", "a")),
        row("r", ("b", "a"), a="new", b="another"),
        row("s", ("b", "a"), purpose="live"),
    ]
    assert blind(rows, "new", "old").win_rate.estimate == 1.0


@pytest.mark.parametrize("rows", [[], [row("q", ("a", "a"), a="x")], [row("q")]])
def test_nothing_compared_is_bad_input(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(BadInput, match="compares no answers of these two models"):
        blind(rows, "new", "old")


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b", "tie"]), st.sampled_from("ab")), min_size=1),
        min_size=1,
        max_size=8,
    )
)
def test_exchanging_the_models_turns_the_win_rate_round(given_: Sequence[list[Judged]]) -> None:
    rows = [row(f"q{n}", *judged) for n, judged in enumerate(given_)]
    one, other = blind(rows, "new", "old"), blind(rows, "old", "new")
    assert one.win_rate.estimate == pytest.approx(1 - other.win_rate.estimate)
    assert one.win_rate.low == pytest.approx(1 - other.win_rate.high)
    assert one.first_shown == other.first_shown
