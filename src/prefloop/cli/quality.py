"""quality: how well people agree, annotators one by one, and what follows."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli import alarms, groups, requests
from prefloop.cli.common import Json, ago, interval, say, show, table

if TYPE_CHECKING:
    from prefloop.annotation.quality import Agreement, Section
    from prefloop.annotation.quality.annotators import Annotators, Person

    Figure = Mapping[str, float] | Mapping[str, int] | Mapping[str, str]

__all__ = ["register"]

_JUDGED = Annotated[
    str, typer.Argument(metavar="BATCH|CAMPAIGN", help="a label_batch, or a campaign's name")
]
_HTML = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="write one page with charts, too")
]
_PAIRS = 10  # shown on a terminal; --json has them all


def register(app: typer.Typer) -> None:
    quality = typer.Typer(help="Whom to believe.", no_args_is_help=True)
    quality.command("report")(report)
    quality.command("annotators")(annotators)
    quality.command("check")(check)
    quality.command("recalibrate")(recalibrate)
    quality.command("plan")(plan)
    quality.command("changes")(requests.changes)
    alarms.register(quality)
    groups.register(quality)
    app.add_typer(quality, name="quality")


def report(
    context: typer.Context, judgments: _JUDGED, html: _HTML = None, json: Json = False
) -> None:
    """Agreement with intervals: overall, by dimension, annotator, pair, topic, week and version."""
    from prefloop.flows import quality as flow

    project = context.obj.open()
    found = flow.report(project, judgments)
    if html is not None:
        from prefloop.flows import quality_page

        quality_page.write(html, quality_page.of_report(found, project.gates.agreement))

    def text() -> None:
        if len(found.sections) > 1:
            say(
                f"{len(found.sections)} epochs: a breaking change of the specification lies "
                "between them, and nothing is counted across it"
            )
        for section in found.sections:
            _print_section(section)

    show(found.json(), json, text)


def annotators(
    context: typer.Context, judgments: _JUDGED, html: _HTML = None, json: Json = False
) -> None:
    """Each annotator: gold, repeats, agreement, pace, habits, drift, anchors, plans."""
    from prefloop.flows import quality as flow

    project = context.obj.open()
    found = flow.annotators(project, judgments)
    if html is not None:
        from prefloop.flows import quality_page

        quality_page.write(html, quality_page.of_annotators(found))
    show(found.json(), json, lambda: _print_annotators(found))


def check(
    context: typer.Context,
    campaign: Annotated[list[str] | None, typer.Argument(help="default: all that are open")] = None,
    json: Json = False,
) -> None:
    """Pause campaigns in which people surely do not agree; for a scheduler, or by hand."""
    from prefloop.flows import quality as flow

    found = flow.check(context.obj.open(), campaign or [])
    lines = [
        f"{one.looked.campaign}: {'PAUSED, ' if one.paused else ''}{one.looked.state}; "
        f"{one.looked.why}"
        for one in found
    ]
    show([one.json() for one in found], json, "\n".join(lines) or "no campaign is open")


def recalibrate(
    context: typer.Context,
    campaign: str,
    annotator: Annotated[list[str] | None, typer.Argument(help="default: all who are due")] = None,
    json: Json = False,
) -> None:
    """Open a new round of anchors: for people named, or for everybody who is due."""
    from prefloop.flows import quality as flow

    found = flow.recalibrate(context.obj.open(), campaign, annotator or [])
    lines = [f"{name}: anchors of round {number}" for name, number in found.items()]
    show(found, json, "\n".join(lines) or "nobody is due")


def plan(
    context: typer.Context,
    annotator: str,
    reason: Annotated[str, typer.Option(help="why")],
    goal: Annotated[
        list[str] | None,
        typer.Option(
            metavar='"MEASURE NUMBER"', help="gold, repeats, agreement, rationales or pace"
        ),
    ] = None,
    until: Annotated[str, typer.Option(metavar="DATE", help="the last day, as 2027-01-31")] = "",
    end: Annotated[bool, typer.Option("--end", help="end the plan they have")] = False,
    json: Json = False,
) -> None:
    """Agree with somebody on what to reach, by when."""
    from prefloop.flows import quality as flow

    project = context.obj.open()
    if end:
        flow.end_plan(project, annotator, reason)
        show({"annotator": annotator, "goals": {}}, json, f"{annotator}: the plan is ended")
        return
    made = flow.plan(project, annotator, _goals(goal or []), until, reason)
    goals = ", ".join(f"{name} {wanted:g}" for name, wanted in made.goals.items())
    data = {"plan": made.id, "annotator": annotator, "goals": dict(made.goals), "until": until}
    show(data, json, f"{annotator}: {goals} by {until}")


def _goals(given: list[str]) -> dict[str, float]:
    from prefloop.core.errors import BadInput

    goals = {}
    for one in given:
        name, _, number = one.strip().rpartition(" ")
        try:
            goals[name.strip()] = float(number)
        except ValueError:
            raise BadInput(f'goal {one!r}: a measure and a number, such as "gold 0.9"') from None
    return goals


def _print_section(found: "Section") -> None:
    say(f"epoch {found.epoch}: {', '.join(found.specs)}")
    for line in found.lines():
        say(line)
    parts = [
        ("dimension", {name: one.agreement for name, one in found.dimensions.items()}),
        ("version", found.versions),
        ("topic", found.topics),
        ("week of", {week.monday: week.agreement for week in found.weeks}),
    ]
    reached = {name: f"{one.reached} ({one.target:g})" for name, one in found.dimensions.items()}
    reached |= {week.monday: week.target for week in found.weeks}
    for title, several in parts:
        if several:
            columns = [title, "twice", "raw", "kappa", "alpha", "level", "target"]
            rows = [(name, *_figures(one), reached.get(name, "")) for name, one in several.items()]
            table(columns, rows)
    if found.annotators:
        table(
            ["annotator", "raw agreement with others", "kappa with others"],
            [
                (name, *(interval(part) for part in (one["percent"], one["kappa"])))
                if "percent" in one
                else (name, interval(one), "")
                for name, one in found.json()["annotators"].items()
            ],
        )
    if found.pairs:
        few = f"the {_PAIRS} least of {len(found.pairs)}" if len(found.pairs) > _PAIRS else "all"
        least = [
            (f"{p.first}, {p.second}", p.kappa.n, f"{p.observed:.3f}", interval(p.kappa.json()))
            for p in found.pairs[:_PAIRS]
        ]
        table([f"pair ({few})", "in common", "raw", "kappa"], least)


def _figures(found: "Agreement") -> tuple[str, ...]:
    """How many items, and the figures: two with intervals, two without, for want of room."""
    sure = [_short(one.json()) for one in (found.percent, found.kappa)]
    bare = [_bare(one.json()) for one in (found.alpha, found.split)]
    return (str(found.overlapping), *sure, *bare)


def _bare(found: "Figure") -> str:
    return f"{found['estimate']:.2f}" if "estimate" in found else "–"


def _short(found: "Figure") -> str:
    return "–" if "not_enough" in found else interval(found, 2)


def _print_annotators(found: "Annotators") -> None:
    people = [(person, person.json()) for person in found.people]
    known = [one.length.everybody for one in found.people if one.length.everybody is not None]
    longer = f"longer ({known[0]:.2f})" if known else "longer"
    table(
        ["annotator", "judgments", "gold", "repeats", "kappa with others", "standing"],
        [
            (
                person.name,
                person.judgments,
                _short(data["gold"]),
                _short(data["repeats"]),
                _short(data["agreement"].get("kappa", data["agreement"])),
                person.standing,
            )
            for person, data in people
        ],
    )
    table(
        ["annotator", "per hour", "median s", "first shown", longer, "reasons", "drift"],
        [
            (person.name, *_paced(data["pace"]), _short(data["first_side"]),
             _short(data["length"]["longer"]), _short(data["rationales"]), _drift(person))
            for person, data in people
        ],
    )  # fmt: skip
    for person in found.people:
        for line in _follows(person):
            say(f"{person.name}: {line}")
    for person in [one for one in found.people if one.anchors][:1]:
        say(person.anchors.note() if person.anchors else "")


def _paced(pace: dict[str, float]) -> tuple[str, str]:
    if "not_enough" in pace:
        return "–", "–"
    median = pace["median_seconds"]
    return f"{pace['per_hour']:.0f}", "–" if median is None else f"{median:.1f}"


def _drift(person: "Person") -> str:
    from prefloop.stats import NotEnough

    drift = person.drift
    if isinstance(drift, NotEnough):
        return "–"
    return "ALARM" if drift.alarm else drift.direction or "none"


def _follows(person: "Person") -> list[str]:
    """What is to be said of somebody besides the figures."""
    lines = [person.anchors.line()] if person.anchors else []
    if person.due:
        lines.append(f"anchors again: {person.due}")
    if person.recognized:
        lines.append("deserves recognition")
    if person.plan is not None:
        goals = ", ".join(
            f"{goal.measure} {goal.wanted:g} {goal.word} ({_short(goal.found.json())})"
            for goal in person.plan.goals
        )
        until = ago(person.plan.plan.until)[:10]
        lines.append(f"plan until {until}: {person.plan.word}; {goals}")
    return lines
