import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.text.rendering import render


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


@pytest.mark.parametrize("address", ["http://b.c/d", "HTTPS://b.c", "mailto:a@b.c"])
def test_a_full_address_is_a_link(address: str) -> None:
    assert f'<a href="{address}"' in render(f"[a]({address})")
    assert f'<a href="{address}"' in render(f"<{address}>")


@pytest.mark.parametrize(
    "address",
    [
        *("//evil.example", "/people/ben", "people", "#top", "?next=/", "ftp://b.c", "tel:1"),
        *("http:people", "https:///evil.example", "http:/people", r"https:/\\evil.example"),
        *("&#47;&#47;evil.example", "&#x2f;people", r"\\\\evil.example"),
    ],
)
def test_any_other_link_is_the_text_it_was_written_as(address: str) -> None:
    for html in (render(f"[a]({address})"), render(f"[a][b]\n\n[b]: {address}")):
        assert "<a" not in html
        assert html.startswith("<p>[a]")


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
            r'|<a href="(?i:https?://[^/\\?#\s]|mailto:)[^"<>]*"( title="[^"<>]*")?'
            r' rel="noopener noreferrer nofollow">',
            tag,
        ), tag
