import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.rendering import render, visible


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("*a* `b`", "<p><em>a</em> <code>b</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("```py\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("~~a~~", "<p><s>a</s></p>"),
        ("|a|\n|-|\n|b|", "<table>\n<thead>\n<tr>\n<th>a</th>"),
        (
            "[a](https://b.c)",
            '<p><a href="https://b.c" rel="noopener noreferrer nofollow">a</a></p>',
        ),
    ],
)
def test_markdown_becomes_html(markdown: str, expected: str) -> None:
    assert render(markdown).strip().startswith(expected)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>"),
        ("[a](javascript:alert)", "<p>[a](javascript:alert)</p>"),
        ("[a](data:text/html,b)", "<p>[a](data:text/html,b)</p>"),
    ],
)
def test_what_could_act_is_shown_as_text(markdown: str, expected: str) -> None:
    assert render(markdown).strip() == expected


def test_an_image_is_a_link_and_loads_nothing() -> None:
    html = render("![cat](https://spy.example/cat.png)")
    assert "<img" not in html
    assert '<a href="https://spy.example/cat.png"' in html


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
    ],
)
def test_hidden_characters_are_shown_by_their_code(text: str, expected: str) -> None:
    assert visible(text) == expected


@pytest.mark.parametrize(
    "text", ["plain\n\ttext\r\n", "👩\u200d💻", "می\u200cخواهم", "❤\ufe0f", "naïve – “x”", ""]
)
def test_what_belongs_there_stays(text: str) -> None:
    assert visible(text) == text


def test_a_hidden_character_is_shown_in_a_rendered_text_too() -> None:
    assert render("**a\u202eb**").strip() == "<p><strong>a⟨U+202E⟩b</strong></p>"


@pytest.mark.parametrize("opening", [">", "> ", "- ", "1. ", "> - ", "**_", "["])
@pytest.mark.parametrize("depth", [1, 10, 19, 20, 21, 40, 100])
def test_no_depth_of_nesting_hides_the_inside(opening: str, depth: int) -> None:
    html = render(opening * depth + "secret <i>")
    assert "secret" in html
    assert "<i>" not in html


@given(st.text("<>&\"'[]()!*_`#-| \nab:/\\x00javscriptonhref=") | st.text())
def test_only_known_tags_and_attributes_come_out(text: str) -> None:
    for tag in re.findall(r"<[^>]*>", render(text)):
        assert re.fullmatch(
            r"</?(p|blockquote|pre|code|em|strong|s|[uo]l|li|h[1-6]|table|thead|tbody|tr|th|td)>"
            r'|<[bh]r>|<ol start="\d+">|</a>'
            r'|<a href="(?!javascript|data)[^"<>]*"( title="[^"<>]*")?'
            r' rel="noopener noreferrer nofollow">',
            tag,
        ), tag
