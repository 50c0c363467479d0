import pytest

from prefloop.core.records import Message, Prompt
from prefloop.prompts.strata import complexity, length, stratum


@pytest.mark.parametrize(
    ("words", "expected"),
    [(1, "short"), (3, "short"), (4, "medium"), (6, "medium"), (7, "long")],
)
def test_length_is_that_of_the_last_turn(words: int, expected: str) -> None:
    prompt = Prompt(messages=(Message("system", "x " * 50), Message("user", "a " * words)))
    assert length(prompt, (3, 6)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where is it", "one"),
        ("Where is it?", "one"),
        ("It is late. Where is it?", "several"),
        ("It costs 4.50 at example.com", "one"),
        ("Really?! Yes.", "several"),
    ],
)
def test_complexity_counts_sentences(text: str, expected: str) -> None:
    assert complexity(Prompt.of(text)) == expected


def test_a_prompt_with_earlier_turns_is_a_conversation() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert stratum(Prompt(messages=turns, topic="t"), (3, 6)) == ("t", "short", "conversation")
