"""campaign request, take, decline; quality changes: judging again after a specification changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefloop.cli.common import Json, interval, say, show, table

if TYPE_CHECKING:
    from prefloop.annotation.filters import Filter

__all__ = ["changes", "register"]


def register(campaign: typer.Typer) -> None:
    campaign.command("request")(request)
    campaign.command("requests")(listing)
    campaign.command("take")(take)
    campaign.command("decline")(decline)


def request(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="the label_batch to judge again")],
    control: Annotated[
        int, typer.Option(min=0, help="how many others, at random, are judged again beside them")
    ],
    reason: Annotated[str, typer.Option(help="what the old labels got wrong")],
    spec: Annotated[str | None, typer.Option(help="default: the project's newest")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="only these topics")] = None,
    source: Annotated[list[str] | None, typer.Option(help="only these prompt sources")] = None,
    high_stakes: Annotated[
        bool | None, typer.Option("--high-stakes/--low-stakes", help="only these prompts")
    ] = None,
    split: Annotated[
        bool | None, typer.Option("--split/--decided", help="only where people were level, or not")
    ] = None,
    disagreement: Annotated[
        list[str] | None, typer.Option(help="only where people differed: a dimension, or overall")
    ] = None,
    flag: Annotated[list[str] | None, typer.Option(help="only where somebody raised this")] = None,
    contains: Annotated[str | None, typer.Option(help="only where these words occur")] = None,
    file: Annotated[
        Path | None, typer.Option("--filter", metavar="FILE", help="the conditions, in YAML")
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="evaluations that showed what is wrong")
    ] = None,
    json: Json = False,
) -> None:
    """Ask for exactly the comparisons that a filter names to be judged again."""
    from prefloop.flows import relabel
    from prefloop.store import names

    project = context.obj.open()
    given = {
        "topic": topic,
        "source": source,
        "high_stakes": high_stakes,
        "split": split,
        "disagreement": disagreement,
        "flags": flag,
        "contains": contains,
    }
    wanted = _filter(file, {name: value for name, value in given.items() if value is not None})
    with project.reader() as reader:
        labels = names.resolve(reader, batch, "label_batch")
        shown = [names.resolve(reader, one, "evaluation") for one in evidence or []]
    asked = relabel.ask(
        project, labels, wanted, spec or project.settings.spec, control, reason, shown
    )
    show(
        _json(asked),
        json,
        f"request {asked.id[-12:]}: {len(asked.comparisons)} comparisons again, "
        f"{len(asked.control)} as control\n"
        f"a lead: prefloop campaign take {asked.id[-12:]} NAME",
    )


def listing(context: typer.Context, json: Json = False) -> None:
    """What was asked for, and what became of it."""
    from prefloop.annotation import requests

    project = context.obj.open()
    with project.reader() as reader:
        found = [_named(reader, one) for one in requests.listing(reader)]
    rows = [
        (one["request"][-12:], " ".join([one["state"], *one["campaigns"]]), one["asked_by"],
         len(one["comparisons"]), len(one["control"]), one["answer"] or one["reason"])
        for one in found
    ]  # fmt: skip
    columns = ["request", "state", "by", "comparisons", "control", "reason"]
    show(found, json, lambda: table(columns, rows))


def take(
    context: typer.Context,
    request: Annotated[str, typer.Argument(help="its last eight characters suffice")],
    name: Annotated[str, typer.Argument(help="of the campaign; the control is called NAME-2")],
    overlap: Annotated[
        int | None, typer.Option(min=1, help="judgments per comparison; default: as before")
    ] = None,
    json: Json = False,
) -> None:
    """Open the campaign that was asked for, and its control beside it."""
    from prefloop.annotation import requests
    from prefloop.annotation.campaigns import CampaignSettings, status
    from prefloop.flows import relabel

    project = context.obj.open()
    with project.reader() as reader:
        asked = requests.get(reader, request)
    settings = None
    if overlap is not None:
        settings = CampaignSettings(overlap=overlap, seed=project.settings.seed)
    made = relabel.take_up(project, asked, name, settings)
    with project.reader() as reader:
        work = [status(reader, one)["queue"]["work"] for one in made]
    lines = [
        f"campaign {one.name} ({one.settings.purpose.value}, round {one.settings.round}): "
        f"{queue['items']} comparisons, {one.settings.overlap} judgments each"
        for one, queue in zip(made, work, strict=True)
    ]
    data = [
        {
            "campaign": one.name,
            "purpose": one.settings.purpose.value,
            "round": one.settings.round,
            "spec": one.spec,
            "items": queue["items"],
        }
        for one, queue in zip(made, work, strict=True)
    ]
    show({"request": asked.id, "campaigns": data}, json, "\n".join(lines))


def decline(
    context: typer.Context,
    request: Annotated[str, typer.Argument(help="its last eight characters suffice")],
    reason: Annotated[str, typer.Option(help="why not")],
    json: Json = False,
) -> None:
    """Say no to a request, and why."""
    from prefloop.annotation import requests

    project = context.obj.open()
    with project.transaction() as tx:
        done = requests.decline(tx, requests.get(tx, request), reason)
    show(_json(done), json, f"declined: request {done.id[-12:]}, {done.answer}")


def changes(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="the label_batch that was judged again")],
    relabelled: Annotated[str, typer.Argument(help="the label_batch of the relabelling")],
    control: Annotated[str, typer.Argument(help="the label_batch of its control")],
    json: Json = False,
) -> None:
    """How many winners a relabelling turned round, and how many of them noise would have."""
    from prefloop.flows import relabel
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        found = [names.resolve(reader, one, "label_batch") for one in (before, relabelled, control)]
    kept = relabel.changes(project, *found)
    show({"evaluation": kept.digest, **kept.manifest}, json, lambda: _print(kept.manifest))
    if not json:
        say(f"evaluation {kept.short}")


def _filter(file: Path | None, given: dict[str, Any]) -> "Filter":
    from pydantic import ValidationError

    from prefloop.annotation import filters
    from prefloop.core.errors import BadInput
    from prefloop.flows.project import read_text

    if file is not None and given:
        raise BadInput(f"--filter {file} and other conditions: write all of them in the file")
    if file is not None:
        return filters.parse(read_text(file), str(file))
    try:
        return filters.Filter.model_validate(given)
    except ValidationError as error:
        (first, *_) = error.errors()
        raise BadInput(f"--{first['loc'][0]} {first['input']}: {first['msg']}") from error


def _json(asked: Any) -> dict[str, Any]:
    return {
        "request": asked.id,
        **asked.content,
        "asked_by": asked.asked_by,
        "state": asked.state,
        "campaigns": list(asked.campaigns),
        "answer": asked.answer,
    }


def _named(reader: Any, asked: Any) -> dict[str, Any]:
    from prefloop.annotation import queries

    known = queries.campaigns_by_id(reader, asked.campaigns)
    return {**_json(asked), "campaigns": [known[one].name for one in asked.campaigns]}


def _print(found: dict[str, Any]) -> None:
    parts = ("relabelled", "control")
    columns = [
        "",
        "compared",
        "winner twice",
        "turned",
        "rate",
        "became tie",
        "was tie",
        "tie twice",
    ]
    rows = [
        (part, side["compared"], side["decided"], side["flipped"], interval(side["rate"]),
         side["became_tie"], side["was_tie"], side["tie_twice"])
        for part, side in ((part, found[part]) for part in parts)
    ]  # fmt: skip
    table(columns, rows)
    say(f"difference of the rates: {interval(found['difference'])}")
    say(f"turned beyond noise: {interval(found['beyond_noise'], 0)}")
    say(
        f"{found['people_in_both']} of {found['people']} people judged both, with "
        f"{found['judgments_of_people_in_both']} of {found['judgments']} judgments"
    )
    if found["filter_reads_judgments"]:
        say(
            "the filter chose by what people had said: such comparisons turn round more often by "
            "noise alone, and the control does not show it"
        )
    say(found["verdict"])
