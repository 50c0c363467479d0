"""Agreement week by week against its target, and when somebody has to be told.

An item belongs to the week of its second judgment, the first moment at which people could disagree
about it; a third one later changes no week but that one. Weeks begin on Monday, UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from prefloop.annotation.labels import Labels
from prefloop.annotation.quality.agreement import Agreement, measure
from prefloop.annotation.quality.work import pick
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates
from prefloop.stats.columns import Ints

__all__ = ["Reached", "Trend", "Week", "monday", "reached", "trend", "week_of", "weekly"]

Reached = Literal["met", "not shown", "missed", "not enough data"]

_WEEK = 7 * 24 * 60 * 60 * 1_000_000
_THURSDAY = 3 * 24 * 60 * 60 * 1_000_000  # 1970-01-01 was one


@dataclass(frozen=True, slots=True)
class Week:
    """The items whose second judgment came in one week. `missed`: kappa's whole interval is under
    the target; `not shown`: its lower end is."""

    monday: str
    agreement: Agreement
    target: Reached

    def json(self) -> dict[str, Any]:
        return {"week": self.monday, "target": self.target, **self.agreement.json()}


@dataclass(frozen=True, slots=True)
class Trend:
    """For how many weeks running, up to the last, the target was not met, and of these surely
    missed; and whether raw agreement was too low for so long that somebody is to be told."""

    not_met: int
    missed: int
    escalate: bool
    why: str

    def json(self) -> dict[str, Any]:
        return {
            "weeks_not_met": self.not_met,
            "weeks_missed": self.missed,
            "escalate": self.escalate,
            "why": self.why,
        }


def weekly(labels: Labels, target: float, seed: int) -> list[Week]:
    """The weeks that have items judged by two, oldest first; none where times are not known."""
    found = _item_weeks(labels)  # (I,)
    of_row = found[labels.item] if len(labels.item) else np.zeros(0, np.int64)
    weeks = []
    for number in np.unique(of_row[of_row >= 0]).tolist():
        part = measure(pick(labels, of_row == number), seed, "week", number)
        weeks.append(Week(monday(number), part, reached(part.kappa, target)))
    return weeks


def reached(found: Any, target: float) -> Reached:
    """Whether a target is met, by the lower end of the interval."""
    if not isinstance(found, Estimate):
        return "not enough data"
    if found.low >= target:
        return "met"
    return "missed" if found.high < target else "not shown"


def trend(weeks: Sequence[Week], gates: AgreementGates) -> Trend:
    """What the last weeks say together.

    Escalation: raw agreement under its line in each of the last weeks, consecutive in the calendar,
    and all of them together surely so: the upper end of their pooled interval is under it too.
    """
    told = [week for week in weeks if week.target != "not enough data"]
    running: list[Week] = []
    for week in reversed(told):
        if week.target == "met":
            break
        running.append(week)
    missed = sum(week.target == "missed" for week in running)
    return Trend(len(running), missed, *_escalate(weeks, gates))


def week_of(at: Ints) -> Ints:
    """The number of the week of each time, -1 where it is not known.  # (N,)"""
    return np.where(at < 0, -1, (at + _THURSDAY) // _WEEK)


def monday(number: int) -> str:
    """The day on which a week begins, such as 2026-11-16."""
    day = datetime.fromtimestamp(0, UTC) + timedelta(days=7 * number - 3)
    return day.date().isoformat()


def _item_weeks(labels: Labels) -> Ints:
    """The week of each item's second judgment, -1 for none or not known.  # (I,)"""
    weeks = np.full(len(labels.items), -1, dtype=np.int64)
    if not len(labels.item) or (labels.at < 0).all():
        return weeks
    order = np.lexsort((labels.at, labels.item))
    item = labels.item[order]
    second = np.flatnonzero(np.r_[False, item[1:] == item[:-1]])
    second = second[np.r_[True, item[second][1:] != item[second][:-1]]] if len(second) else second
    weeks[item[second]] = week_of(labels.at[order][second])
    return weeks


def _escalate(weeks: Sequence[Week], gates: AgreementGates) -> tuple[bool, str]:
    line, many = gates.raw_escalate, int(gates.weeks_escalate)
    last = weeks[-many:]
    raw = [week.agreement.percent for week in last]
    known = [one for one in raw if isinstance(one, Estimate)]
    if len(known) < many:
        return False, f"fewer than {many} weeks have comparisons that two people judged"
    days = [datetime.fromisoformat(week.monday) for week in last]
    if any((b - a).days != 7 for a, b in pairwise(days)):
        return False, f"the last {many} weeks with such comparisons are not consecutive"
    shown = " and ".join(f"{one.estimate:.3f}" for one in known)
    if any(one.estimate >= line for one in known):
        return False, f"raw agreement in the last {many} weeks: {shown}; {line:g} wanted"
    # Weeks are independent samples of items: variances of the mean add by shares squared.
    total = sum(one.n for one in known)
    middle = sum(one.estimate * one.n for one in known) / total
    half = sum(((one.high - one.estimate) * one.n / total) ** 2 for one in known) ** 0.5
    if middle + half >= line:
        return False, f"raw agreement in the last {many} weeks: {shown}, not surely under {line:g}"
    return True, f"raw agreement was under {line:g} for {many} weeks running: {shown}"
