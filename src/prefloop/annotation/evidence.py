"""From the rows of a batch to the columns that detectors read.

What takes part is a person's first word on each comparison, as work or as a hidden gold item: gold
is judged by everybody, and so is the overlap in which a ring shows. Anchors and repeats are left
out, since the answer may be known by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.annotation.labels import Labels
from prefloop.core.errors import BadInput
from prefloop.stats.detection import Judged, judged
from prefloop.text.near_duplicates import leaders
from prefloop.text.style import Style, style

__all__ = ["Evidence", "evidence", "of_labels", "signs", "texts_of", "topic_codes"]

Rows = Sequence[Mapping[str, Any]]
Words = Mapping[str, str | None]  # {digest: text}, None for an erased one
Ints = NDArray[np.int64]

_SIGN = {"a": 1, "b": -1, "tie": 0, None: 0}
_TAKEN = ("live", "relabel", "evaluation", "gold")
_ANSWERS = 3  # different answers that the detectors tell apart
_LONGER = 1.1  # times as many words: less is not seen at a glance
_ITEMS = 2  # list items more than the other
_ALIKE = 0.7  # shingles that two rationales share to be one wording


@dataclass(frozen=True, slots=True)
class Evidence:
    """Columns for `stats.detection`; annotator code n is `names[n]`."""

    data: Judged
    names: tuple[str, ...]


def texts_of(rows: Rows) -> set[str]:
    """The digests of every text that `evidence` needs."""
    wanted = {row[side] for row in rows for side in ("a", "b")}
    return wanted | {one["rationale"] for _, one in _taken(rows) if one["rationale"]}


def evidence(rows: Rows, words: Words) -> Evidence:
    """The columns of a batch's rows; `words` are the texts behind `texts_of`."""
    found = list(_taken(rows))
    names = tuple(sorted({one["annotator"] for _, one in found}))
    code = {name: n for n, name in enumerate(names)}
    item = np.array([n for n, _ in found], dtype=np.int64)
    sides = [_compared(row, words) for row in rows]
    shown = np.array(sides, dtype=np.int64).reshape(-1, 3)[item]
    said = [one for _, one in found]
    who = np.array([code[one["annotator"]] for one in said], dtype=np.int64)
    first = np.array([_SIGN[one["first_shown"]] for one in said], dtype=np.int64)
    active = np.array([one["active_ms"] for one in said], dtype=np.float64)
    rationales = _wordings(said, who, words)
    data = judged(
        item,
        who,
        np.array([_SIGN[one["verdict"]] for one in said], dtype=np.int64),
        first=first if first.any() else None,
        longer=shown[:, 0],
        bullets=shown[:, 1],
        words=shown[:, 2].astype(np.float64),
        active_ms=active if active.any() else None,
        rationales=rationales if (rationales >= 0).any() else None,
        topics=topic_codes([row["facts"]["topic"] for row in rows])[item],
    )
    return Evidence(data, names)


def of_labels(labels: Labels) -> Evidence:
    """The columns of labels alone: who said what, when it is known what was shown first, and how
    long it took; detectors that read texts find none.

    Raises BadInput for labels that are neither verdicts nor two or three categories.
    """
    order = sorted(range(len(labels.annotators)), key=lambda code: labels.annotators[code])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    data = judged(
        labels.item,
        place[labels.annotator],
        signs(labels),
        first=labels.first_shown if labels.first_shown.any() else None,
        active_ms=labels.active_ms if labels.active_ms.any() else None,
        topics=topic_codes(labels.topics)[labels.item],
    )
    return Evidence(data, tuple(labels.annotators[code] for code in order))


def signs(labels: Labels) -> Ints:
    """Labels as the detectors read them: 1, -1, and 0 for what is neither of two answers.

    Of three categories that is the middle one of a scale, else the rarest, such as "unsure".
    """
    if labels.categories is None:
        return labels.label
    k = len(labels.categories)
    if k > _ANSWERS:
        raise BadInput(
            f"alarms read verdicts, or labels of two or three categories: these have {k}; "
            "quality report measures their agreement"
        )
    known = np.array([1, -1, 0][:k])
    if k == _ANSWERS:
        counts = np.bincount(labels.label, minlength=k)
        neither = int(counts.argmin()) if labels.scale == "nominal" else 1
        known = np.insert(np.array([1, -1]), neither, 0)
    return np.asarray(known[labels.label], dtype=np.int64)


def topic_codes(names: Sequence[str]) -> Ints:
    """A code for the topic of every item; one that is not known ("") is a topic too.  # (I,)"""
    code = {name: n for n, name in enumerate(sorted(set(names)))}
    return np.array([code[name] for name in names], dtype=np.int64)


def _taken(rows: Rows) -> list[tuple[int, Mapping[str, Any]]]:
    """(row number, judgment) of each person's first word on each comparison."""
    first: dict[tuple[int, str], Mapping[str, Any]] = {}
    for n, row in enumerate(rows):
        for one in sorted(row["judgments"], key=lambda one: one["round"]):
            if one["purpose"] in _TAKEN:
                first.setdefault((n, one["annotator"]), one)
    return [(n, one) for (n, _), one in first.items()]


def _compared(row: Mapping[str, Any], words: Words) -> tuple[int, int, int]:
    """Which completion is longer, which is more of a list, and how many words both have."""
    a, b = _style(words[row["a"]]), _style(words[row["b"]])
    if a is None or b is None:
        return 0, 0, 0
    more, less = max(a.words, b.words), min(a.words, b.words)
    longer = _sign(a.words - b.words) if more > _LONGER * less else 0
    lists = a.list_items - b.list_items
    return longer, _sign(lists) if abs(lists) >= _ITEMS else 0, a.words + b.words


def _style(text: str | None) -> Style | None:
    return None if text is None else style(text)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _wordings(said: Sequence[Mapping[str, Any]], who: np.ndarray, words: Words) -> np.ndarray:
    """One code for what one person says in nearly the same words; -1 for no rationale.  # (N,)"""
    codes = np.full(len(said), -1, dtype=np.int64)
    own: dict[int, list[int]] = {}
    for n, one in enumerate(said):
        if one["rationale"] and words[one["rationale"]]:
            own.setdefault(int(who[n]), []).append(n)
    for places in own.values():
        lead = leaders([words[said[n]["rationale"]] or "" for n in places], _ALIKE)
        codes[places] = np.array(places)[lead]
    return codes
