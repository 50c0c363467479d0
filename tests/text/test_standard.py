"""How far texts are from those that set the standard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.text.standard import distances

STANDARD = [
    "The first states the refund policy correctly and names the next step.",
    "The second promises a delivery date that the policy does not give.",
    "Both are polite, but only the first answers the question.",
]


def test_the_same_words_are_near_and_other_words_far() -> None:
    same, like, other = distances(
        [STANDARD[0], "it states the policy and the next step", "nice emoji, bold lists, wow"],
        STANDARD[:1],
    )
    assert same == pytest.approx(0.0)
    assert 0 < like < 1
    assert other == 1.0


def test_a_distance_by_hand() -> None:
    # Standard "red fish", text "red bird". Of two texts "red" is in both: idf log(3/3) + 1 = 1;
    # the others in one: log(3/2) + 1 = 1.405. Cosine 1 / (1 + 1.405^2) = .3361.
    (found,) = distances(["red bird"], ["red fish"])
    assert found == pytest.approx(1 - 1 / (1 + (np.log(1.5) + 1) ** 2))


def test_case_marks_endings_and_repetition_make_no_difference() -> None:
    one, other = distances(
        ["Policy policies, policy: ACCURATE!", "policy accurately"], ["accurate policy"]
    )
    assert one == pytest.approx(other)


def test_other_scripts_have_words_too() -> None:
    near, far = distances(["правильный ответ", "другое"], ["правильный ответ клиенту"])
    assert near < far == 1.0


@given(st.lists(st.text("abc ", min_size=1).filter(str.strip), min_size=1, max_size=6))
def test_distances_lie_between_0_and_1(texts: list[str]) -> None:
    found = distances(texts, texts[:3])
    assert ((found >= 0) & (found <= 1)).all()


def test_no_text_no_standard_and_no_word() -> None:
    assert len(distances([], STANDARD)) == 0
    with pytest.raises(BadInput, match="standard"):
        distances(["a"], [])
    with pytest.raises(BadInput, match="no word"):
        distances(["?!"], STANDARD)
