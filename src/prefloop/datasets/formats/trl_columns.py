"""The columns beside prompt, chosen and rejected: what prefloop has a word for, and the rest.

Two names are common elsewhere with another meaning: `margin` (here a share of votes, there any
difference of scores) and `source`. A value that does not fit ours is kept as metadata, and noted.
"""

import math
from collections.abc import Callable
from typing import Any

from prefloop.core.errors import BadInput
from prefloop.core.records import PromptSource

__all__ = ["Bad", "Odd", "columns"]


class Bad(BadInput):
    """Why a row cannot be understood; becomes a BadRow."""


class Odd(BadInput):
    """Why a row that was understood is no comparison; becomes an OddRow."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_signs(value: Any) -> bool:
    return isinstance(value, dict) and all(type(v) is int and abs(v) <= 1 for v in value.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


_Check = Callable[[Any], bool]
_PAIR: dict[str, tuple[_Check, str]] = {
    "margin": (_is_number, "a number"),
    "weight": (lambda value: _is_number(value) and value >= 0, "a number from 0"),
    "agreement": (_is_share, "a number from 0 to 1"),
    "judgments": (_is_count, "a whole number from 1"),
    "dimensions": (_is_signs, "a mapping from a dimension to -1, 0 or 1"),
    "split": (lambda value: value in ("train", "held_out"), '"train" or "held_out"'),
}
_PROMPT: dict[str, tuple[_Check, str]] = {
    **dict.fromkeys(("topic", "source", "specialty", "language", "provenance"), (_is_text, "text")),
    **dict.fromkeys(("hard", "high_stakes"), (_is_switch, "true or false")),
}
_FOREIGN: dict[str, tuple[_Check, str]] = {
    "margin": (_is_share, "is no share of votes (0 to 1)"),
    "source": (lambda value: value in set(PromptSource), "is no source of prompts that we know"),
}


def columns(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]:
    """(fields of the pair, facts of the prompt, metadata, note). Raises Bad for a wrong value."""
    pair: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    notes = []
    for name, value in row.items():
        if name in ("prompt", "chosen", "rejected"):
            continue
        kept, (check, wanted) = _place(name, pair, facts, meta)
        if value is None and kept is not meta:
            continue  # a column that another row fills
        if not check(value):
            raise Bad(f'"{name}" must be {wanted}, found {value!r:.60}')
        fits, why = _FOREIGN.get(name, (check, ""))
        if not fits(value):
            notes.append(f'"{name}" {why}: kept as metadata')
            kept = meta
        kept[name] = PromptSource(value) if kept is facts and name == "source" else value
    return pair, facts, meta, "; ".join(notes)


def _place(
    name: str, pair: dict[str, Any], facts: dict[str, Any], meta: dict[str, Any]
) -> tuple[dict[str, Any], tuple[_Check, str]]:
    if name in _PAIR:
        return pair, _PAIR[name]
    if name in _PROMPT:
        return facts, _PROMPT[name]
    return meta, (lambda value: True, "")
