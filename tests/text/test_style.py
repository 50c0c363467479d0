"""Style: every count by hand, and what must not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.style import Style, style

NOTHING = Style(0, 0, 0, 0, 0, 0, 0, 0.0, 0.0)


def test_every_number_of_a_small_text() -> None:
    text = "## Note\nI think it's fine! Perhaps surely.\n\n- red one on a\n2. we don't?\n"
    assert style(text) == Style(
        words=14,  # Note I think it's fine Perhaps surely red one on a 2 we don't
        sentences=5,
        hedges=2,  # "I think", "Perhaps"
        certainties=1,  # "surely"
        list_items=2,
        headings=1,
        exclamations=1,
        formality=-2 / 15,  # on, a, less I, it's, we, and n't, of 14 words and an n't
        repetition=0.0,
    )


@pytest.mark.parametrize("text", ["", " \n", "...", "**", "!?!"])
def test_a_text_without_words_is_all_zero(text: str) -> None:
    assert style(text) == NOTHING
    assert style(text).per_100(3) == 0.0


def test_a_rate_is_per_hundred_words() -> None:
    found = style("maybe it is so and it may be not")  # 9 words, 2 hedges
    assert found.per_100(found.hedges) == pytest.approx(200 / 9)


def test_repetition_is_the_share_of_sequences_seen_before() -> None:
    # a b c a b c: abc bca cab abc: 4 sequences, 3 distinct, 1 - 3/4
    assert style("a b c a b c").repetition == 0.25
    assert style("a b").repetition == 0.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It might work, possibly.", 2),
        ("I'm not sure. It depends.", 2),
        ("i am not sure but it may be that", 2),
        ("It works. The mayor likes it; a mighty likelihood.", 0),
        ("In most cases it seems to work.", 2),
    ],
)
def test_hedges_are_whole_words_and_phrases(text: str, count: int) -> None:
    assert style(text).hedges == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I can confirm that it is certain.", 2),
        ("Definitely, without any doubt, of course.", 3),
        ("We’re sure; it is always right.", 2),
        ("It is not always so and isn't guaranteed.", 0),
        ("I am not sure. You can't be sure. It is uncertain, to a certain extent.", 0),
    ],
)
def test_certainty_is_neither_doubted_nor_denied(text: str, count: int) -> None:
    assert style(text).certainties == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- a\n* b\n• c\n  - d\n1. e\n2) f\na) g", 7),
        ("-a\n1.5 b\nwell - c\n---\n*d*", 0),
    ],
)
def test_list_items_are_lines_with_a_marker_and_words(text: str, count: int) -> None:
    assert style(text).list_items == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("It costs 3.50 now", 1),
        ('He said "no." Then he left.', 2),
        ("first line\nsecond line\n\n...\n", 2),
        ("wait ... what", 2),
    ],
)
def test_sentences_end_at_marks_and_lines(text: str, count: int) -> None:
    assert style(text).sentences == count


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("the price of the plan", 3 / 5),  # the, of, the
        ("we don't", -2 / 3),  # we, n't over we do n't
        ("you’re great", -2 / 3),  # you, 're over you 're great
        ("the dog's home", 1 / 3),  # a possessive is no contraction
        ("it's home", -1 / 2),  # it
        ("hello on wow", -1 / 3),  # on, less hello and wow
        ("red green", 0.0),
    ],
)
def test_formality_counts_closed_classes(text: str, share: float) -> None:
    assert style(text).formality == pytest.approx(share)


def test_the_formal_of_two_letters_is_the_more_formal() -> None:
    formal = "The cancellation of the contract takes effect at the end of the period."
    casual = "Hey, we'll cancel it for you, so you don't pay us anything, okay?"
    assert style(formal).formality > 0.3 > 0 > style(casual).formality


@given(st.text())
def test_numbers_stay_in_their_range(text: str) -> None:
    found = style(text)
    assert 0 <= found.repetition < 1
    assert -1 <= found.formality <= 1
    assert found.words <= len(text.casefold())
    assert found.sentences <= found.words
    assert min(found.hedges, found.certainties, found.list_items, found.exclamations) >= 0


@given(st.text("abc i am sure not always may -\n.!'", min_size=1))
def test_a_text_twice_has_twice_of_everything_counted(text: str) -> None:
    once, twice = style(text), style(f"{text}\n\n{text}")
    assert (twice.words, twice.sentences) == (2 * once.words, 2 * once.sentences)
    assert twice.hedges == 2 * once.hedges
    assert twice.formality == pytest.approx(once.formality)
