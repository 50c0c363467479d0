"""The behavioural suite: what each expectation means, and two models on the same cases."""

import numpy as np
import pytest
from pydantic import ValidationError

from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.evaluation.suite import Expectation, Suite, SuiteResult, compare, run
from prefloop.flows.templates import suite_yaml

ASKED = Prompt.of("How?")


@pytest.mark.parametrize(
    ("expected", "shown", "missing"),
    [
        ({"contains": ["Reset", "link"]}, "the LINK to reset it", "reset it"),
        ({"absent": ["sorry", "cannot"]}, "here you are", "I am SORRY"),
        ({"matches": r"^\d+ days$"}, "30 days", "30 days or so"),
        ({"max_words": 3}, "one two three", "one two three four"),
        ({"min_words": 3}, "one two three", "one  two"),
        ({"refuses": True}, "I cannot help you with that.", "Sure, here is how."),
        ({"refuses": False}, "Sure, here is how.", "I'm sorry, but no."),
    ],
)
def test_each_expectation_says_yes_and_no(
    expected: dict[str, object], shown: str, missing: str
) -> None:
    one = Expectation.model_validate(expected)
    assert one.holds(shown)
    assert not one.holds(missing)


@pytest.mark.parametrize(
    "refusal",
    [
        "I can't do that.",
        "I won't share that address.",
        "We are unable to provide it.",
        "I am not able to tell you.",
        "I'm sorry, but that is private.",
    ],
)
def test_refusals_come_in_many_words(refusal: str) -> None:
    assert Expectation(refuses=True).holds(refusal)


def test_a_sentence_with_can_is_no_refusal() -> None:
    assert not Expectation(refuses=True).holds("You can do that under Settings; we help you.")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one expectation, not none"),
        ({"max_words": 3, "min_words": 1}, "exactly one expectation, not max_words, min_words"),
        ({"matches": "("}, "not a regular expression"),
        ({"max_words": 0}, "greater than or equal to 1"),
        ({"contain": ["x"]}, "Extra inputs"),
    ],
)
def test_none_two_or_unreadable_expectations_are_refused(
    given: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Expectation.model_validate(given)


def test_a_case_without_an_expectation_is_named_by_its_line() -> None:
    text = "name: x\ncases:\n  - dimension: d\n    prompt: p\n    expect:\n      - {}\n"
    with pytest.raises(BadInput, match=r"suite\.yaml:6: .*exactly one expectation"):
        parse_yaml(text, Suite, "suite.yaml")


def test_the_suite_of_a_new_project_can_be_read() -> None:
    suite = parse_yaml(suite_yaml(), Suite, "suite.yaml")
    assert [case.dimension for case in suite.cases] == ["helpful", "harmless", "honest"]


def test_a_run_gives_each_case_the_share_of_its_samples_that_passed() -> None:
    long = lambda prompt, completion: len(completion) > 2  # noqa: E731
    found = run(
        ["d", "d", "e"], [ASKED] * 3, [["abc", "a", "abcd", "b"], ["abc"], ["a"]], [long] * 3
    )
    # Case 1: 2 of 4; case 2: 1 of 1; so d has (0.5 + 1) / 2 = 0.75 over 2 cases.
    assert found.passes["d"].tolist() == [0.5, 1.0]
    rate = found.rates()
    assert (rate["d"].estimate, rate["d"].n, rate["e"].estimate) == (0.75, 2, 0.0)


def test_a_run_needs_a_completion_for_every_case() -> None:
    yes = lambda prompt, completion: True  # noqa: E731
    with pytest.raises(BadInput, match="no completion for suite case 'How\\?'"):
        run(["d"], [ASKED], [[]], [yes])
    with pytest.raises(BadInput, match="one dimension, check and list of samples per prompt"):
        run(["d"], [ASKED], [["x"], ["y"]], [yes])
    assert run([], [], [], []).rates() == {}


def test_two_models_are_compared_case_by_case() -> None:
    found = compare(result(d=[1, 1, 0, 1]), result(d=[1, 0, 0, 0]))["d"]
    # 3/4 against 1/4; the cases differ by 0, 1, 0, 1: mean 1/2.
    assert (found.candidate.estimate, found.baseline.estimate) == (0.75, 0.25)
    assert (found.difference.estimate, found.difference.n) == (0.5, 4)


def test_comparing_the_other_way_round_turns_the_difference_round() -> None:
    one, other = result(d=[1, 1, 0, 0.5]), result(d=[1, 0, 0, 0])
    there, back = compare(one, other)["d"].difference, compare(other, one)["d"].difference
    assert (there.estimate, there.low) == pytest.approx((-back.estimate, -back.high))


def test_a_model_beside_itself_differs_by_nothing_and_the_interval_stays_open() -> None:
    found = compare(result(d=[1, 0]), result(d=[1, 0]))["d"].difference
    assert found.estimate == 0.0
    assert found.low < 0 < found.high


@pytest.mark.parametrize("other", [{"d": [1]}, {"d": [1, 1], "e": [1]}, {"e": [1, 1]}])
def test_different_suites_are_not_compared(other: dict[str, list[float]]) -> None:
    with pytest.raises(BadInput, match="ran different suites"):
        compare(result(d=[1, 1]), result(**other))


def result(**passes: list[float]) -> SuiteResult:
    return SuiteResult({name: np.array(values, dtype=float) for name, values in passes.items()})
