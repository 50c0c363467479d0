"""Each annotator in figures, and what follows: anchors again, a plan, or a word of recognition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.annotation import improvement, queries
from prefloop.annotation.evidence import Evidence, evidence, texts_of
from prefloop.annotation.improvement import Plan, Progress
from prefloop.annotation.quality import checks, habits
from prefloop.annotation.quality.checks import Anchors
from prefloop.annotation.quality.drift import Drift, drifts
from prefloop.annotation.quality.habits import Length, Pace
from prefloop.annotation.quality.reasons import Reasons, reasons
from prefloop.annotation.quality.told import Told, told
from prefloop.annotation.quality.work import Work
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AnnotatorGates
from prefloop.stats import NotEnough
from prefloop.stats.with_others import WithOthers, with_others
from prefloop.store import texts
from prefloop.store.engine import Reader

__all__ = ["RULE", "Annotators", "Person", "annotators"]

_DAY = 24 * 60 * 60 * 1_000_000
RULE = (
    "recognized: the lower ends of gold accuracy and of self-consistency reach gold_recognized and "
    "repeats_recognized, and no drift"
)


@dataclass(frozen=True, slots=True)
class Person:
    """One annotator. `due` says why anchors are due again, "" while they are not."""

    name: str
    judgments: int
    standing: str
    gold: Estimate | NotEnough
    repeats: Estimate | NotEnough
    others: WithOthers | NotEnough
    pace: Pace | NotEnough
    first_side: Estimate | NotEnough
    length: Length
    rationales: Estimate | NotEnough
    anchors: Anchors | None
    drift: Drift | NotEnough
    away: Estimate | NotEnough  # how far their rationales moved from the standard
    due: str
    recognized: bool
    plan: Progress | None

    def json(self) -> dict[str, Any]:
        beside = self.others
        return {
            "name": self.name,
            "judgments": self.judgments,
            "standing": self.standing,
            "gold": self.gold.json(),
            "repeats": self.repeats.json(),
            "agreement": beside.json()
            if isinstance(beside, NotEnough)
            else {"percent": beside.percent.json(), "kappa": beside.kappa.json()},
            "pace": self.pace.json(),
            "first_side": self.first_side.json(),
            "length": self.length.json(),
            "rationales": self.rationales.json(),
            "anchors": self.anchors.json() if self.anchors else None,
            "drift": self.drift.json(),
            "rationales_moved": self.away.json(),
            "recalibration_due": self.due,
            "recognized": self.recognized,
            "plan": self.plan.json() if self.plan else None,
        }


@dataclass(frozen=True, slots=True)
class Annotators:
    """Everybody who judged in a batch or campaign, by name."""

    name: str
    people: Sequence[Person]
    reasons: Reasons | NotEnough

    def json(self) -> dict[str, Any]:
        people = [person.json() for person in self.people]
        return {
            "of": self.name,
            "annotators": people,
            "rationales": self.reasons.json(),
            "recognition_rule": RULE,
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of everybody at once."""

    work: Work
    told: Told
    first: Mapping[tuple[int, int], int]
    others: Mapping[str, WithOthers | NotEnough]
    seen: Evidence | None
    drifts: Mapping[str, Drift | NotEnough]
    reasons: Reasons | NotEnough
    calibrated: Mapping[str, int]
    plans: Mapping[str, Plan]
    now: int


def annotators(reader: Reader, work: Work, gates: AnnotatorGates, seed: int) -> Annotators:
    """Every annotator's record, from the judgments of a batch or of a campaign as it stands."""
    found = told(work)
    labels = work.labels
    by_code = with_others(labels.item, labels.annotator, labels.label)
    known = _Known(
        work,
        found,
        checks.own_first(found),
        {labels.annotators[code]: one for code, one in by_code.items()},
        _evidence(reader, work),
        drifts(work, found, seed),
        reasons(reader, work, found),
        queries.calibrated(reader, found.names),
        improvement.standing(reader, found.names),
        reader.ledger.clock(reader.connection),
    )
    people = [_person(known, who, gates) for who in range(len(found.names))]
    return Annotators(work.name, people, known.reasons)


def _person(known: _Known, who: int, gates: AnnotatorGates) -> Person:
    found, name = known.told, known.told.names[who]
    gold = checks.gold(found, who)
    again = _repeats(known, who)
    drift = known.drifts.get(name, NotEnough("nothing of theirs can be checked"))
    due = _due(known, who, drift, gates)
    none = NotEnough("nobody else judged what they judged")
    return Person(
        name,
        int((found.of("work") & (found.who == who)).sum()),
        _standing(known.work.pool.get(name, {}).get("calibration", {})),
        gold,
        again,
        known.others.get(name, none),
        habits.pace(found, who),
        habits.first_side(found, who),
        habits.length(known.seen, name),
        habits.rationales(found, who),
        checks.anchors(found, who, gates.anchor_disagreement),
        drift,
        _away(known.reasons, name),
        due,
        _recognized(gold, again, drift, gates),
        _progress(known, who),
    )


