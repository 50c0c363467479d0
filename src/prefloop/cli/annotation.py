"""campaign, quality: what people are asked, how far they are, how well they agree."""

from typing import Annotated

import typer

from prefloop.cli import alarms, requests
from prefloop.cli.common import Json, show, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    campaign = typer.Typer(help="Campaigns: comparisons for people to judge.", no_args_is_help=True)
    campaign.command("create")(create)
    campaign.command("status")(status)
    campaign.command("close")(close)
    requests.register(campaign)
    app.add_typer(campaign, name="campaign")
    quality = typer.Typer(help="Whom to believe.", no_args_is_help=True)
    quality.command("report")(report)
    quality.command("changes")(requests.changes)
    alarms.register(quality)
    app.add_typer(quality, name="quality")


def create(
    context: typer.Context,
    name: str,
    candidates: Annotated[str, typer.Option(help="the completion_set whose pairs are compared")],
    overlap: Annotated[int, typer.Option(min=1, help="judgments wanted per comparison")] = 1,
    spec: Annotated[str | None, typer.Option(help="default: the project's newest")] = None,
    purpose: Annotated[str, typer.Option(help="live or evaluation")] = "live",
    json: Json = False,
) -> None:
    """Open a campaign over a set of candidates."""
    from prefloop.flows import labels

    project = context.obj.open()
    made = labels.create_campaign(project, name, candidates, spec, overlap, purpose)
    show(made, json, f"campaign {name}: {made['items']} comparisons, {overlap} judgments each")


def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument()] = None,
    json: Json = False,
) -> None:
    """How far the campaigns are."""
    from prefloop.annotation import campaigns, queries

    project = context.obj.open()
    with project.reader() as reader:
        names = [name] if name else queries.campaign_names(reader)
        found = [campaigns.status(reader, campaigns.get(reader, one)) for one in names]
    rows = [
        (c["name"], c["state"], kind, q["items"], *_places(kind, q))
        for c in found
        for kind, q in c["queue"].items()
    ]
    columns = ["campaign", "state", "kind", "items", "wanted", "taken", "judged"]
    show(found, json, lambda: table(columns, rows))


def _places(kind: str, queue: dict[str, int]) -> tuple[object, object, object]:
    """Only work has a number of places; gold and anchors are there for everybody."""
    if kind != "work":
        return "–", "–", "–"
    return queue["wanted"], queue["taken"], queue["judged"]


def close(
    context: typer.Context,
    name: str,
    notes: Annotated[str, typer.Option(help="for the record")] = "",
    json: Json = False,
) -> None:
    """Close a campaign into its label batch, and look at who cannot be trusted."""
    from prefloop.flows import alarms as flow

    project = context.obj.open()
    batch, found = flow.close(project, name, notes)
    named = sorted({one["annotator"] for one in found.manifest["alarms"]})
    lines = [
        f"label_batch {batch.short}: {batch.manifest['judgments']} judgments",
        f"alarms {found.short}: {', '.join(named) or 'none'}",
    ]
    data = {
        "label_batch": batch.digest,
        "judgments": batch.manifest["judgments"],
        "alarms": found.digest,
        "named": named,
    }
    show(data, json, "\n".join(lines))


def report(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="a label_batch")],
    json: Json = False,
) -> None:
    """Agreement of a batch's annotators with intervals, and their record on gold and repeats."""
    from prefloop.annotation import quality
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        artifact = names.resolve(reader, batch, "label_batch")
        found = quality.report(reader, artifact, project.settings.seed)
    show(quality.as_json(found), json, lambda: _print(found))


def _print(found: object) -> None:
    from prefloop.annotation.quality import Quality

    assert isinstance(found, Quality)
    for line in found.lines():
        typer.echo(line)
    table(
        ["annotator", "judgments", "gold correct", "of", "repeats consistent", "of", "standing"],
        [
            (a.name, a.judgments, a.gold_correct, a.gold, a.consistent, a.repeats, a.standing)
            for a in found.annotators
        ],
    )
