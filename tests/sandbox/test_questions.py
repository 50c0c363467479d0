from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt, PromptSource
from prefloop.sandbox.facts import SLOTS, fact
from prefloop.sandbox.questions import INTENTS, asked, draw_prompts, is_reserved, question_words


def test_the_same_seed_asks_the_same_and_another_seed_does_not() -> None:
    assert draw_prompts(1, 20) == draw_prompts(1, 20)
    assert draw_prompts(1, 20) != draw_prompts(2, 20)


def test_thousands_of_prompts_are_drawn_without_a_repeat() -> None:
    prompts = draw_prompts(3, 5000)
    assert len({prompt.text for prompt in prompts}) == 5000


def test_pricing_is_asked_twice_as_often_as_any_other_intent() -> None:
    topics = Counter(prompt.topic for prompt in draw_prompts(4, 3000))
    # 9 shares, 2 of them pricing: 667 and 333 expected; distinct draws thin the small intents.
    assert topics.keys() == INTENTS.keys()
    assert 600 < topics["pricing"] < 740
    assert all(270 < count < 400 for topic, count in topics.items() if topic != "pricing")


def test_every_source_occurs_and_traps_and_troubles_are_hard() -> None:
    prompts = draw_prompts(5, 1000)
    assert {prompt.source for prompt in prompts} == set(PromptSource)
    hard = {PromptSource.EXPERT, PromptSource.ADVERSARIAL}
    assert all(prompt.hard == (prompt.source in hard) for prompt in prompts)


def test_what_can_do_harm_is_high_stakes() -> None:
    stakes = {prompt.topic for prompt in draw_prompts(6, 500) if prompt.high_stakes}
    assert stakes == {"refund", "login", "abuse"}


def test_a_source_can_be_asked_for() -> None:
    prompts = draw_prompts(7, 50, source=PromptSource.EXPERT)
    assert {prompt.source for prompt in prompts} == {PromptSource.EXPERT}


def test_a_trap_on_pricing_names_the_stale_price() -> None:
    for prompt in draw_prompts(8, 30, intents=["pricing"], source=PromptSource.ADVERSARIAL):
        premise = asked(prompt).fact
        assert premise is not None
        assert premise.old in prompt.text.split()


def test_a_question_is_read_back_from_its_words() -> None:
    prompt = Prompt.of("hi , what does pro cost for one month ? thanks .", topic="pricing")
    question = asked(prompt)
    assert question.slots == (("period", "month"), ("plan", "pro"))
    assert question.fact == fact("pro", "month")


def test_only_pricing_is_about_a_price() -> None:
    prompt = Prompt.of("i want to end pro before the next month .", topic="cancel")
    assert asked(prompt).fact is None


def test_a_topic_of_another_desk_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="'weather' is not the desk's"):
        asked(Prompt.of("will it rain ?", topic="weather"))


def test_asking_for_more_prompts_than_there_are_is_refused() -> None:
    with pytest.raises(BadInput, match="ask for less"):
        draw_prompts(9, 400, intents=["abuse"], source=PromptSource.SYNTHETIC)


@given(st.integers(0, 50))
def test_reserved_prompts_and_the_others_never_meet(seed: int) -> None:
    assert all(is_reserved(prompt.text) for prompt in draw_prompts(seed, 10, reserved=True))
    assert not any(is_reserved(prompt.text) for prompt in draw_prompts(seed, 10))


def test_no_slot_word_occurs_in_a_wording() -> None:
    slots = {word for words in SLOTS.values() for word in words}
    assert not slots & question_words()


def test_no_prompts_is_an_empty_list() -> None:
    assert draw_prompts(1, 0) == []
