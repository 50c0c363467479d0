"""Rationales that move away from the agreed standard, by annotator and week: a sign to reconvene.

The standard is what experts wrote about gold and anchor items, what seniors wrote on spot checks,
and what people wrote when they had a gold item right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.annotation.quality.told import Told
from prefloop.annotation.quality.weeks import monday, week_of
from prefloop.annotation.quality.work import Work
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.columns import Ints, compact
from prefloop.stats.rationales import Moved, by_week, moved
from prefloop.store import texts
from prefloop.store.engine import Reader
from prefloop.text.standard import distances

__all__ = ["Reasons", "reasons"]

_LEAST = 10  # rationales that can set a standard


@dataclass(frozen=True, slots=True)
class Reasons:
    """Distance to the standard: per annotator the gain from first to last week beyond what the
    others gained, who is alarmed about, the gain of all together, and every week's mean."""

    gained: Mapping[str, Estimate | NotEnough]
    alarms: tuple[str, ...]
    everybody: Estimate | NotEnough
    weeks: Mapping[str, Mapping[str, Estimate]]  # {annotator: {Monday: distance}}

    def json(self) -> dict[str, Any]:
        return {
            "alarms": list(self.alarms),
            "everybody": self.everybody.json(),
            "gained": {name: one.json() for name, one in self.gained.items()},
            "weeks": {
                name: {day: one.json() for day, one in weeks.items()}
                for name, weeks in self.weeks.items()
            },
        }


def reasons(reader: Reader, work: Work, found: Told) -> Reasons | NotEnough:
    """Measure every rationale of the work against the standard."""
    words = texts.get_many(reader, {one for one in found.rationale if one})
    said = np.array([_has_words(words.get(one)) for one in found.rationale], dtype=bool)
    right = (found.of("gold") & (found.label == found.answer)) | found.of("spot check")
    standard = [one for one in work.explanations if _has_words(one)]
    standard += [_text(words, found, row) for row in np.flatnonzero(said & right)]
    if len(standard) < _LEAST:
        return NotEnough(f"{len(standard)} rationales set the standard: {_LEAST} are needed")
    rows = np.flatnonzero(said & found.of("work") & (found.at >= 0))
    if not len(rows):
        return NotEnough("no rationales whose time is known")
    far = distances([_text(words, found, row) for row in rows], standard)
    who, week = found.who[rows], week_of(found.at[rows])
    topics = compact(_topics(work)[found.item[rows]])[1]
    weeks: dict[str, dict[str, Estimate]] = {}
    for one in by_week(who, week, far):
        weeks.setdefault(found.names[one.annotator], {})[monday(one.week)] = one.distance
    change = moved(who, week, far, topics)
    if isinstance(change, NotEnough):
        return Reasons({}, (), change, weeks)
    return Reasons(
        _gained(change, found.names),
        tuple(found.names[code] for code in change.alarms),
        change.everybody,
        weeks,
    )


def _gained(change: Moved, names: tuple[str, ...]) -> dict[str, Estimate | NotEnough]:
    found: dict[str, Estimate | NotEnough] = {
        names[code]: why for code, why in change.missing.items()
    }
    for place, code in enumerate(change.annotators.tolist()):
        value, low, high = (float(x[place]) for x in (change.change, change.low, change.high))
        found[names[code]] = Estimate(value, low, high, int(change.n[place]))
    return dict(sorted(found.items()))


def _topics(work: Work) -> Ints:
    """A code for the topic of every item.  # (I,)"""
    known = {name: code for code, name in enumerate(sorted(set(work.labels.topics)))}
    return np.array([known[name] for name in work.labels.topics], dtype=np.int64)


def _text(words: Mapping[str, str | None], found: Told, row: Any) -> str:
    return words[found.rationale[int(row)]] or ""


def _has_words(text: str | None) -> bool:
    return text is not None and any(c.isalnum() for c in text)