def _standing(calibration: Mapping[str, Any]) -> str:
    """Where the anchors left somebody; who had none was let through without being looked at."""
    evidence = calibration.get("evidence", {})
    if calibration.get("status") == "cleared" and not (evidence.keys() - {"imported"}):
        return "not calibrated"
    return str(calibration.get("status", "not known"))


def _repeats(known: _Known, who: int) -> Estimate | NotEnough:
    if known.work.rows is None:
        return checks.recorded_repeats(known.work, known.told.names[who])
    return checks.repeats(known.told, known.first, who)


def _due(known: _Known, who: int, drift: Drift | NotEnough, gates: AnnotatorGates) -> str:
    """Why somebody is to judge anchors again. The quarter runs from their last anchors, or from
    their first judgment here."""
    found = known.told
    at = found.at[(found.who == who) & (found.at >= 0)]
    last = known.calibrated.get(found.names[who])
    if isinstance(drift, Drift) and drift.alarm and drift.at > (last or -1):
        return f"drift: {drift.line()}"
    if isinstance(known.reasons, Reasons) and found.names[who] in known.reasons.alarms:
        return "their reasons move away from those of gold and adjudicated items"
    begin = last if last is not None else int(at.min()) if len(at) else None
    if begin is None:
        return ""
    days = (known.now - begin) / _DAY
    if days < gates.recalibrate_days:
        return ""
    since = "since the last anchors" if last is not None else "of work without any anchors"
    return f"{days:.0f} days {since}; due after {gates.recalibrate_days:g}"


def _away(found: Reasons | NotEnough, name: str) -> Estimate | NotEnough:
    if isinstance(found, NotEnough):
        return found
    return found.gained.get(name, NotEnough("too few rationales or weeks"))


def _recognized(
    gold: Estimate | NotEnough,
    again: Estimate | NotEnough,
    drift: Drift | NotEnough,
    gates: AnnotatorGates,
) -> bool:
    if isinstance(gold, NotEnough) or isinstance(again, NotEnough):
        return False
    drifted = isinstance(drift, Drift) and drift.alarm
    good = gold.low >= gates.gold_recognized and again.low >= gates.repeats_recognized
    return good and not drifted


def _progress(known: _Known, who: int) -> Progress | None:
    """A plan beside the work since it was made."""
    found, name = known.told, known.told.names[who]
    plan = known.plans.get(name)
    if plan is None:
        return None
    since = plan.created
    recent = found.of("work") & (found.who == who) & (found.at >= since)
    reasons: Estimate | NotEnough = NotEnough("no work since the plan was made")
    if recent.any():
        reasons = habits.rationales(found, who, since)
    measured = {
        "gold": checks.gold(found, who, since),
        "repeats": checks.repeats(found, known.first, who, since),
        "agreement": _kappa_since(known, who, since),
        "rationales": reasons,
        "pace": _pace_since(found, who, since),
    }
    return improvement.progress(plan, measured, known.now)


def _kappa_since(known: _Known, who: int, since: int) -> Estimate | NotEnough:
    """Kappa with the others on what somebody judged since then, whenever the others did."""
    labels, name = known.work.labels, known.told.names[who]
    if name not in labels.annotators:
        return NotEnough("no work")
    code = list(labels.annotators).index(name)
    keep = (labels.annotator != code) | (labels.at >= since)
    if not (keep & (labels.annotator == code)).any():
        return NotEnough("no work since the plan was made")
    found = with_others(labels.item[keep], labels.annotator[keep], labels.label[keep])[code]
    return found if isinstance(found, NotEnough) else found.kappa


def _pace_since(found: Told, who: int, since: int) -> Estimate | NotEnough:
    pace = habits.pace(found, who, since)
    if isinstance(pace, NotEnough):
        return pace
    n = int(((found.who == who) & (found.at >= since)).sum())
    return Estimate(pace.per_hour, pace.per_hour, pace.per_hour, n)


def _evidence(reader: Reader, work: Work) -> Evidence | None:
    """What the texts say; None for labels alone."""
    if work.rows is None or not len(work.labels.item):
        return None
    return evidence(work.rows, texts.get_many(reader, texts_of(work.rows)))
