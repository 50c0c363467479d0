"""What people may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput, Conflict
from prefloop.store.handles import check_handle


@pytest.mark.parametrize(
    "handle",
    [
        "a", "7", "ana", "Ana Souza", "ana@example.org", "o'neil-smith+qa_2.x", "x" * 64, "d.o",
        "Björn", "Ирина", "Ελένη", "李小龍", "김민준", "שרה", "محمد ١", "प्रिया", "பிரியா", "ឧត្ដម",
        "田中 Taro", "Taro 2号",
    ],
)  # fmt: skip
def test_names_of_any_language_are_handles(handle: str) -> None:
    check_handle(handle, ["somebody", "else"])


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        ("", "0 characters: use 1 to 64"),
        ("x" * 65, "65 characters: use 1 to 64"),
        ("zed/../ana", "holds '/': use letters, digits, spaces"),
        ("a\\b", "holds "),
        ("(unknown)", "holds '('"),
        ("a,b", "holds ','"),
        ("<b>", "holds '<'"),
        ("a\tb", "holds"), ("a\u2028b", "holds"), ("nul\x00", "holds"), ("\ud800", "holds"),
        ("bidi\u202e", "holds"), ("zero\u200bwidth", "holds"), ("soft\u00adhyphen", "holds"),
        ("bjo\u0308rn", "two ways: use 'björn'"),
        ("\uff41na", "two ways: use 'ana'"),
        ("..", "begins with a sign"), (".ana", "begins with a sign"),
        (" ana", "begins with a sign"),
        ("-x", "begins with a sign"), ("\u0301a", "begins with a sign"),
        ("ana ", "a space or dot too many"), ("ana.", "a space or dot too many"),
        ("ana  b", "a space or dot too many"),
        ("a_\u0301b", "accent without its letter"),
        ("\u0430na", "mixes alphabets (CYRILLIC, LATIN): use one"),
        ("an\u03b1", "mixes alphabets (GREEK, LATIN): use one"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_what_to_do(handle: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_handle(handle, [])
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_one_handle_is_one_person_whatever_its_case() -> None:
    for handle, other in (("ANA", "ana"), ("ana", "Ana"), ("straße", "STRASSE")):
        with pytest.raises(Conflict, match=f"already a person called {other}"):
            check_handle(handle, ["ben", other])


@given(st.text())
def test_whatever_passes_is_whole_in_a_line_and_between_commas(handle: str) -> None:
    try:
        check_handle(handle, [])
    except BadInput:
        return
    assert handle.splitlines() == [handle]
    assert handle.isprintable()
    assert not set(handle) & set('/\\,()<>&?#%:;"')
    assert handle.strip(" .") == handle
