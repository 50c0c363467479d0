"""Improvement plans: what somebody is to reach, by when, and whether the work since says so.

A plan supersedes the one before; a plan without goals ends it. Nothing follows from a plan by
itself: labels are left out by quarantine and calibration, on intervals. So a goal is met by the
estimate, on a number of checks that is stated, with the interval beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prefloop.annotation import queries, tables
from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.store import people
from prefloop.store.engine import Reader, Transaction

__all__ = ["MEASURES", "Goal", "Plan", "Progress", "end", "progress", "standing", "write"]

MEASURES = {
    "gold": "accuracy on gold items",
    "repeats": "self-consistency on hidden repeats",
    "agreement": "kappa with the others",
    "rationales": "share of judgments with reasons",
    "pace": "judgments per hour",
}
_LEAST = 20  # checks below which a goal is neither met nor missed
_SHARES = ("gold", "repeats", "agreement", "rationales")

Word = Literal["met", "not yet", "missed"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an annotator is to reach by `until` (microseconds UTC), from `created` on."""

    id: str
    annotator: str
    goals: Mapping[str, float]
    until: int
    reason: str
    author: str
    created: int


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal and where somebody stands; `found` is of work since the plan was made."""

    measure: str
    wanted: float
    found: Estimate | NotEnough
    word: Word

    def json(self) -> dict[str, Any]:
        about = {"measure": self.measure, "wanted": self.wanted}
        return {**about, "found": self.found.json(), "word": self.word}


@dataclass(frozen=True, slots=True)
class Progress:
    """A plan and its goals: met when all are, missed when one is."""

    plan: Plan
    goals: tuple[Goal, ...]

    @property
    def word(self) -> Word:
        words = {goal.word for goal in self.goals}
        return "met" if words == {"met"} else "missed" if "missed" in words else "not yet"

    def json(self) -> dict[str, Any]:
        return {
            "plan": self.plan.id,
            "until": self.plan.until,
            "since": self.plan.created,
            "reason": self.plan.reason,
            "author": self.plan.author,
            "goals": [goal.json() for goal in self.goals],
            "word": self.word,
        }


def write(
    tx: Transaction, annotator: str, goals: Mapping[str, float], until: int, reason: str
) -> Plan:
    """Give an annotator goals; a plan they had is superseded.

    Raises BadInput for a measure that is none, a goal nobody can reach, or a date that has passed.
    """
    people.require(tx, "annotator.plan")
    if not goals:
        raise BadInput(f"a plan needs a goal: one of {', '.join(MEASURES)}")
    for name, wanted in goals.items():
        if name not in MEASURES:
            raise BadInput(f"no measure {name!r}: one of {', '.join(MEASURES)}")
        if not wanted > 0 or (name in _SHARES and wanted > 1):
            raise BadInput(f"goal {name} {wanted:g}: a share between 0 and 1")
    if until <= tx.now:
        raise BadInput("the plan's date has passed: give a day to come")
    return _store(tx, annotator, goals, until, reason)


def end(tx: Transaction, annotator: str, reason: str) -> None:
    """End somebody's plan before its time. Raises NotFound where there is none."""
    people.require(tx, "annotator.plan")
    if annotator not in standing(tx, [annotator]):
        raise NotFound(f"{annotator} has no plan: prefloop quality plan makes one")
    _store(tx, annotator, {}, tx.now, reason)


def standing(reader: Reader, annotators: Iterable[str]) -> dict[str, Plan]:
    """The plans these people have now."""
    rows = queries.plans(reader, annotators)
    return {row.annotator: _plan(row) for row in rows if row.goals}


def progress(plan: Plan, found: Mapping[str, Estimate | NotEnough], now: int) -> Progress:
    """Where somebody stands; `found` holds each measure of work since the plan was made.

    A goal is met by an estimate that reaches it on 20 checks or more, and missed when the date is
    past and it is not met.
    """
    late = now >= plan.until
    goals = []
    for name, wanted in plan.goals.items():
        one = found.get(name, NotEnough("not measured here"))
        enough = isinstance(one, Estimate) and one.n >= _LEAST and one.estimate >= wanted
        goals.append(Goal(name, wanted, one, "met" if enough else "missed" if late else "not yet"))
    return Progress(plan, tuple(goals))


def _store(
    tx: Transaction, annotator: str, goals: Mapping[str, float], until: int, reason: str
) -> Plan:
    if not reason.strip():
        raise BadInput("a plan, and the end of one, needs a reason: say why")
    people.person_id(tx, annotator)
    before = queries.plans(tx, [annotator])
    row: dict[str, Any] = {
        "id": new_id(),
        "annotator": annotator,
        "goals": dict(goals),
        "until": until,
        "reason": reason.strip(),
        "author": tx.actor,
        "created": tx.now,
        "supersedes": before[-1].id if before else None,
    }
    tx.append(
        tables.improvement_plan,
        [row],
        action="annotator.plan" if goals else "annotator.plan.end",
        subject=annotator,
        detail={"goals": dict(goals), "reason": reason.strip()},
    )
    return Plan(row["id"], annotator, goals, until, row["reason"], tx.actor, tx.now)


def _plan(row: Any) -> Plan:
    return Plan(row.id, row.annotator, row.goals, row.until, row.reason, row.author, row.created)
