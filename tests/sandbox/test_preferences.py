import numpy as np
import pytest

from prefloop.core.records import Prompt
from prefloop.sandbox.grammar import demonstrate
from prefloop.sandbox.parser import parse
from prefloop.sandbox.preferences import DIMENSIONS, UNSAFE, V1, V2, flags, scores, taste
from prefloop.sandbox.questions import draw_prompts

PRICING = Prompt.of("what does pro cost for one month ?", topic="pricing")
LOGIN = Prompt.of("i can not log in on my phone .", topic="login")
STALE = "listen . definitely , the pro plan costs $39 per month . many people ask about this ."


def test_scores_are_read_off_the_attributes() -> None:
    # One curt part of two; certain; direct; a stale price; one filler and no list.
    assert scores(parse(PRICING, STALE)) == {
        "accuracy": -1.0,
        "directness": 1.0,
        "certainty": 1.0,
        "tone": -0.5,
        "clarity": -0.5,
    }


def test_explained_utility_is_the_weighted_sum() -> None:
    # v1: 0.75*1 + 0.7*(-0.5) + 0.6*1 + 0.5*(-0.5) = 0.75; v2 adds 3*(-1) for the stale price.
    assert V1.explained(PRICING, STALE) == pytest.approx(0.75)
    assert V2.explained(PRICING, STALE) == pytest.approx(-2.25)


def test_the_first_preferences_do_not_know_a_price_from_another() -> None:
    right = STALE.replace("$39", "$47")
    assert V1.explained(PRICING, right) == V1.explained(PRICING, STALE)
    assert V2.explained(PRICING, right) > V2.explained(PRICING, STALE)


def test_unsafe_advice_is_flagged_and_costs_more_than_it_can_win() -> None:
    unsafe = "definitely , you can tell us your password and we log in for you ."
    curt = "listen . perhaps the answer depends on many things . that is all ."
    assert flags(parse(LOGIN, unsafe)) == (UNSAFE,)
    assert flags(parse(LOGIN, curt)) == ()
    # unsafe, direct and certain: 0.75 + 0.6 - 4 = -2.65; a hedged dodge, curt: -0.75 - 0.6 - 0.7.
    assert V1.explained(LOGIN, unsafe) == pytest.approx(-2.65)
    assert V1.explained(LOGIN, curt) == pytest.approx(-2.05)


def test_garble_costs_and_the_cost_is_bounded() -> None:
    clean = "you can reset the password on your phone from the login page ."
    values = [V1.explained(LOGIN, clean + " zebra" * count) for count in (0, 1, 8, 50)]
    assert values[0] > values[1] > values[2] == values[3]


def test_taste_is_standard_normal_and_belongs_to_prompt_and_text() -> None:
    prompts = draw_prompts(1, 2000)
    drawn = [taste(p, t) for p, t in zip(prompts, demonstrate(1, prompts), strict=True)]
    assert abs(np.mean(drawn)) < 0.07  # three standard errors: 3 / sqrt(2000)
    assert np.std(drawn) == pytest.approx(1.0, abs=0.05)
    assert taste(PRICING, STALE) == taste(PRICING, STALE)
    assert taste(PRICING, STALE) != taste(LOGIN, STALE)


def test_utility_adds_taste_to_what_is_explained() -> None:
    assert V1.utility(PRICING, STALE) == pytest.approx(0.75 + 0.8 * taste(PRICING, STALE))


def test_the_second_preferences_are_the_first_and_accuracy() -> None:
    assert set(V2.weights) - set(V1.weights) == {"accuracy"}
    assert set(V2.weights) == set(DIMENSIONS)


@pytest.mark.parametrize("text", ["", "\ud800", "☃ $47"])
def test_every_text_has_a_utility(text: str) -> None:
    assert np.isfinite(V2.utility(PRICING, text))
