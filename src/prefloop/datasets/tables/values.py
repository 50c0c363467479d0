"""What single cells say: nothing, a number, a time. Each raises BadInput rather than guess."""

import math
from datetime import UTC, datetime
from typing import Any

from prefloop.core.errors import BadInput
from prefloop.datasets.tables.items import as_text

__all__ = ["empty", "is_number", "kind", "microseconds", "milliseconds", "number"]

_FROM, _TO = 1e8, 1e11  # seconds since 1970: less is a year or a date, more is milliseconds
_DAY_MS = 24 * 3600 * 1000


def empty(cell: Any) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def kind(cell: Any) -> str:
    """The type of a cell in words."""
    if isinstance(cell, bool):
        return "true or false"
    return "a number" if isinstance(cell, int | float) else "text"


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def number(text: str) -> float:
    """A text as a finite number."""
    if not is_number(text):
        raise BadInput(f'"{text:.40}" is no number')
    return float(text)


def milliseconds(cell: Any, name: str) -> int:
    """A length of time in ms; 0 where it is not known."""
    if empty(cell):
        return 0
    found = number(as_text(cell, name))
    if not 0 <= found <= _DAY_MS:
        raise BadInput(f'"{name}" is {found:g}: milliseconds are from 0 to a day')
    return round(found)


def microseconds(text: str) -> int:
    """Microseconds since 1970 from ISO 8601 (UTC where no zone is said) or seconds since 1970."""
    if not is_number(text):
        try:
            told = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadInput(f'"{text:.40}" is no time: ISO 8601, or seconds since 1970') from error
        seconds = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    else:
        seconds = float(text)
    if not _FROM <= seconds < _TO:
        raise BadInput(f'"{text:.40}" is no time after 1973: ISO 8601, or seconds since 1970')
    return round(seconds * 1e6)
