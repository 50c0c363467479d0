"""Tests of best-of-n."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput, PrefloopError
from prefloop.core.records import Prompt
from prefloop.training.best_of_n import best_of_n, kl_bound

PROMPTS = [Prompt.of("one"), Prompt.of("two")]


def counting(prompts: Sequence[Prompt]) -> list[str]:
    """The prompt's word and how manieth draw it is."""
    return [f"{prompt.text} {number}" for number, prompt in enumerate(prompts)]


def last_digit(items: Sequence[tuple[Prompt, str]]) -> list[float]:
    return [float(text[-1]) for _, text in items]


def test_the_completion_with_the_highest_score_is_kept() -> None:
    result = best_of_n(PROMPTS, 3, counting, last_digit)
    assert result.completions == (("one 0", "one 1", "one 2"), ("two 3", "two 4", "two 5"))
    assert result.scores.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert result.chosen == ("one 2", "two 5")


def test_of_equals_the_first_is_kept() -> None:
    result = best_of_n(PROMPTS, 4, counting, lambda items: [1.0] * len(items))
    assert result.best.tolist() == [0, 0]


def test_the_kl_bound_follows_its_formula() -> None:
    # ln 1 - 0 = 0; ln 2 - 1/2 = 0.1931; ln 8 - 7/8 = 1.2044
    assert kl_bound(1) == 0
    assert kl_bound(2) == pytest.approx(0.19315, abs=1e-5)
    assert kl_bound(8) == pytest.approx(1.20444, abs=1e-5)
    assert best_of_n(PROMPTS, 8, counting, last_digit).kl_bound == kl_bound(8)


def test_the_kl_bound_has_the_published_values(shared_reference: Path) -> None:
    closed = json.loads((shared_reference / "rlhf_closed_forms.json").read_text())
    for case in closed["kl_best_of_n"]["values"]:
        assert kl_bound(case["n"]) == pytest.approx(case["kl"], abs=1e-12)


@given(st.integers(1, 1000))
def test_the_bound_grows_with_n_and_stays_below_the_logarithm(n: int) -> None:
    assert kl_bound(n) < kl_bound(n + 1)
    assert kl_bound(n) <= math.log(n)


def test_of_one_the_policy_itself_is_left_and_of_none_nothing() -> None:
    assert best_of_n(PROMPTS, 1, counting, last_digit).chosen == ("one 0", "two 1")
    assert best_of_n([], 3, counting, last_digit).chosen == ()
    with pytest.raises(BadInput, match="at least 1"):
        best_of_n(PROMPTS, 0, counting, last_digit)


def test_missing_draws_and_scores_that_are_no_numbers_are_errors() -> None:
    with pytest.raises(PrefloopError, match="6 completions were asked for, 1 drawn"):
        best_of_n(PROMPTS, 3, lambda prompts: ["x 1"], last_digit)
    with pytest.raises(PrefloopError, match="not a number"):
        best_of_n(PROMPTS, 3, counting, lambda items: np.full(len(items), np.nan))
