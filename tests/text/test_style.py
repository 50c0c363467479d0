import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.style import Style, style


def test_every_number_of_a_small_text() -> None:
    text = "## Note\nI think it's fine! Perhaps.\n\n- red one\n2. blue one?\n"
    # words: Note I think it's fine Perhaps red one 2 blue one = 11
    # letters: 4+1+5+4+4+7+3+3+1+4+3 = 39; hedges: "I think", "Perhaps"
    assert style(text) == Style(
        words=11,
        hedges=2,
        list_items=2,
        headings=1,
        letters_per_word=39 / 11,
        contractions=0,  # it's may be a possessive elsewhere (the dog's): only clear ones count
        exclamations=1,
        questions=1,
        repetition=0.0,
    )
    assert style(text).hedge_rate == pytest.approx(200 / 11)
    assert style(text).informality == pytest.approx(100 / 11)


@pytest.mark.parametrize("text", ["", " \n", "...", "**"])
def test_a_text_without_words_is_all_zero(text: str) -> None:
    found = style(text)
    assert found == Style(0, 0, 0, 0, 0.0, 0, 0, 0, 0.0)
    assert (found.hedge_rate, found.informality) == (0.0, 0.0)


def test_repetition_is_the_share_of_sequences_seen_before() -> None:
    # a b c a b c: abc bca cab abc: 4 sequences, 3 distinct, 1 - 3/4
    assert style("a b c a b c").repetition == 0.25
    assert style("a b").repetition == 0.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It might work, possibly.", 2),
        ("I'm not sure. It depends.", 2),
        ("It works. The mayor likes it; a mighty likelihood.", 0),
    ],
)
def test_hedges_are_whole_words_and_phrases(text: str, count: int) -> None:
    assert style(text).hedges == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- a\n* b\n• c\n  - d\n1. e\n2) f\na) g", 7),
        ("-a\n1.5 b\nwell - c\n---\n*d*", 0),
    ],
)
def test_list_items_are_lines_with_a_marker_and_words(text: str, count: int) -> None:
    assert style(text).list_items == count


def test_contractions_are_counted_with_either_apostrophe() -> None:
    assert style("don't we’re I'll the dog's").contractions == 3


@given(st.text())
def test_numbers_stay_in_their_range(text: str) -> None:
    found = style(text)
    assert 0 <= found.repetition < 1
    assert found.words <= len(text)


@given(st.text("abc -\n.!", min_size=1))
def test_a_text_twice_has_twice_the_words(text: str) -> None:
    assert style(f"{text}\n{text}").words == 2 * style(text).words
