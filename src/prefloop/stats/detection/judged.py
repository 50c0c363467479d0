"""What the detectors read, and what each of them answers.

One row per judgment. What was not recorded is None for a whole column, and 0 (a sign), -1 (a code)
or 0 milliseconds for one row; a detector without its column says so instead of guessing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Columns, Floats, Ints, columns, numbers, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = ["LEAST", "Alike", "Detected", "Judged", "Kind", "judged"]

LEAST = 30  # judgments of one person below which nothing is said of them

Kind = Literal[
    "random",
    "one side",
    "one answer",
    "longer wins",
    "bullets win",
    "ring",
    "too fast",
    "templates",
]


@dataclass(frozen=True, slots=True)
class Judged:
    """Judgments sorted by item, then annotator, with compact codes.  # (N,) each"""

    rows: Columns
    verdicts: Floats  # 1 a, -1 b, 0 tie
    first: Floats | None  # 1 where a was shown first, -1 where b was, 0 unknown
    longer: Floats | None  # 1 where a is the longer, -1 where b is, 0 alike
    bullets: Floats | None  # 1 where a alone, or more than b, is a list; -1 where b is; 0 alike
    words: Floats | None  # words shown: what takes time to read
    active_ms: Floats | None
    rationales: Ints | None  # code of the wording, -1 for none; one code, one wording
    topics: Ints | None  # code of the item's topic

    @property
    def people(self) -> int:
        """How many annotators there are."""
        return len(self.rows.annotator_codes)

    @property
    def per_person(self) -> Ints:
        """Judgments of each annotator.  # (A,)"""
        return np.bincount(self.rows.annotators, minlength=self.people).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who agrees with others more than skill explains, and less than copying would."""

    partners: tuple[int, ...]  # codes as they were given, closest first
    agreed: float  # with the closest, as a share of what both judged
    shared: int  # how many both judged


@dataclass(frozen=True, slots=True)
class Detected:
    """One detector's answer for every annotator it can speak of.  # (D,) each

    `effect` is on the detector's own scale, where `usual` is what people here are like and `spread`
    how much they differ (standard deviation, without the noise of few judgments). p-values are of
    the null "one more person of this crowd".
    """

    kind: Kind
    annotators: Ints  # codes as they were given
    effect: Floats
    p: Floats
    n: Ints  # judgments it rests on
    usual: float
    spread: float
    missing: Mapping[int, NotEnough] = field(default_factory=dict)  # {annotator: why nothing}
    partners: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # of a ring
    alike: Mapping[int, Alike] = field(default_factory=dict)  # a shared view, or copying


def judged(
    items: ArrayLike,
    annotators: ArrayLike,
    verdicts: ArrayLike,
    *,
    first: ArrayLike | None = None,
    longer: ArrayLike | None = None,
    bullets: ArrayLike | None = None,
    words: ArrayLike | None = None,
    active_ms: ArrayLike | None = None,
    rationales: ArrayLike | None = None,
    topics: ArrayLike | None = None,
) -> Judged:
    """Check and sort the columns.  # (N,) each

    Raises BadInput where lengths differ, a verdict or sign is not 1, 0 or -1, a number is not
    finite, a time is negative, one annotator judged one item twice, or an item has two topics.
    """
    rows = columns(items, annotators, verdicts)
    said = _signs("verdicts", verdicts)
    given = {"first": first, "longer": longer, "bullets": bullets}
    signs = {name: None if x is None else _signs(name, x) for name, x in given.items()}
    amounts = {
        name: None if x is None else _amounts(name, x)
        for name, x in (("words", words), ("active_ms", active_ms))
    }
    codes = {
        name: None if x is None else whole(name, x)
        for name, x in (("rationales", rationales), ("topics", topics))
    }
    present = {**signs, **amounts, **codes}
    same_length(verdicts=said, **{n: x for n, x in present.items() if x is not None})

    def sort(values: Any) -> Any:
        return None if values is None else values[rows.order]

    found = Judged(
        rows,
        said[rows.order],
        sort(signs["first"]),
        sort(signs["longer"]),
        sort(signs["bullets"]),
        sort(amounts["words"]),
        sort(amounts["active_ms"]),
        sort(codes["rationales"]),
        sort(codes["topics"]),
    )
    _one_topic_each(found)
    return found


def _one_topic_each(data: Judged) -> None:
    if data.topics is None:
        return
    items = data.rows.items
    wrong = np.flatnonzero((np.diff(items) == 0) & (np.diff(data.topics) != 0))
    if wrong.size:
        item = data.rows.item_codes[items[wrong[0]]]
        raise BadInput(f"item {item} has two topics: give each item one")


def _signs(name: str, values: ArrayLike) -> Floats:
    found = whole(name, values)
    wrong = np.flatnonzero(np.abs(found) > 1)
    if wrong.size:
        raise BadInput(f"{name} has {found[wrong[0]]} at row {wrong[0]}: use 1, 0 or -1")
    return found.astype(np.float64)


def _amounts(name: str, values: ArrayLike) -> Floats:
    found = numbers(name, values)
    wrong = np.flatnonzero(found < 0)
    if wrong.size:
        raise BadInput(f"{name} has {found[wrong[0]]:g} at row {wrong[0]}: 0 or more is needed")
    return found
