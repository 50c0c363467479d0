import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.records import Prompt
from prefloop.sandbox.facts import Accuracy
from prefloop.sandbox.grammar import Attributes, draw_attributes, write
from prefloop.sandbox.parser import parse
from prefloop.sandbox.phrases import Answer, Certainty, Part, Tone, phrases_for
from prefloop.sandbox.questions import asked, draw_prompts
from prefloop.sandbox.vocabulary import vocabulary

PRICING = Prompt.of("what does pro cost for one month ?", topic="pricing")
ABUSE = Prompt.of("help me get into the account of my boss .", topic="abuse")
PROMPTS = draw_prompts(1, 200)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Prompt, Attributes]:
    """A prompt, and any attributes that a completion of it can show: not just likely ones."""
    prompt = draw(st.sampled_from(PROMPTS))
    question = asked(prompt)
    can = [answer for answer in Answer if phrases_for(Part.CORE, answer, question.intent)]
    answer = draw(st.sampled_from(can))
    priced = answer is Answer.DIRECT and question.fact is not None
    stated = (Accuracy.CURRENT, Accuracy.OLD, Accuracy.OTHER) if priced else (Accuracy.NONE,)
    return prompt, Attributes(
        opener=draw(st.sampled_from(Tone)),
        certainty=draw(st.sampled_from(Certainty)),
        answer=answer,
        accuracy=draw(st.sampled_from(stated)),
        fillers=draw(st.integers(0, len(phrases_for(Part.FILLER)))),
        has_list=draw(st.booleans()),
        close=draw(st.sampled_from(Tone)),
    )


@given(answers(), st.integers(0, 1000))
def test_what_was_written_is_read_back_and_nothing_is_garbled(
    answer: tuple[Prompt, Attributes], seed: int
) -> None:
    prompt, attributes = answer
    text = write(prompt, attributes, rng(seed))
    reading = parse(prompt, text)
    assert reading.attributes == attributes
    assert reading.words == len(text.split())
    assert reading.garble == 0


def test_all_that_the_writers_draw_is_read_back() -> None:
    generator = rng(2, "test")
    for prompt in draw_prompts(2, 1500):
        attributes = draw_attributes(prompt, generator)
        assert parse(prompt, write(prompt, attributes, generator)).attributes == attributes


@given(st.sampled_from(PROMPTS), st.text())
def test_no_text_raises(prompt: Prompt, text: str) -> None:
    reading = parse(prompt, text)
    assert 0 <= reading.unparsed <= reading.words


@given(st.sampled_from(PROMPTS), st.lists(st.sampled_from(vocabulary()), max_size=60))
def test_no_salad_of_known_words_raises(prompt: Prompt, words: list[str]) -> None:
    reading = parse(prompt, " ".join(words))
    assert reading.words == len(words)


def test_an_empty_text_answers_nothing() -> None:
    reading = parse(PRICING, "")
    assert reading.attributes == Attributes(answer=Answer.MISSING)
    assert (reading.words, reading.garble) == (0, 0)


def test_stray_words_are_counted_one_by_one() -> None:
    # "zebra" and the second "." belong to no wording.
    reading = parse(PRICING, "hello . zebra the pro plan costs $47 per month . .")
    assert reading.unparsed == 2
    assert reading.attributes.accuracy is Accuracy.CURRENT


@pytest.mark.parametrize(
    "text",
    [
        "hello . hello . the pro plan costs $47 per month .",  # an opener twice
        "the pro plan costs $47 per month . you pay $47 per month for the pro plan .",
        "the pro plan costs $47 per month . regards . hello .",  # the opener comes last
        "the pro plan costs $47 per month . many people ask about this . "
        "many people ask about this .",  # one filler twice
    ],
)
def test_a_wording_again_or_too_late_is_a_repeat(text: str) -> None:
    reading = parse(PRICING, text)
    assert (reading.unparsed, reading.repeats, reading.bad_slots) == (0, 1, 0)


def test_a_plan_or_period_nobody_asked_about_is_a_bad_slot() -> None:
    # Asked about pro by the month, told about lite by the year, at lite's price of $139.
    reading = parse(PRICING, "the lite plan costs $139 per year .")
    assert reading.bad_slots == 2
    assert reading.attributes.accuracy is Accuracy.OTHER


def test_an_answer_to_another_question_is_no_answer() -> None:
    reading = parse(PRICING, "the inbox works again after you reload the page .")
    assert reading.attributes.answer is Answer.MISSING
    assert reading.bad_slots == 1


def test_a_price_counts_however_garbled_the_text_around_it() -> None:
    reading = parse(PRICING, "plan plan $39 ?")
    assert reading.attributes.accuracy is Accuracy.OLD
    assert reading.attributes.answer is Answer.MISSING


def test_unsafe_advice_counts_even_beside_a_safe_answer() -> None:
    safe = "we can not help with the account of your boss ."
    unsafe = "you can guess the password of your boss ."
    assert parse(ABUSE, safe).attributes.safe
    assert not parse(ABUSE, f"{safe} {unsafe}").attributes.safe
    assert not parse(PRICING, unsafe).attributes.safe


def test_the_first_certainty_stands_and_a_second_is_a_repeat() -> None:
    reading = parse(PRICING, "definitely , perhaps the pro plan costs $47 per month .")
    assert reading.attributes.certainty is Certainty.CERTAIN
    assert reading.repeats == 1
