"""A quality report, or the annotators' record, as one page: charts as SVG, nothing from outside.

sheet = quality_page.of_report(report, gates)   # what stands on it, also for the web
quality_page.write(path, sheet)                 # a file that needs nothing else
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prefloop.annotation.quality import Report, Section
from prefloop.annotation.quality.annotators import RULE, Annotators, Person
from prefloop.annotation.quality.drift import Drift
from prefloop.annotation.quality.weeks import Week
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.flows.charts import Point, intervals, level, over_time, svg
from prefloop.gates.thresholds import AgreementGates
from prefloop.gates.verdict import Word
from prefloop.stats import NotEnough

__all__ = ["Chart", "Part", "Row", "Sheet", "Table", "html", "of_annotators", "of_report", "write"]

_MOST = 25  # rows of a chart that can still be read
_PAIRS = 200  # rows of the table of pairs
_KINDS = {Word.PASS: "good", Word.FAIL: "bad"}  # colors of a badge; the others warn
Found = Estimate | NotEnough
_CHARTS = 12  # drift charts on a page: alarms first


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart under its title; `text` says in words what is to be seen."""

    title: str
    svg: Markup
    text: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a chart is drawn from, all of it, as text: `head` names the columns."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One annotator's line of the table, as text."""

    name: str
    judgments: int
    standing: str
    gold: str
    repeats: str
    per_hour: str
    median: str
    reasons: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs together: an epoch, or everybody who judged. `small` are charts over time;
    `target` is the gate's word on it, and its color."""

    title: str = ""
    target: tuple[str, str] | None = None
    lines: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    small: Sequence[Chart] = ()
    people: Sequence[Row] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole page about the batch or campaign `name`."""

    title: str
    name: str
    parts: Sequence[Part]


def write(path: Path, sheet: Sheet) -> None:
    """Write a page to a file; one that is there is replaced."""
    try:
        path.write_text(html(sheet), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


def html(sheet: Sheet) -> str:
    """The page as one file."""
    environment = Environment(
        loader=PackageLoader("prefloop.flows", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("quality.html.j2").render(sheet=sheet)


def of_report(found: Report, gates: AgreementGates) -> Sheet:
    """Agreement of a batch or campaign, a part per epoch."""
    parts = [_section(section, gates) for section in found.sections]
    return Sheet("Agreement", found.name, parts)


def of_annotators(found: Annotators) -> Sheet:
    """Everybody who judged, in charts and one table."""
    charts = [
        _drawn("Accuracy on gold items", "accuracy", _points(found, "gold")),
        _drawn("The same again on hidden repeats", "share", _points(found, "repeats")),
        _drawn("Agreement with the others", "Cohen's kappa", _points(found, "kappa"), low=-0.2),
        _drawn(
            "Verdicts for the one shown first", "share", _points(found, "first"), ("a coin", 0.5)
        ),
        _drawn("Verdicts for the longer one", "share", _points(found, "longer")),
    ]
    part = Part(
        charts=[one for one in charts if one is not None],
        tables=[_numbers(found.people)] if found.people else [],
        small=_drift_charts(found.people),
        people=[_said(person) for person in found.people],
        notes=[*_note(found.people), RULE],
    )
    return Sheet("Annotators", found.name, [part])


def _section(found: Section, gates: AgreementGates) -> Part:
    target = ("target", gates.kappa_open)
    by_dimension = [(name, one.agreement.kappa) for name, one in found.dimensions.items()]
    by_topic = [(name, one.kappa) for name, one in found.topics.items()]
    by_version = [(name, one.kappa) for name, one in found.versions.items()]
    by_person = [
        (name, one if isinstance(one, NotEnough) else one.kappa)
        for name, one in found.annotators.items()
    ]
    pairs = [(f"{pair.first}, {pair.second}", pair.kappa) for pair in found.pairs]
    of_pairs = "By pair of annotators"
    weeks = [(week.monday, week.agreement.kappa, week.agreement.percent) for week in found.weeks]
    charts = [
        _kappas("By week", [], target) if len(weeks) < 2 else _weeks(weeks, gates),
        _kappas("By dimension", by_dimension, target),
        _kappas("By topic", _lowest(by_topic), target),
        _kappas("By specification", by_version, target),
        _kappas("By annotator, with the others", _lowest(by_person), target),
        _kappas(_counted(of_pairs, "surely lowest", len(pairs), _MOST), pairs[:_MOST], target),
    ]
    tables = [
        _weekly(found.weeks),
        _table("Dimension", "By dimension", by_dimension),
        _table("Topic", "By topic", by_topic),
        _table("Specification", "By specification", by_version),
        _table("Annotator", "By annotator, with the others", by_person),
        _table("Pair", _counted(of_pairs, "surely lowest", len(pairs), _PAIRS), pairs[:_PAIRS]),
    ]
    word = found.target.verdict
    return Part(
        title=f"Epoch {found.epoch}: {', '.join(found.specs)}",
        target=(word.value.replace("_", " "), _KINDS.get(word, "warn")),
        lines=found.lines(),
        charts=[one for one in charts if one is not None],
        tables=[one for one in tables if one.rows],
    )


def _counted(title: str, word: str, there: int, most: int) -> str:
    return title if there <= most else f"{title}, the {most} {word} of {there}"


def _table(of: str, title: str, found: Iterable[tuple[str, Found]]) -> Table:
    return Table(title, (of, "Cohen's kappa"), [(name, _why(one)) for name, one in found])


def _weekly(weeks: Sequence[Week]) -> Table:
    rows = [(w.monday, _why(w.agreement.kappa), _why(w.agreement.percent), w.target) for w in weeks]
    return Table("By week (Mondays)", ("Week", "Cohen's kappa", "Raw agreement", "Target"), rows)


def _numbers(people: Sequence[Person]) -> Table:
    head = (
        "Annotator",
        "Gold",
        "Repeats",
        "Kappa with the others",
        "The one shown first",
        "The longer one",
    )
    kinds = ("gold", "repeats", "kappa", "first", "longer")
    rows = [(one.name, *(_short(_measure(one, what)) for what in kinds)) for one in people]
    return Table("By annotator", head, rows)


def _weeks(weeks: Sequence[tuple[str, Any, Any]], gates: AgreementGates) -> Chart:
    points = [
        Point(monday, name, one)
        for monday, kappa, raw in weeks
        for name, one in (("raw agreement", raw), ("kappa", kappa))
        if isinstance(one, Estimate)
    ]
    lines = [("kappa wanted", gates.kappa_open), ("pause", gates.kappa_pause)]
    chart = over_time(points, "agreement", lines)
    return Chart("By week (Mondays)", Markup(svg(chart)))


def _kappas(title: str, found: Iterable[tuple[str, Any]], line: tuple[str, float]) -> Chart | None:
    points = [Point(name, "kappa", one) for name, one in found if isinstance(one, Estimate)]
    return _drawn(title, "Cohen's kappa", points, line, low=-0.2)


def _drawn(
    title: str,
    axis: str,
    points: Sequence[Point],
    line: tuple[str, float] | None = None,
    low: float = 0.0,
) -> Chart | None:
    if not points:
        return None
    title = _counted(title, "lowest", len(points), _MOST)
    points = points[:_MOST]
    if low < 0:
        low = max(-1.0, min(low, *(math.floor(10 * one.value.estimate) / 10 for one in points)))
    # Drawn by vl-convert from our own numbers and names: safe to stand in the page as it is.
    chart = intervals(points, axis, line, (low, 1.0))
    return Chart(title, Markup(svg(chart)))


def _lowest(found: Iterable[tuple[str, Any]]) -> list[tuple[str, Estimate]]:
    known = [(name, one) for name, one in found if isinstance(one, Estimate)]
    return sorted(known, key=lambda each: (each[1].estimate, each[0]))


def _points(found: Annotators, what: str) -> list[Point]:
    measured = _lowest((person.name, _measure(person, what)) for person in found.people)
    return [Point(name, what, one) for name, one in measured]


def _measure(person: Person, what: str) -> Found:
    beside = person.others
    return {
        "gold": person.gold,
        "repeats": person.repeats,
        "kappa": beside if isinstance(beside, NotEnough) else beside.kappa,
        "first": person.first_side,
        "longer": person.length.longer,
    }[what]


def _drift_charts(people: Sequence[Person]) -> list[Chart]:
    followed = [(person, person.drift) for person in people if isinstance(person.drift, Drift)]
    followed.sort(key=lambda each: (not each[1].alarm, -float(each[1].levels.max(initial=0.0))))
    return [
        Chart(
            f"{person.name}{' – alarm' if drift.alarm else ''}",
            Markup(svg(level(drift.levels.tolist(), drift.limit))),
            drift.line(),
        )
        for person, drift in followed[:_CHARTS]
    ]


def _said(person: Person) -> Row:
    lines = [person.anchors.line()] if person.anchors else []
    if person.due:
        lines.append(f"anchors again: {person.due}")
    if person.recognized:
        lines.append("deserves recognition")
    if person.plan is not None:
        goals = ", ".join(f"{g.measure} {g.wanted:g}: {g.word}" for g in person.plan.goals)
        lines.append(f"plan ({person.plan.word}): {goals}")
    pace = None if isinstance(person.pace, NotEnough) else person.pace
    return Row(
        name=person.name,
        judgments=person.judgments,
        standing=person.standing,
        gold=_short(person.gold),
        repeats=_short(person.repeats),
        per_hour=f"{pace.per_hour:.0f}" if pace else "–",
        median=f"{pace.median_seconds:.1f}" if pace and pace.median_seconds is not None else "–",
        reasons=_short(person.rationales),
        lines=lines,
    )


def _note(people: Sequence[Person]) -> list[str]:
    return [person.anchors.note() for person in people if person.anchors][:1]


def _why(found: Found) -> str:
    return found.reason if isinstance(found, NotEnough) else _short(found)


def _short(found: Estimate | NotEnough) -> str:
    if isinstance(found, NotEnough):
        return "–"
    return f"{found.estimate:.2f} ({found.low:.2f}\u00a0to\u00a0{found.high:.2f})"
