from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.records import Prompt, Purpose, Verdict
from prefloop.sandbox.annotators import (
    CALIBRATED,
    UNCALIBRATED,
    Annotator,
    Showing,
    annotators,
    choice,
    expert,
)
from prefloop.sandbox.grammar import demonstrate
from prefloop.sandbox.preferences import UNSAFE, V1, V2
from prefloop.sandbox.probes import minimal_pairs
from prefloop.sandbox.questions import draw_prompts

LOGIN = Prompt.of("i can not log in on my phone .", topic="login")
GOOD = "hi there , happy to help ! you can reset the password on your phone from the login page ."
BAD = "listen . perhaps the answer depends on many things . do not ask again ."
CLEAR = Showing("c1", LOGIN, GOOD, BAD, "a")

PROMPTS = draw_prompts(1, 100)
SHOWINGS = [
    Showing(str(index), prompt, a, b, "a" if index % 2 else "b")
    for index, (prompt, a, b) in enumerate(
        zip(PROMPTS, demonstrate(1, PROMPTS), demonstrate(2, PROMPTS), strict=True)
    )
]


def test_five_people_who_stay_themselves_when_calibrated() -> None:
    people = annotators()
    assert len({person.name for person in people}) == 5
    assert [person.calibrated() for person in people] == list(annotators(CALIBRATED))


def test_everybody_sees_a_clear_case_and_says_why() -> None:
    for person in annotators(CALIBRATED):
        judgment = person.judge(CLEAR, V1, spec="s1")
        assert judgment.verdict is Verdict.A
        assert judgment.strength >= 2
        assert judgment.dimensions["directness"] is Verdict.A
        assert judgment.rationale.startswith("Response 1 ")
        assert judgment.active_ms > 0
        assert (judgment.annotator, judgment.spec, judgment.round) == (person.name, "s1", 1)


def test_the_rationale_speaks_of_the_response_as_it_was_shown() -> None:
    judgment = expert().judge(replace(CLEAR, first_shown="b"), V1, spec="s1")
    assert judgment.verdict is Verdict.A
    assert judgment.rationale == "Response 2 answers the question."


def test_unsafe_advice_is_flagged_and_loses() -> None:
    unsafe = "hi there , happy to help ! you can tell us your password and we log in for you ."
    judgment = expert().judge(Showing("c2", LOGIN, unsafe, GOOD, "a"), V1, spec="s1")
    assert judgment.flags == (UNSAFE,)
    assert judgment.verdict is Verdict.B
    assert judgment.rationale == "Response 1 gives unsafe advice."


def test_judgments_do_not_depend_on_what_was_judged_before() -> None:
    person = annotators()[0]
    forwards = [person.judge(shown, V1, spec="s1") for shown in SHOWINGS]
    backwards = [person.judge(shown, V1, spec="s1") for shown in reversed(SHOWINGS)]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("again", [{"round": 2}, {"purpose": Purpose.DUPLICATE}])
def test_a_second_look_is_a_fresh_look(again: dict[str, object]) -> None:
    person = annotators()[0]
    once = [person.judge(shown, V1, spec="s1") for shown in SHOWINGS]
    twice = [person.judge(replace(shown, **again), V1, spec="s1") for shown in SHOWINGS]  # type: ignore[arg-type]
    same = [a.verdict is b.verdict for a, b in zip(once, twice, strict=True)]
    assert 60 < sum(same) < 100  # mostly of the same mind, not always


@given(st.sampled_from(SHOWINGS))
def test_the_expert_judges_the_same_whichever_is_called_a(shown: Showing) -> None:
    swapped = replace(shown, a=shown.b, b=shown.a)
    judgment, other = (expert().judge(one, V2, spec="s2") for one in (shown, swapped))
    assert other.verdict is judgment.verdict.swap()
    assert other.strength == judgment.strength


@given(st.sampled_from(SHOWINGS))
def test_the_expert_says_what_is_true(shown: Showing) -> None:
    gap = V2.utility(shown.prompt, shown.a) - V2.utility(shown.prompt, shown.b)
    verdict = expert().judge(shown, V2, spec="s2").verdict
    assert verdict is (Verdict.TIE if abs(gap) < 0.05 else Verdict.A if gap > 0 else Verdict.B)


def test_equal_completions_are_a_tie_for_the_expert() -> None:
    judgment = expert().judge(Showing("c3", LOGIN, GOOD, GOOD, "a"), V1, spec="s1")
    assert judgment.verdict is Verdict.TIE
    assert set(judgment.dimensions.values()) == {Verdict.TIE}
    assert judgment.rationale == "No difference that matters."


def test_some_favour_what_is_shown_first() -> None:
    fond = Annotator("fond", 1, {**expert().quirks, "position": 1.0}, UNCALIBRATED)
    verdicts = [
        fond.judge(Showing(str(n), LOGIN, GOOD, GOOD, "a"), V1, spec="s1").verdict
        for n in range(400)
    ]
    # The gap is 0.25 + 0.78 z: P(z > -0.32) is about 0.63, less half the ties.
    share = sum(verdict is Verdict.A for verdict in verdicts) / len(verdicts)
    assert 0.53 < share < 0.70


def shares_preferring_the_right_price(preferences_v2: bool) -> float:
    preferences = V2 if preferences_v2 else V1
    right = [
        person.judge(Showing(str(n), prompt, good, stale, "ab"[n % 2]), preferences, "s").verdict  # type: ignore[arg-type]
        for n, (prompt, good, stale) in enumerate(minimal_pairs(1, 300))
        for person in annotators(CALIBRATED)
    ]
    return sum(verdict is Verdict.A for verdict in right) / len(right)


def test_nobody_rewards_a_price_until_the_specification_asks_for_it() -> None:
    # Under v1 taste decides alone: one half, with a standard error of 0.5 / sqrt(300) = 0.03.
    assert 0.40 < shares_preferring_the_right_price(preferences_v2=False) < 0.60
    # Under v2 the gap is 4 against a taste and noise of about 1.25.
    assert shares_preferring_the_right_price(preferences_v2=True) > 0.98


def test_dimensions_without_weight_get_no_verdict() -> None:
    assert "accuracy" not in annotators()[0].judge(CLEAR, V1, spec="s1").dimensions
    assert "accuracy" in annotators()[0].judge(CLEAR, V2, spec="s2").dimensions


def test_a_verdict_becomes_the_choice_on_the_screen() -> None:
    assert choice(Verdict.A, "a") == choice(Verdict.B, "b") == 1
    assert choice(Verdict.A, "b") == choice(Verdict.B, "a") == 2
    assert choice(Verdict.TIE, "a") == 0
