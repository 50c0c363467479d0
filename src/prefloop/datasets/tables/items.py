"""What a row of a table is about, under one name however the row names its two sides."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from prefloop.core.errors import BadInput
from prefloop.datasets.tables.columns import TableColumns

__all__ = ["Compared", "Named", "as_text", "naming"]

Compared: TypeAlias = tuple[str, str, str]  # prompt, side a, side b
# An item (a name, or its texts) and -1 where the row has its sides the other way round.
Named: TypeAlias = tuple[str | Compared, int]


def naming(
    columns: TableColumns, place: Mapping[str, int]
) -> Callable[[Sequence[Any]], Named | str]:
    """How to read the item off a row of cells; the answer is why, where it compares nothing.

    What is returned raises BadInput for an empty cell.
    """
    if columns.prompt:
        return lambda row: _compared(row, columns, place)
    parts = [(name, place[name]) for name in columns.item]
    if columns.sides:
        sides = [(name, place[name]) for name in columns.sides]
        return lambda row: _between(row, parts, sides)
    if len(parts) > 1:
        return lambda row: (_joined([as_text(row[at], name) for name, at in parts]), 1)
    ((only, first),) = parts
    return lambda row: (as_text(row[first], only), 1)


def as_text(value: Any, name: str) -> str:
    """A cell as text, without space around it; numbers are the same however they are written.

    Raises BadInput for an empty cell, a list or an object.
    """
    if isinstance(value, str):
        found = value.strip()
        if not found:
            raise BadInput(f'"{name}" is empty')
        return found
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise BadInput(f'"{name}" is {value}: no finite number')
        return str(int(value)) if value == int(value) else str(value)
    if value is None:
        raise BadInput(f'"{name}" is empty')
    raise BadInput(f'"{name}" is {type(value).__name__}: text or a number is needed')


def _between(
    row: Sequence[Any], parts: list[tuple[str, int]], sides: list[tuple[str, int]]
) -> Named:
    one, other = (as_text(row[at], name) for name, at in sides)
    if one == other:
        raise BadInput(f'both sides are "{one:.40}": nothing is compared')
    a, b = sorted((one, other))
    name = _joined([*(as_text(row[at], name) for name, at in parts), a, b])
    return name, 1 if one == a else -1


def _compared(row: Sequence[Any], columns: TableColumns, place: Mapping[str, int]) -> Named | str:
    cells = [_words(row[place[name]], name) for name in columns.prompt]
    prompt = "\n\n".join(cell for cell in cells if cell)
    if not prompt:
        raise BadInput("the prompt is empty")
    sides = [row[place[name]] for name in columns.completions]
    if any(isinstance(side, bool) for side in sides):
        return "a completion is true or false, no text"  # what it said before is lost
    one, other = (_words(side, name) for side, name in zip(sides, columns.completions, strict=True))
    if not one or not other:
        return "a completion is empty"
    if one == other:
        return "both completions are the same text"
    a, b = sorted((one, other))
    return (prompt, a, b), 1 if one == a else -1


def _words(value: Any, name: str) -> str:
    """A text as it is; "" for one without a visible character."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    return value if isinstance(value, str) else as_text(value, name)


def _joined(parts: Sequence[str]) -> str:
    """One name for several parts, never the same for others."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
