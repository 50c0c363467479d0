"""What an annotator sees of an assignment: no purpose, no model, no gold flag, nobody's verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefloop.annotation import queries
from prefloop.annotation.chance import draw
from prefloop.core.records import Message, Purpose
from prefloop.store import texts
from prefloop.store.engine import Reader
from prefloop.store.rows import ERASED

__all__ = ["Shown", "first_shown", "show", "shown_rows"]

Row = Any


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison as one annotator sees it: the first completion, the second, nothing else."""

    assignment: str
    messages: tuple[Message, ...]
    first: str
    second: str
    language: str
    lease_until: int


def show(reader: Reader, assignments: Sequence[str]) -> list[Shown]:
    """What the annotator sees of these assignments, in this order."""
    rows = queries.assigned(reader, assignments)
    return shown_rows(reader, [rows[one] for one in assignments])


def shown_rows(reader: Reader, rows: Sequence[Row]) -> list[Shown]:
    """What the annotator sees of these rows (id, comparison, first_shown, lease_until)."""
    if not rows:
        return []
    compared = queries.comparisons(reader, {row.comparison for row in rows})
    words = _words(reader, compared.values())
    return [_shown(row, compared[row.comparison], words) for row in rows]


def first_shown(
    reader: Reader, seed: int, annotator: str, comparison: str, purpose: Purpose, round_: int
) -> Literal["a", "b"]:
    """Which completion stands first: a fair coin that the same inputs always land alike."""
    coin = draw(reader, seed, annotator, comparison, purpose.value, round_)
    return "a" if int(coin[:2], 16) % 2 == 0 else "b"


def _shown(row: Row, compared: Row, words: dict[str, str]) -> Shown:
    a, b = words[compared.a], words[compared.b]
    first, second = (a, b) if row.first_shown == "a" else (b, a)
    return Shown(
        row.id,
        tuple(Message(m["role"], words[m["text"]]) for m in compared.messages),
        first,
        second,
        compared.facts["language"],
        row.lease_until,
    )


def _words(reader: Reader, compared: Iterable[Row]) -> dict[str, str]:
    rows = list(compared)
    wanted = {row.a for row in rows} | {row.b for row in rows}
    wanted |= {m["text"] for row in rows for m in row.messages}
    return {
        name: body if body is not None else ERASED
        for name, body in texts.get_many(reader, wanted).items()
    }
