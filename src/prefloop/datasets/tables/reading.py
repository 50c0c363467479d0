"""From the rows of a table to columns of codes: every judgment once, every fault with its line.

Rows are read one at a time and kept as small numbers, so that ten million of them fit into memory:
what grows is 14 bytes for each judgment and the name, or the texts, of each item.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from prefloop.core.errors import BadInput
from prefloop.core.lines import reading, uncompressed
from prefloop.datasets.formats.reading import by_reason
from prefloop.datasets.formats.rows import OddRow
from prefloop.datasets.tables import values
from prefloop.datasets.tables.cells import cells
from prefloop.datasets.tables.columns import TableColumns
from prefloop.datasets.tables.items import Compared, as_text, naming
from prefloop.datasets.tables.labels import Labels

__all__ = ["Table", "read_table"]

Ints = NDArray[np.int64]

_WIDTH = {"item": "i", "annotator": "i", "label": "h", "line": "i"}
_EXTRA = {"shown": "b", "at": "q", "active": "i"}  # kept only where a column says it
_LABELS_SHOWN, _NAME_SHOWN = 8, 60


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read to its end; N judgments in the order of the file.

    Codes point into `items`, `annotators` and, for categories, `categories`; verdicts are 1 (side
    a), -1 (b) and 0 (tie), in an order of the sides that is the same however a row names them.
    """

    columns: TableColumns
    items: Sequence[str | Compared]
    annotators: Sequence[str]
    categories: tuple[str, ...]  # empty for verdicts
    item: Ints  # (N,)
    annotator: Ints  # (N,)
    label: Ints  # (N,)
    again: NDArray[np.bool_]  # (N,) a repeat of the same annotator's earlier judgment
    shown: Ints | None  # (N,) 1 where a was shown first, -1 where b was, 0 not known
    at: Ints | None  # (N,) microseconds since 1970, UTC; -1 not known
    active_ms: Ints | None  # (N,) 0 not known
    topics: Mapping[int, str]  # {item: topic}
    gold: Mapping[int, int]  # {item: label}
    odd: tuple[OddRow, ...]

    def report(self) -> list[str]:
        """Readable lines: how much there is, which labels, and what was set aside."""
        what = "comparisons" if self.columns.prompt else "items"
        said = Counter(self.label.tolist())
        names = dict(enumerate(self.categories)) or {1: "a", -1: "b", 0: "tie"}
        told = [f"{names[code]} {count:,}" for code, count in said.most_common(_LABELS_SHOWN)]
        more = ", ..." if len(said) > _LABELS_SHOWN else ""
        again = int(self.again.sum())
        return [
            f"{len(self.item):,} judgments of {len(self.items):,} {what} by "
            f"{len(self.annotators):,} annotators",
            f"labels: {', '.join(told)}{more}",
            *([f"repeats by the same annotator: {again:,}"] if again else []),
            *([f"{what} with a gold answer: {len(self.gold):,}"] if self.gold else []),
            *(f"set aside, {line}" for line in by_reason(self.odd)),
        ]


def read_table(stream: BinaryIO, where: str, columns: TableColumns) -> Table:
    """All judgments of a seekable file, which may be gzipped.

    Raises BadInput with the line for the first row that cannot be understood: a column or cell that
    is missing, a label that nobody announced, labels of mixed types, an annotator who judged one
    item twice (unless `columns.repeats`); and for a table without any judgment.
    """
    found = _Reader(where, columns)
    with reading(where):
        for line, row in cells(uncompressed(stream), where, columns.names):
            try:
                found.take(line, row)
            except BadInput as error:
                raise BadInput(f"{where}:{line}: {error}") from error
    return found.table()


