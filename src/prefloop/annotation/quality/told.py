"""Every judgment of a batch or campaign as columns, in order of time: work and tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefloop.annotation.labels import UNKNOWN, VERDICTS
from prefloop.annotation.quality.work import Work
from prefloop.stats.columns import Ints

__all__ = ["PURPOSES", "Told", "told"]

PURPOSES = ("work", "gold", "anchor", "duplicate", "spot check")
_WORK = ("live", "relabel", "evaluation")


@dataclass(frozen=True, slots=True)
class Told:
    """One row per judgment, N in all, earliest first; codes point into `names` and the work's
    items. `answer` is the right label where it is known, else labels.UNKNOWN."""

    names: tuple[str, ...]
    item: Ints  # (N,)
    who: Ints  # (N,)
    label: Ints  # (N,) 1 a, -1 b, 0 tie, or a category's code
    purpose: Ints  # (N,) position in PURPOSES
    answer: Ints  # (N,)
    at: Ints  # (N,) microseconds, -1 not known
    active_ms: Ints  # (N,) 0 not known
    first_shown: Ints  # (N,) 1 a, -1 b, 0 not known
    rationale: tuple[str, ...]  # digests, "" for none

    def of(self, purpose: str) -> NDArray[np.bool_]:
        """Which rows have this purpose.  # (N,)"""
        return np.asarray(self.purpose == PURPOSES.index(purpose))

    @property
    def checked(self) -> NDArray[np.bool_]:
        """Rows whose right answer is known and was hidden: gold items, and work where a table
        brought the answers.  # (N,)"""
        return np.asarray((self.answer != UNKNOWN) & (self.of("gold") | self.of("work")))


def told(work: Work) -> Told:
    """The judgments of a batch or campaign. People are in order of name."""
    return _of_labels(work) if work.rows is None else _of_rows(work)


def _of_rows(work: Work) -> Told:
    rows = work.rows or ()
    found = [(n, row, one) for n, row in enumerate(rows) for one in row["judgments"]]
    found.sort(key=lambda each: (each[2].get("at", -1), each[0]))
    names = tuple(sorted({one["annotator"] for _, _, one in found}))
    code = {name: n for n, name in enumerate(names)}

    def column(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)

    right = [work.answers.get(row["comparison"], row.get("gold")) for _, row, _ in found]
    said = [one for _, _, one in found]
    return Told(
        names,
        column([n for n, _, _ in found]),
        column([code[one["annotator"]] for one in said]),
        column([VERDICTS[one["verdict"]] for one in said]),
        column([_purpose(one["purpose"]) for one in said]),
        column([UNKNOWN if one is None else VERDICTS[one] for one in right]),
        column([one.get("at", -1) for one in said]),
        column([one["active_ms"] for one in said]),
        column([VERDICTS.get(one["first_shown"] or "", 0) for one in said]),
        tuple(one["rationale"] for one in said),
    )


def _of_labels(work: Work) -> Told:
    labels = work.labels
    names = tuple(sorted(labels.annotators))
    place = {name: n for n, name in enumerate(names)}
    codes = np.array([place[name] for name in labels.annotators], dtype=np.int64)
    order = np.argsort(labels.at, kind="stable")
    return Told(
        names,
        labels.item[order],
        codes[labels.annotator][order],
        labels.label[order],
        np.zeros(len(order), dtype=np.int64),
        labels.gold[labels.item][order],
        labels.at[order],
        labels.active_ms[order],
        labels.first_shown[order],
        ("",) * len(order),
    )


def _purpose(name: str) -> int:
    return 0 if name in _WORK else PURPOSES.index(name)
