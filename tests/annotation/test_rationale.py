"""When reasons are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.annotation import rationale
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput

SIDES = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([0, 1, 2]))
SWAP = {0: 0, 1: 2, 2: 1}


@pytest.mark.parametrize(
    ("choice", "dimensions", "expected"),
    [
        (1, {}, False),
        (1, {"a": 1}, False),
        (1, {"a": 2}, True),
        (1, {"a": 1, "b": 2}, False),  # one each: the overall choice may weigh them
        (1, {"a": 1, "b": 2, "c": 2}, True),
        (1, {"a": 0, "b": 2}, True),
        (0, {}, False),
        (0, {"a": 0}, False),
        (0, {"a": 1, "b": 0}, False),
        (0, {"a": 1, "b": 1}, True),
        (0, {"a": 1, "b": 2}, False),
    ],
)
def test_a_contradiction_is_what_the_docs_say(
    choice: int, dimensions: dict[str, int], expected: bool
) -> None:
    assert rationale.contradicts(choice, dimensions) is expected


@given(choice=st.sampled_from([0, 1, 2]), dimensions=SIDES)
def test_it_does_not_matter_which_response_stands_first(
    choice: int, dimensions: dict[str, int]
) -> None:
    swapped = {name: SWAP[side] for name, side in dimensions.items()}
    assert rationale.contradicts(choice, dimensions) == rationale.contradicts(SWAP[choice], swapped)


def test_blanks_are_no_reason() -> None:
    sent = Submission("x", 1, "k", rationale=" \n")
    with pytest.raises(BadInput, match="say why in a sentence"):
        rationale.require(CampaignSettings(rationale="required"), sent)


def test_reasons_are_never_refused() -> None:
    sent = Submission("x", 1, "k", dimensions={"a": 2}, rationale="because")
    for rule in ("optional", "required", "on_contradiction"):
        rationale.require(CampaignSettings(rationale=rule), sent)
