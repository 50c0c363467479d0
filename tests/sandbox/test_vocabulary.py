from prefloop.sandbox.facts import SLOTS
from prefloop.sandbox.grammar import demonstrate
from prefloop.sandbox.phrases import PHRASES
from prefloop.sandbox.questions import draw_prompts
from prefloop.sandbox.vocabulary import vocabulary


def test_about_320_words_each_once_in_a_stable_order() -> None:
    words = vocabulary()
    assert 300 <= len(words) <= 340
    assert words == sorted(set(words)) == vocabulary()


def test_every_text_is_words_of_the_vocabulary_with_one_space_between() -> None:
    words = set(vocabulary())
    prompts = [*draw_prompts(1, 3000), *draw_prompts(1, 1000, reserved=True)]
    texts = [prompt.text for prompt in prompts] + demonstrate(1, prompts)
    for text in texts:
        assert set(text.split(" ")) <= words


def test_every_plan_and_price_is_one_word() -> None:
    words = set(vocabulary())
    assert all(word in words for slot in SLOTS.values() for word in slot)


def test_no_word_is_made_of_spaces_or_braces() -> None:
    assert not any(set(word) & set(" {}\n") or not word for word in vocabulary())


def test_no_slot_word_occurs_in_a_completions_wording() -> None:
    slots = {word for words in SLOTS.values() for word in words}
    assert not slots & {word for phrase in PHRASES for word in phrase.words}
