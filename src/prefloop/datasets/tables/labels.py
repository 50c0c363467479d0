"""Labels of a table as codes, none of them guessed."""

import difflib
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.core.errors import BadInput
from prefloop.datasets.tables import values
from prefloop.datasets.tables.columns import TableColumns
from prefloop.datasets.tables.items import as_text

__all__ = ["Labels"]

_NOMINAL, _NUMERIC = 100, 2000  # different labels that a column of labels may have


class Labels:
    """A sign for a verdict (1 first side, -1 second, 0 tie), else a number in the order of
    declaration, or in which labels are first met."""

    def __init__(self, columns: TableColumns) -> None:
        self.columns, self.signs = columns, columns.signs
        self.codes: dict[str, int] = {}
        for name in columns.categories:
            self.codes.setdefault(self._name(name), len(self.codes))
        self.lines: dict[str, int] = {}  # {label: line where first met}
        self.types: dict[str, int] = {}  # {type of cell: line where first met}
        self.seen: dict[str, int] = {}  # {cell as it stands: code}: most are found here at once

    def code(self, cell: Any, column: str, line: int) -> int:
        """The code of a cell. Raises BadInput for a label nobody announced, or of another type."""
        if isinstance(cell, str) and (known := self.seen.get(cell)) is not None:
            return known
        label = self._name(as_text(cell, column))
        self._one_type(cell, line)
        if self.columns.verdicts:
            found = _known(label, self.signs)
        elif self.columns.categories:
            found = _known(label, self.codes)
        else:
            most = _NOMINAL if self.columns.scale == "nominal" else _NUMERIC
            if label not in self.codes and len(self.codes) == most:
                raise BadInput(f'more than {most} different labels: is "{column}" their column?')
            found = self.codes.setdefault(label, len(self.codes))
            self.lines.setdefault(label, line)
        if isinstance(cell, str):
            self.seen[cell] = found
        return found

    def side(self, cell: Any, column: str) -> int:
        """1 where a cell says the first side, -1 for the second."""
        sign = self.signs.get(label := as_text(cell, column), 0)
        if sign == 0:
            raise BadInput(f'"{label}" in "{column}" is no side: use the labels that say which')
        return sign

    def ranked(self, where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """(place of each code, categories in order): as declared, by number, or by name.

        Nothing for verdicts. Raises BadInput for undeclared labels of which some are numbers.
        """
        names = [] if self.columns.verdicts else list(self.codes)
        if self.columns.categories or not names:
            return np.arange(len(names)), tuple(names)
        if self.columns.scale == "nominal":
            self._all_alike(where)
            order = sorted(range(len(names)), key=lambda code: names[code])
        else:
            order = sorted(range(len(names)), key=lambda code: float(names[code]))
        place = np.empty(len(names), dtype=np.int64)
        place[order] = np.arange(len(names))
        return place, tuple(names[code] for code in order)

    def _name(self, label: str) -> str:
        """A label as it is kept: one number, one name, where the scale is of numbers."""
        scale = self.columns.scale
        if scale == "nominal" or (scale == "ordinal" and self.columns.categories):
            return label
        return f"{values.number(label):.15g}"

    def _one_type(self, cell: Any, line: int) -> None:
        kind = values.kind(cell)
        if self.types and kind not in self.types:
            other, before = next(iter(self.types.items()))
            raise BadInput(
                f"labels of mixed types: {kind} here, {other} on line {before}: use one type"
            )
        self.types.setdefault(kind, line)

    def _all_alike(self, where: str) -> None:
        numbers = [label for label in self.codes if values.is_number(label)]
        words = [label for label in self.codes if not values.is_number(label)]
        if numbers and words:
            one, other = numbers[0], words[0]
            raise BadInput(
                f'{where}: labels of mixed types: the number "{one}" on line {self.lines[one]}, '
                f'"{other}" on line {self.lines[other]}: name those there are (--category)'
            )


def _known(label: str, known: dict[str, int]) -> int:
    if label not in known:
        raise BadInput(f'label "{label:.40}" is {_none_of(label, known)}')
    return known[label]


def _none_of(label: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(label, known, 1)
    listed = ", ".join(f'"{name}"' for name in known)
    return f"none of {listed}" + (f': did you mean "{near[0]}"?' if near else "")
