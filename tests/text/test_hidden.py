import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.hidden import visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),  # right-to-left override
        ("a\u200bb", "a⟨U+200B⟩b"),  # zero-width space
        ("pay\u200dpal", "pay⟨U+200D⟩pal"),  # joiner between Latin letters
        ("\ufeffa", "⟨U+FEFF⟩a"),
        ("a\x00\x1b", "a⟨U+0000⟩⟨U+001B⟩"),
        ("a\U000e0041", "a⟨U+E0041⟩"),  # a tag letter: a hidden instruction
        ("a\U000e0100", "a⟨U+E0100⟩"),  # a variation selector: hidden bytes
        ("a\u3164", "a⟨U+3164⟩"),  # Hangul filler
        ("a\u200d", "a⟨U+200D⟩"),
        ("good\rbad", "good⟨U+000D⟩bad"),  # a terminal would write the second over the first
        ("a\r\r\n\r", "a⟨U+000D⟩\r\n⟨U+000D⟩"),
        ("a\x7f\x9b2J", "a⟨U+007F⟩⟨U+009B⟩2J"),  # delete, and CSI in one character
        ("\ud800a", "⟨U+D800⟩a"),  # half a letter
    ],
)
def test_hidden_characters_are_shown_by_their_code(text: str, expected: str) -> None:
    assert visible(text) == expected


@pytest.mark.parametrize(
    "text", ["plain\n\ttext\r\n", "👩\u200d💻", "می\u200cخواهم", "❤\ufe0f", "naïve – “x”", ""]
)
def test_what_belongs_there_stays(text: str) -> None:
    assert visible(text) == text


def test_hidden_characters_are_written_as_the_caller_says() -> None:
    assert visible("a\u202eb", lambda letter: "?") == "a?b"


@given(st.text())
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
