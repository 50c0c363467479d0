"""campaign: what people are asked, and how far they are."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from prefloop.cli import pausing, requests
from prefloop.cli.common import Json, show, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    campaign = typer.Typer(help="Campaigns: comparisons for people to judge.", no_args_is_help=True)
    campaign.command("create")(create)
    campaign.command("gold")(gold)
    campaign.command("anchors")(anchors)
    campaign.command("prioritise")(prioritise)
    campaign.command("skipped")(skipped)
    campaign.command("status")(status)
    campaign.command("close")(close)
    requests.register(campaign)
    pausing.register(campaign)
    app.add_typer(campaign, name="campaign")


def create(
    context: typer.Context,
    name: str,
    candidates: Annotated[str, typer.Option(help="the completion_set whose pairs are compared")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="a YAML file of campaign settings")
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(min=1, help="judgments wanted per comparison")
    ] = None,
    spec: Annotated[str | None, typer.Option(help="default: the project's newest")] = None,
    purpose: Annotated[str | None, typer.Option(help="live or evaluation")] = None,
    rank: Annotated[
        int, typer.Option(help="completions shown at once; more than two are ranked")
    ] = 2,
    json: Json = False,
) -> None:
    """Open a campaign over a set of candidates."""
    from prefloop.flows import campaigns

    project = context.obj.open()
    settings = campaigns.settings_in(project, config, overlap=overlap, purpose=purpose)
    made = campaigns.create(project, name, candidates, spec, settings, rank)
    what = "comparisons" if rank == 2 else "prompts to rank"
    show(made, json, f"campaign {name}: {made['items']} {what}, {settings.overlap} judgments each")


_KNOWN = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="rows of prompt, two completions, best (1, 2, 0), why"),
]
_COLUMN = Annotated[list[str] | None, typer.Option(metavar="THEIRS=OURS", help="rename a column")]
_COMPLETION = Annotated[list[str] | None, typer.Option(help="a column of answers, once for each")]


def gold(
    context: typer.Context,
    name: str,
    file: _KNOWN,
    completion: _COMPLETION = None,
    column: _COLUMN = None,
    json: Json = False,
) -> None:
    """Add items with a known answer, to be hidden among live work."""
    _add_known(context, name, file, "gold", completion, column, json)


def anchors(
    context: typer.Context,
    name: str,
    file: _KNOWN,
    completion: _COMPLETION = None,
    column: _COLUMN = None,
    json: Json = False,
) -> None:
    """Add items with an expert's answer and explanation, for calibration before live work."""
    _add_known(context, name, file, "anchor", completion, column, json)


def _add_known(
    context: typer.Context,
    name: str,
    file: Path,
    kind: Literal["gold", "anchor"],
    completion: list[str] | None,
    column: list[str] | None,
    json: bool,
) -> None:
    from prefloop.flows import campaigns

    project = context.obj.open()
    new, old = campaigns.add_known(project, name, file, kind, column or [], completion or [])
    had = f"; {old} of the file were in the campaign before and are left as they are"
    data = {"campaign": name, "kind": kind, "added": new, "left": old}
    show(data, json, f"campaign {name}: {new} {kind} items{had if old else ''}")


def prioritise(
    context: typer.Context,
    name: str,
    reward: Annotated[str, typer.Option(help="a reward model")],
    json: Json = False,
) -> None:
    """Have first judged what a reward model cannot tell, or sees otherwise than people."""
    from prefloop.flows import priority
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        model = names.resolve(reader, reward, "model")
    count = priority.by_reward(project, name, model)
    said = f"campaign {name}: {count} open comparisons in the order of {model.short}"
    show({"campaign": name, "prioritised": count, "by": model.digest}, json, said)


def skipped(context: typer.Context, name: str, json: Json = False) -> None:
    """What annotators could not judge, and why."""
    from prefloop.annotation import campaigns, skipping

    with context.obj.open().reader() as reader:
        found = skipping.reasons(reader, campaigns.get(reader, name))
    columns = ["comparison", "annotator", "why"]
    rows = [(one[:12], who, " ".join(why.split())) for one, who, why in found]
    data = [dict(zip(columns, one, strict=True)) for one in found]
    show(data, json, lambda: table(columns, rows))


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
    from prefloop.annotation import campaigns, queries
    from prefloop.flows import alarms as flow

    project = context.obj.open()
    batch, found = flow.close(project, name, notes)
    named = sorted({one["annotator"] for one in found.manifest["alarms"]})
    with project.reader() as reader:
        work = queries.queue_counts(reader, campaigns.get(reader, name).id).get("work")
    missing = work["wanted"] - work["judged"] if work else 0
    lines = [
        f"label_batch {batch.short}: {batch.manifest['judgments']} judgments",
        *(
            [f"closed early: {missing} of {work['wanted']} wanted are missing"]
            if missing and work
            else []
        ),
        f"alarms {found.short}: {', '.join(named) or 'none'}",
    ]
    data = {
        "label_batch": batch.digest,
        "judgments": batch.manifest["judgments"],
        "alarms": found.digest,
        "named": named,
    }
    show(data, json, "\n".join(lines))