class _Reader:
    """What was read so far. Cells seen before are looked up as they are, which is fast."""

    def __init__(self, where: str, columns: TableColumns) -> None:
        self.where, self.columns = where, columns
        self.place = {name: at for at, name in enumerate(columns.names)}
        self.name_of = naming(columns, self.place)
        self.items: dict[str | Compared, int] = {}
        self.annotators: dict[str, int] = {}
        self.labels = Labels(columns)
        self.topics: dict[int, str] = {}
        self.gold: dict[int, int] = {}
        self.odd: list[OddRow] = []
        self.kept = {name: array(kind) for name, kind in _WIDTH.items()}
        self.extra = {name: array(_EXTRA[name]) for name in _extra(columns)}

    def take(self, line: int, row: Sequence[Any]) -> None:
        """One row of the file."""
        named = self.name_of(row)
        if isinstance(named, str):
            self.odd.append(OddRow(line, named))
            return
        item, turn = named
        code = self.items.setdefault(item, len(self.items))
        if self.columns.topic is not None or self.columns.gold is not None:
            self._about(row, code, turn, line)
        for who, cell, column in self._judgments(row):
            person = self.annotators.setdefault(who, len(self.annotators))
            label = self.labels.code(cell, column, line)
            self.kept["item"].append(code)
            self.kept["annotator"].append(person)
            self.kept["label"].append(label * turn)
            self.kept["line"].append(line)
            for name, kept in self.extra.items():
                kept.append(self._extra(name, row, turn))

    def _judgments(self, row: Sequence[Any]) -> Iterator[tuple[str, Any, str]]:
        """(annotator, cell, column) of a row: one, or one for each column that is filled."""
        if self.columns.annotator is not None:
            who = as_text(row[self.place[self.columns.annotator]], self.columns.annotator)
            (name,) = self.columns.label
            yield who, row[self.place[name]], name
            return
        for name in self.columns.label:
            cell = row[self.place[name]]
            if not values.empty(cell):  # else this one did not judge the item
                yield name, cell, name

    def _about(self, row: Sequence[Any], code: int, turn: int, line: int) -> None:
        """What a row says of its item: topic and gold answer, the same on every row of it."""
        if (name := self.columns.topic) is not None:
            cell = row[self.place[name]]
            topic = "" if values.empty(cell) else as_text(cell, name)
            if self.topics.setdefault(code, topic) != topic:
                raise BadInput(f'topic "{topic}", where "{self.topics[code]}" was said before')
        if (name := self.columns.gold) is not None and not values.empty(row[self.place[name]]):
            label = self.labels.code(row[self.place[name]], name, line) * turn
            if self.gold.setdefault(code, label) != label:
                raise BadInput(f'"{name}" gives another gold answer than a row before')

    def _extra(self, what: str, row: Sequence[Any], turn: int) -> int:
        columns = self.columns
        if what == "shown":
            if columns.shown_first is None:
                return turn
            return turn * self.labels.side(
                row[self.place[columns.shown_first]], columns.shown_first
            )
        if what == "at":
            assert columns.time is not None
            return values.microseconds(as_text(row[self.place[columns.time]], columns.time))
        assert columns.active_ms is not None
        return values.milliseconds(row[self.place[columns.active_ms]], columns.active_ms)

    def table(self) -> Table:
        """Everything, once the file is read."""
        if not len(self.kept["item"]):
            why = f": {self.odd[0].reason} (line {self.odd[0].line})" if self.odd else ""
            raise BadInput(f"{self.where} holds no judgment{why}")
        again = self._again()
        place, categories = self.labels.ranked(self.where)
        if odd := next((name for name in [*self.annotators, *categories] if "\0" in name), None):
            raise BadInput(f"{self.where}: {odd!r} holds a zero character, which no database keeps")
        found = {name: np.array(kept, dtype=np.int64) for name, kept in self.extra.items()}
        label = np.array(self.kept["label"], dtype=np.int64)
        gold = self.gold
        if categories:
            label = place[label]
            gold = {item: int(place[code]) for item, code in gold.items()}
        return Table(
            self.columns,
            list(self.items),
            list(self.annotators),
            categories,
            np.array(self.kept["item"], dtype=np.int64),
            np.array(self.kept["annotator"], dtype=np.int64),
            label,
            again,
            found.get("shown"),
            found.get("at"),
            found.get("active"),
            self.topics,
            gold,
            tuple(self.odd),
        )

    def _again(self) -> NDArray[np.bool_]:
        """Which judgments repeat an earlier one; refused unless the owner said there are some."""
        item, annotator = (np.frombuffer(self.kept[n], np.int32) for n in ("item", "annotator"))
        keys = item.astype(np.int64) * len(self.annotators) + annotator
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(np.diff(keys[order]) == 0)
        again = np.zeros(len(keys), dtype=np.bool_)
        again[order[same + 1]] = True
        if len(same) and not self.columns.repeats:
            row = int(np.argmax(again))
            before = int(np.flatnonzero(keys[:row] == keys[row])[-1])
            who = list(self.annotators)[annotator[row]]
            name = _short(list(self.items)[item[row]])
            line = self.kept["line"]
            raise BadInput(
                f"{self.where}:{line[row]}: {who} judged {name} before, on line {line[before]}: "
                "keep one, or call later ones repeats (--repeats)"
            )
        return again


def _extra(columns: TableColumns) -> list[str]:
    told = {
        "shown": columns.as_shown or columns.shown_first is not None,
        "at": columns.time is not None,
        "active": columns.active_ms is not None,
    }
    return [name for name, given in told.items() if given]


def _short(item: str | Compared) -> str:
    text = item if isinstance(item, str) else " ".join(item[0].split())
    return repr(text if len(text) <= _NAME_SHOWN else f"{text[:_NAME_SHOWN]}...")
