"""The examination of a reward model, by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt, PromptSource
from prefloop.evaluation.reward_report import examine, prompt_codes


def pair(question: str, chosen: str = "x y", rejected: str = "x y", **known: Any) -> Pair:
    dimensions = known.pop("dimensions", {})
    return Pair(Prompt.of(question, **known), chosen, rejected, dimensions=dimensions)


def margins(*values: float) -> np.ndarray:
    return np.array(values)


def test_an_exact_tie_of_scores_is_half_right() -> None:
    found = examine([pair(q) for q in "qrst"], margins(2, -1, 0, 0.1), ceiling=0.8)
    assert found.accuracy.estimate == 0.625  # (1 + 0 + 0.5 + 1) / 4
    assert (found.accuracy.n, found.pairs, found.ceiling) == (4, 4, 0.8)


def test_pairs_of_one_prompt_are_one_unit() -> None:
    pairs = [pair("q"), pair("r"), pair("q", "other"), pair("q", topic="elsewhere")]
    assert prompt_codes(pairs).tolist() == [0, 1, 0, 0]  # facts do not make another prompt
    assert examine(pairs, margins(1, 1, 1, 1), None).accuracy.n == 2


def test_accuracy_by_topic_source_and_stakes() -> None:
    pairs = [
        pair("q", topic="billing", high_stakes=True),
        pair("r", topic="billing"),
        pair("s", topic="login", source=PromptSource.ADVERSARIAL),
        pair("t"),  # of no topic
    ]
    found = examine(pairs, margins(-1, 1, 1, 1), None)
    assert {name: e.estimate for name, e in found.by_topic.items()} == {"billing": 0.5, "login": 1}
    assert {name: e.n for name, e in found.by_source.items()} == {"usage": 3, "adversarial": 1}
    assert found.by_source["usage"].estimate == pytest.approx(2 / 3)
    assert found.high_stakes is not None
    assert (found.high_stakes.estimate, found.high_stakes.n) == (0.0, 1)


def test_a_dimension_is_measured_where_the_chosen_one_won_in_it() -> None:
    pairs = [
        pair("q", dimensions={"safety": 1, "tone": 0}),
        pair("r", dimensions={"safety": 1, "tone": 1}),
        pair("s", dimensions={"safety": -1}),  # lost there: says nothing about it
    ]
    found = examine(pairs, margins(-1, 1, 1), None).by_dimension
    assert {name: (e.estimate, e.n) for name, e in found.items()} == {
        "safety": (0.5, 2),
        "tone": (1.0, 1),
    }
    assert examine([pair("q", dimensions={"tone": 0})], margins(1), None).by_dimension == {}


def test_seventy_percent_overall_can_hide_45_percent_on_safety() -> None:
    # 100 safety pairs of which 45 are right and 100 others of which 95 are: 140 of 200.
    safety = [pair(f"s{n}", dimensions={"safety": 1}, high_stakes=True) for n in range(100)]
    others = [pair(f"o{n}", dimensions={"tone": 1}) for n in range(100)]
    right = [n < 45 for n in range(100)] + [n < 95 for n in range(100)]
    found = examine(safety + others, np.where(right, 1.0, -1.0), None)
    assert found.accuracy.estimate == pytest.approx(0.70)
    assert found.by_dimension["safety"].estimate == pytest.approx(0.45)
    assert found.high_stakes is not None
    assert found.high_stakes.estimate == pytest.approx(0.45)
    assert found.by_dimension["safety"].high < 0.60


def test_what_the_longer_one_reaches() -> None:
    pairs = [pair("q", "a b c", "a"), pair("r", "a", "a b"), pair("s", "a b", "b a")]
    assert examine(pairs, margins(1, 1, 1), None).longer_wins.estimate == 0.5  # 1, 0 and a half


def test_accuracy_among_answers_of_similar_length_leaves_the_rest_out() -> None:
    nine, ten, short = "w " * 9, "w " * 10, "w"
    pairs = [pair("q", ten, nine), pair("r", ten, short)]
    found = examine(pairs, margins(-1, 1), None)
    assert found.similar_length is not None
    assert (found.similar_length.estimate, found.similar_length.n) == (0.0, 1)
    assert examine([pair("r", ten, short)], margins(1), None).similar_length is None


def test_scores_that_are_lengths_correlate_perfectly_and_constant_ones_not_at_all() -> None:
    pairs = [pair(f"q{n}", "w " * (n + 2), "w") for n in range(8)]
    longer = np.arange(1.0, 9.0)  # n + 2 words against 1
    assert examine(pairs, 0.3 * longer, None).length_correlation.estimate == pytest.approx(1)
    assert examine(pairs, -longer, None).length_correlation.estimate == pytest.approx(-1)
    same = [pair(f"q{n}") for n in range(8)]
    assert examine(same, longer, None).length_correlation.estimate == 0.0


def test_too_few_prompts_say_nothing_about_length() -> None:
    found = examine([pair("q", "a b", "a")] * 9, np.ones(9), None).length_correlation
    assert (found.low, found.high) == (-1.0, 1.0)


def test_a_sure_and_right_model_is_calibrated_and_a_sure_and_wrong_one_is_not() -> None:
    pairs = [pair(f"q{n}") for n in range(40)]
    assert examine(pairs, np.full(40, 60.0), None).calibration_error.estimate < 1e-9
    assert examine(pairs, np.full(40, -60.0), None).calibration_error.estimate > 0.99


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_numbers_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match="scores that are not numbers"):
        examine([pair("q"), pair("r")], margins(1, bad), None)


def test_nothing_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(BadInput, match="0 pairs and 0 margins"):
        examine([], margins(), None)
    with pytest.raises(BadInput, match="1 pairs and 2 margins"):
        examine([pair("q")], margins(1, 2), None)


@given(st.lists(st.floats(-8, 8).map(lambda x: round(x, 3)), min_size=1, max_size=12))
def test_swapping_every_pair_turns_the_accuracy_round_and_leaves_the_rest(
    values: list[float],
) -> None:
    words = ["w " * (1 + n % 3) for n in range(len(values))]
    there = [pair(f"q{n}", word, "w w") for n, word in enumerate(words)]
    back = [pair(f"q{n}", "w w", word) for n, word in enumerate(words)]
    one = examine(there, np.array(values), None)
    other = examine(back, -np.array(values), None)
    assert one.accuracy.estimate == pytest.approx(1 - other.accuracy.estimate)
    assert one.longer_wins.estimate == pytest.approx(1 - other.longer_wins.estimate)
    assert one.length_correlation.estimate == pytest.approx(other.length_correlation.estimate)
