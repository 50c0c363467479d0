"""Markdown from strangers as HTML that is safe to show, with nothing hidden in it.

HTML in the text is shown as text. Images become links: loading one would tell its owner who is
looking. Characters that cannot be seen, or that turn the direction of reading, are shown by their
code, since they can carry hidden words or make a text read differently from what it says.
"""

import html
import unicodedata
from functools import cache

import nh3
from markdown_it import MarkdownIt

__all__ = ["render", "visible"]

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_DEEPEST = 40
_JOINERS = "\u200c\u200d"  # join letters in Persian and Hindi, and build emoji
_LINES = {ord("\n"): " ", ord("\t"): " ", ord("\r"): " "}  # not hidden, though not printable
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"  # blank, and not called a format


def render(markdown: str) -> str:
    """Safe HTML of a markdown text; a single line break is kept as one.

    Text that is nested deeper than anybody writes is shown as it is: the parser would drop the
    inside.
    """
    shown = visible(markdown)
    parser = _parser()
    tokens = parser.parse(shown)
    if any(token.level > _DEEPEST - 4 for token in tokens):
        return f"<pre>{html.escape(shown)}</pre>"
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def visible(text: str) -> str:
    """`text` with every hidden character written as its code, as in ⟨U+202E⟩."""
    if text.isascii() and text.translate(_LINES).isprintable():
        return text
    last = len(text) - 1
    return "".join(
        f"⟨U+{ord(letter):04X}⟩"
        if _is_hidden(letter, text[i - 1 : i], text[i + 1 : i + 2] if i < last else "")
        else letter
        for i, letter in enumerate(text)
    )


def _is_hidden(letter: str, before: str, after: str) -> bool:
    if letter in "\n\t\r":
        return False
    if letter in _JOINERS:
        # Between letters of a script that joins, or parts of an emoji, they belong there.
        return not (before and after and ord(before) > 0x2FF and ord(after) > 0x2FF)
    if letter in _FILLERS or 0xE0100 <= ord(letter) <= 0xE01EF:  # variation selectors 17 to 256
        return True
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "breaks": True, "maxNesting": _DEEPEST}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
