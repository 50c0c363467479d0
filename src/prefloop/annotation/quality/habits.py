"""How somebody works: pace, and whether place, length or nothing but the words decides."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.annotation.evidence import Evidence
from prefloop.annotation.quality.told import Told
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.columns import Ints
from prefloop.stats.intervals import wilson

__all__ = ["Length", "Pace", "first_side", "length", "pace", "rationales"]

_PAUSE = 15 * 60 * 1_000_000  # microseconds without a judgment that end a session
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Judgments per hour of work, and the median time on one, in seconds.

    The hours are those between judgments less than a quarter of an hour apart, or the active time
    where that is more: judgments that were sent together have one time.
    """

    per_hour: float
    hours: float
    median_seconds: float | None

    def json(self) -> dict[str, Any]:
        about = {"per_hour": self.per_hour, "hours": self.hours}
        return {**about, "median_seconds": self.median_seconds}


@dataclass(frozen=True, slots=True)
class Length:
    """How often the longer completion wins where lengths are unlike, for one and for everybody."""

    longer: Estimate | NotEnough
    everybody: float | None

    def json(self) -> dict[str, Any]:
        return {"longer": self.longer.json(), "everybody": self.everybody}


def pace(found: Told, who: int, since: int = -1) -> Pace | NotEnough:
    """The pace of one annotator over everything they judged at `since` or later."""
    rows = (found.who == who) & (found.at >= since)
    at, active = found.at[rows], found.active_ms[rows]
    at = np.sort(at[at >= 0])
    gaps = np.diff(at)
    worked = max(int(gaps[gaps < _PAUSE].sum()), int(active.sum()) * 1000)
    if worked == 0:
        return NotEnough("neither times nor active times are known")
    known = active[active > 0]
    median = float(np.median(known)) / 1000 if len(known) else None
    return Pace(float(rows.sum() / (worked / _HOUR)), worked / _HOUR, median)


def first_side(found: Told, who: int) -> Estimate | NotEnough:
    """The share of verdicts with a side that went to the one shown first; a coin decided which
    that was, so somebody who reads stands near a half."""
    rows = found.of("work") & (found.who == who) & (found.first_shown != 0) & (found.label != 0)
    if not rows.any():
        return NotEnough("what was shown first is not known")
    return wilson(int((found.label == found.first_shown)[rows].sum()), int(rows.sum()))


def rationales(found: Told, who: int, since: int = -1) -> Estimate | NotEnough:
    """The share of judgments that come with reasons."""
    rows = np.flatnonzero(found.of("work") & (found.who == who) & (found.at >= since))
    return wilson(sum(bool(found.rationale[row]) for row in rows.tolist()), len(rows))


def length(seen: Evidence | None, name: str) -> Length:
    """The pull of the longer completion, raw: people here are the measure, since a longer answer
    may be the better one."""
    if seen is None or seen.data.longer is None or name not in seen.names:
        return Length(NotEnough("the texts are not known"), None)
    sides: Ints = (seen.data.longer * seen.data.verdicts).astype(np.int64)  # 1 longer won, -1 lost
    told = sides != 0
    mine = told & (seen.data.rows.annotators == seen.names.index(name))
    everybody = float((sides[told] == 1).mean()) if told.any() else None
    if not mine.any():
        return Length(NotEnough("no verdicts between unlike lengths"), everybody)
    return Length(wilson(int((sides[mine] == 1).sum()), int(mine.sum())), everybody)
