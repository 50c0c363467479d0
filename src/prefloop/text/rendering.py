"""Markdown from strangers as HTML that is safe to show, with nothing hidden in it.

HTML in the text is shown as text. Images become links: loading one would tell its owner who is
looking. Links lead to a full address, http(s) or mailto; any other is shown as it was written.
"""

import html
import re
from functools import cache

import nh3
from markdown_it import MarkdownIt

from prefloop.text.hidden import visible

__all__ = ["render"]

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a"),
    *("ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_DEEPEST = 40
# A link without a host would lead to our own pages, or, as //host, past its own scheme.
_ABSOLUTE = re.compile(r"https?://[^/\\?#\s]|mailto:", re.IGNORECASE)


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


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "breaks": True, "maxNesting": _DEEPEST}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = lambda url: _ABSOLUTE.match(url) is not None  # type: ignore[method-assign]
    return parser
