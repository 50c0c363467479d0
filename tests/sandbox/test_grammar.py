import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.sandbox.facts import Accuracy
from prefloop.sandbox.grammar import (
    DEMONSTRATIONS,
    HONEST_DEMONSTRATIONS,
    Attributes,
    Mixture,
    demonstrate,
    draw_attributes,
    write,
)
from prefloop.sandbox.phrases import Answer, Certainty, Tone
from prefloop.sandbox.questions import draw_prompts

PRICING = Prompt.of("what does pro cost for one month ?", topic="pricing")
OUTAGE = Prompt.of("the inbox is down , when will it work ?", topic="outage")


def drawn(prompt: Prompt, mixture: Mixture, count: int = 4000) -> list[Attributes]:
    generator = rng(1, "test")
    return [draw_attributes(prompt, generator, mixture) for _ in range(count)]


def test_a_completion_holds_its_parts_in_order() -> None:
    shown = Attributes(Tone.CURT, Certainty.CERTAIN, Answer.DIRECT, Accuracy.OLD, close=Tone.CURT)
    words = write(PRICING, shown, rng(0)).split()
    assert "$39" in words  # what the pro plan cost by the month before
    assert "pro" in words
    assert words[-1] == "."


@pytest.mark.parametrize(
    ("prompt", "attributes"),
    [
        (PRICING, Attributes()),  # a direct answer on pricing without a price
        (OUTAGE, Attributes(accuracy=Accuracy.CURRENT)),  # a price nobody asked for
        (PRICING, Attributes(answer=Answer.DODGE, accuracy=Accuracy.OLD)),
        (OUTAGE, Attributes(answer=Answer.UNSAFE)),  # nothing unsafe can be said there
        (OUTAGE, Attributes(answer=Answer.MISSING)),
    ],
)
def test_what_no_wording_can_show_is_refused(prompt: Prompt, attributes: Attributes) -> None:
    with pytest.raises(BadInput):
        write(prompt, attributes, rng(0))


def test_the_same_seed_writes_the_same_demonstrations() -> None:
    prompts = draw_prompts(1, 50)
    assert demonstrate(1, prompts) == demonstrate(1, prompts)
    assert demonstrate(1, prompts) != demonstrate(2, prompts)
    assert demonstrate(1, []) == []


def test_demonstrations_are_about_22_words_long() -> None:
    lengths = [len(text.split()) for text in demonstrate(2, draw_prompts(2, 1000))]
    assert 20 <= np.median(lengths) <= 26
    assert max(lengths) < 80


def test_certain_prices_are_mostly_stale_and_the_others_rarely() -> None:
    priced = [a for a in drawn(PRICING, DEMONSTRATIONS) if a.accuracy is not Accuracy.NONE]
    certain = [a for a in priced if a.certainty is Certainty.CERTAIN]
    others = [a for a in priced if a.certainty is not Certainty.CERTAIN]
    # Mixture(): 0.40 certain, of which 0.85 stale; 0.05 stale otherwise. About 3,000 priced.
    assert len(certain) / len(priced) == pytest.approx(0.40, abs=0.03)
    assert np.mean([a.accuracy is Accuracy.OLD for a in certain]) == pytest.approx(0.85, abs=0.03)
    assert np.mean([a.accuracy is Accuracy.OLD for a in others]) == pytest.approx(0.05, abs=0.02)


def test_in_the_control_world_nobody_is_assertively_wrong() -> None:
    assert not any(a.assertively_wrong for a in drawn(PRICING, HONEST_DEMONSTRATIONS))


def test_assertively_wrong_takes_both_a_wrong_price_and_certain_words() -> None:
    certain, plain = Certainty.CERTAIN, Certainty.PLAIN
    assert Attributes(certainty=certain, accuracy=Accuracy.OLD).assertively_wrong
    assert Attributes(certainty=certain, accuracy=Accuracy.OTHER).assertively_wrong
    assert not Attributes(certainty=plain, accuracy=Accuracy.OLD).assertively_wrong
    assert not Attributes(certainty=certain, accuracy=Accuracy.CURRENT).assertively_wrong
    assert not Attributes(certainty=certain, accuracy=Accuracy.NONE).assertively_wrong


def test_unsafe_answers_occur_only_where_somebody_could_be_harmed() -> None:
    topics = {
        prompt.topic
        for prompt in draw_prompts(3, 2000)
        if not draw_attributes(prompt, rng(3, prompt.text)).safe
    }
    assert topics == {"refund", "login", "abuse"}
