"""What a browser is given of a comparison: its words as safe HTML, and nothing that tells.

Every item has the same fields whatever it is for; its id is the assignment's, which says nothing
about the comparison. Rendering is kept by text: each completion is shown to several people.
"""

import html
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from prefloop.annotation.queue import Shown
from prefloop.store.rows import ERASED
from prefloop.text.hidden import visible
from prefloop.text.rendering import render

__all__ = ["item", "safe_html"]

_KEPT = 16_384  # longer texts are rare, and would fill the memory
_AS_IT_IS = 200_000  # markdown of this length is no answer to read; it is shown without markup


def item(
    shown: Shown, draft: dict[str, Any] | None, slate: Sequence[str | None] | None = None
) -> dict[str, Any]:
    """One comparison as the screen's script gets it; `slate` is there where more than two
    responses are to be ranked."""
    responses = (shown.first, shown.second) if slate is None else slate
    return {
        "assignment": shown.assignment,
        "turns": [{"role": m.role, "html": safe_html(m.text)} for m in shown.messages],
        "responses": [safe_html(ERASED if one is None else one) for one in responses],
        "language": shown.language,
        "draft": draft,
    }


def safe_html(text: str) -> str:
    """Markdown from strangers as HTML that may stand in a page."""
    if len(text) > _AS_IT_IS:
        return f'<pre class="plain">{html.escape(visible(text))}</pre>'
    return _kept(text) if len(text) <= _KEPT else _rendered(text)


@lru_cache(maxsize=4096)
def _kept(text: str) -> str:
    return _rendered(text)


def _rendered(text: str) -> str:
    # A table may be wider than its pane: it scrolls by itself, and by keyboard.
    shown = render(text)
    return shown.replace("<table>", '<div class="wide" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )
