import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput, MissingExtra
from prefloop.text.redaction import GROUP, Redacted, Span, detectors, redact


class Word:
    """Finds one word."""

    def __init__(self, word: str, kind: str, name: str = "word") -> None:
        self.word, self.kind, self.name = word, kind, name

    def find(self, text: str) -> Iterator[Span]:
        start = text.find(self.word)
        if start >= 0:
            yield Span(start, start + len(self.word), self.kind)


def test_what_is_found_is_replaced_by_its_kind_and_counted() -> None:
    found = redact("write to a@example.com or b@example.com from 8.8.8.8", detectors())
    assert found.text == "write to [EMAIL] or [EMAIL] from [IP]"
    assert found.counts == {"EMAIL": 2, "IP": 1}
    assert found.spans[0] == Span(9, 22, "EMAIL")


@pytest.mark.parametrize("text", ["", "nothing here", "Order 12345 costs $47 at 10:30."])
def test_a_text_without_anything_is_unchanged(text: str) -> None:
    assert redact(text, detectors()) == Redacted(text)


def test_overlapping_spans_become_one_named_by_the_first_detector() -> None:
    using = [Word("bcd", "X"), Word("def", "Y"), Word("z", "Z")]
    assert redact("abcdefgz", using).text == "a[X]g[Z]"
    assert redact("abcdefgz", using[::-1]).text == "a[Y]g[Z]"


def test_spans_that_touch_stay_two() -> None:
    assert redact("abcd", [Word("ab", "X"), Word("cd", "Y")]).text == "[X][Y]"


def test_detectors_are_chosen_by_name_in_that_order() -> None:
    assert [each.name for each in detectors(["ipv4", "email"])] == ["ipv4", "email"]


def test_an_unknown_detector_is_named() -> None:
    with pytest.raises(BadInput, match="no detector name: choose from private key, key,"):
        detectors(["name"])


def test_without_phonenumbers_phones_are_missing_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prefloop.text.phones.find_spec", lambda name: None)
    assert "phone" not in [each.name for each in detectors()]
    with pytest.raises(MissingExtra, match=r"pip install 'prefloop\[data\]'"):
        detectors(["phone"])


def test_phonenumbers_is_not_loaded_before_it_is_used() -> None:
    before = "phonenumbers" in sys.modules
    detectors()
    assert ("phonenumbers" in sys.modules) == before


@pytest.mark.parametrize(
    "text", ["+1 650-253-0000", "(650) 253-0000", "+49 30 901820", "+44 20 7946 0958"]
)
def test_phone_numbers_are_found_by_rule(text: str) -> None:
    pytest.importorskip("phonenumbers")
    assert redact(f"call {text}!", detectors(["phone"])).text == "call [PHONE]!"


def test_a_detector_can_be_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("names", "names:Names", GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Word("Ada", "NAME", "names"))
    monkeypatch.setattr("prefloop.core.plugins.entry_points", lambda group: [entry])
    assert redact("Ada <ada@example.org>", detectors()).text == "[NAME] <[EMAIL]>"


@given(st.text("ab@.:/-=0123456789 \n[]EMAIL") | st.text())
def test_spans_are_in_order_apart_and_what_is_between_them_is_kept(text: str) -> None:
    found = redact(text, detectors())
    places = [place for span in found.spans for place in (span.start, span.end)]
    assert places == sorted(places)
    assert all(0 <= span.start < span.end <= len(text) for span in found.spans)
    kept = text
    for span in reversed(found.spans):
        kept = kept[: span.start] + f"[{span.kind}]" + kept[span.end :]
    assert kept == found.text
