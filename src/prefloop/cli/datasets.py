"""import, export, dataset: labels in, data frozen, data out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefloop.cli.common import Json, show

if TYPE_CHECKING:
    from prefloop.flows.project import Project
    from prefloop.store.artifacts import Artifact

__all__ = ["register"]

Columns = list[str] | None
Words = list[str] | None
TABLE: dict[str, Any] = {"metavar": "COLUMN"}
WORD: dict[str, Any] = {"metavar": "LABEL"}


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command("export")(export)
    room = typer.Typer(help="Label batches frozen into preference data.", no_args_is_help=True)
    room.command("freeze")(freeze)
    room.command("demonstrations")(demonstrations)
    room.command("show")(show_dataset)
    room.command("diff")(diff)
    app.add_typer(room, name="dataset")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="gzip is read as it is")],
    format: Annotated[str | None, typer.Option(help="hh-rlhf, trl, ...; default: look")] = None,
    spec: Annotated[str | None, typer.Option(help="the specification the labels followed")] = None,
    label: Annotated[Columns, typer.Option(help="a table: its column of labels", **TABLE)] = None,
    annotator: Annotated[str | None, typer.Option(help="who judged", **TABLE)] = None,
    item: Annotated[Columns, typer.Option(help="what was judged", **TABLE)] = None,
    side: Annotated[Columns, typer.Option(help="both sides' names, in two", **TABLE)] = None,
    prompt: Annotated[Columns, typer.Option(help="the prompt's text", **TABLE)] = None,
    completion: Annotated[Columns, typer.Option(help="both texts, in two", **TABLE)] = None,
    gold: Annotated[str | None, typer.Option(help="the right label, if known", **TABLE)] = None,
    topic: Annotated[str | None, typer.Option(help="the item's topic", **TABLE)] = None,
    time: Annotated[str | None, typer.Option(help="when: ISO 8601 or seconds", **TABLE)] = None,
    active_ms: Annotated[str | None, typer.Option(help="milliseconds it took", **TABLE)] = None,
    shown_first: Annotated[str | None, typer.Option(help="the side shown first", **TABLE)] = None,
    as_shown: Annotated[bool, typer.Option("--as-shown", help="the first was shown first")] = False,
    first: Annotated[Words, typer.Option(help="means: the first side is better", **WORD)] = None,
    second: Annotated[Words, typer.Option(help="means: the second is better", **WORD)] = None,
    tie: Annotated[Words, typer.Option(help="means: neither is better", **WORD)] = None,
    category: Annotated[Words, typer.Option(help="one of the labels there are", **WORD)] = None,
    scale: Annotated[str, typer.Option(help="nominal, ordinal, interval or ratio")] = "nominal",
    repeats: Annotated[
        bool, typer.Option("--repeats", help="later judgments of an item by one person are repeats")
    ] = False,
    json: Json = False,
) -> None:
    """Bring in what people judged elsewhere: comparisons, or any table by naming its columns."""
    named = {
        "label": tuple(label or ()),
        "annotator": annotator,
        "item": tuple(item or ()),
        "sides": tuple(side or ()),
        "prompt": tuple(prompt or ()),
        "completions": tuple(completion or ()),
        "first": tuple(first or ()),
        "second": tuple(second or ()),
        "tie": tuple(tie or ()),
        "categories": tuple(category or ()),
        "gold": gold,
        "topic": topic,
        "time": time,
        "active_ms": active_ms,
        "shown_first": shown_first,
        "as_shown": as_shown,
        "repeats": repeats,
        **({} if scale == "nominal" else {"scale": scale}),
    }
    batch, lines = _bring_in(context.obj.open(), file, format, spec, named)
    data = {"label_batch": batch.digest, "judgments": batch.manifest["judgments"], "report": lines}
    show(data, json, "\n".join([*lines, f"label_batch {batch.short}"]))


def _bring_in(
    project: "Project",
    file: Path,
    format_name: str | None,
    spec: str | None,
    named: dict[str, Any],
) -> "tuple[Artifact, list[str]]":
    """The batch, and what is to be said of the file."""
    from prefloop.core.errors import BadInput
    from prefloop.datasets.tables import TableColumns
    from prefloop.flows import labels, tables

    if not any(named.values()):
        batch, found = labels.import_file(project, file, format_name, spec)
        return batch, found.report()
    if format_name is not None:
        raise BadInput(
            "--format is for known formats; a table is read by its columns: leave it out"
        )
    batch, table = tables.import_table(project, file, TableColumns(**named), spec)
    return batch, table.report()


def export(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="digest or name@vN")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    format: Annotated[str, typer.Option(help="the format to write")] = "trl",
    split: Annotated[str | None, typer.Option(help="train or held_out; default: both")] = None,
    json: Json = False,
) -> None:
    """Write a dataset's pairs for other tools."""
    from prefloop.flows import labels

    count = labels.export(context.obj.open(), dataset, file, format, split)
    show({"pairs": count, "file": str(file)}, json, f"{count} pairs written to {file}")


def freeze(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the dataset's name, e.g. support")],
    batch: Annotated[list[str], typer.Option(help="label batches, oldest first")],
    held_out: Annotated[float, typer.Option(help="share of prompts held out")] = 0.12,
    exclude: Annotated[list[str] | None, typer.Option(help="annotators who do not count")] = None,
    across_epochs: Annotated[
        bool, typer.Option("--across-epochs", help="pool labels across a breaking change")
    ] = False,
    because: Annotated[str, typer.Option(help="why they may be pooled, for the record")] = "",
    json: Json = False,
) -> None:
    """Freeze label batches into a dataset; a second person makes it official."""
    from pydantic import ValidationError

    from prefloop.core.errors import BadInput
    from prefloop.datasets.freeze import FreezeSettings
    from prefloop.flows import labels

    project = context.obj.open()
    try:
        settings = FreezeSettings(
            held_out=held_out,
            seed=project.settings.seed,
            exclude=exclude or [],
            across_epochs=across_epochs,
            because=because,
        )
    except ValidationError as error:
        raise BadInput(f"--held-out {held_out}: {error.errors()[0]['msg']}") from error
    dataset, proposal = labels.freeze_dataset(project, name, batch, settings)
    counts = dataset.manifest["counts"]
    lines = [
        f"dataset {dataset.short}: "
        + ", ".join(f"{value} {key.replace('_', ' ')}" for key, value in counts.items()),
        f"a second person: prefloop --as NAME proposal approve {proposal.id[-12:]}",
    ]
    show(
        {"dataset": dataset.digest, "counts": counts, "proposal": proposal.id},
        json,
        "\n".join(lines),
    )


def demonstrations(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the dataset's name, e.g. corrected")],
    batch: Annotated[list[str], typer.Option(help="label batches, oldest first")],
    json: Json = False,
) -> None:
    """Freeze what annotators corrected into texts to imitate (train sft)."""
    from prefloop.flows import labels

    dataset, proposal = labels.freeze_edits(context.obj.open(), name, batch)
    count = dataset.manifest["counts"]["pairs"]
    show(
        {"dataset": dataset.digest, "demonstrations": count, "proposal": proposal.id},
        json,
        f"dataset {dataset.short}: {count} demonstrations\n"
        f"a second person: prefloop --as NAME proposal approve {proposal.id[-12:]}",
    )


def show_dataset(
    context: typer.Context,
    dataset: str,
    pairs: Annotated[int, typer.Option(min=0, help="how many pairs to print")] = 3,
    json: Json = False,
) -> None:
    """What a dataset holds, and its first pairs."""
    from dataclasses import asdict

    from prefloop.datasets import freeze as room
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        found = names.resolve(reader, dataset, "dataset")
        preferences = found.manifest["role"] == "preferences"
        first = room.pairs(reader, found)[:pairs] if preferences and pairs else []
    data = {
        "dataset": found.digest,
        "manifest": found.manifest,
        "pairs": [asdict(p) for p in first],
    }
    counts = found.manifest["counts"]
    lines = [f"dataset {found.short} ({found.manifest['role']})"]
    lines += [f"  {key.replace('_', ' ')}: {value}" for key, value in counts.items()]
    lines += [
        f"  epoch {one['epoch']} of {one['spec_name'] or '(none)'}: {one['pairs']} pairs"
        for one in found.manifest.get("epochs", [])
    ]
    if why := found.manifest.get("across_epochs"):
        lines.append(f"  pooled because: {why}")
    for pair in first:
        lines += [
            "",
            f"prompt    {_short(pair.prompt.text)}",
            f"chosen    {_short(pair.chosen)}",
            f"rejected  {_short(pair.rejected)}",
            f"          margin {pair.margin:.2f}, agreement {pair.agreement:.2f}, {pair.split}",
        ]
    show(data, json, "\n".join(lines))


def diff(context: typer.Context, older: str, newer: str, json: Json = False) -> None:
    """How many pairs two datasets share, and how many changed sides."""
    from prefloop.store import artifacts, names

    project = context.obj.open()
    with project.reader() as reader:
        sides = []
        for one in (older, newer):
            found = names.resolve(reader, one, "dataset")
            rows = artifacts.read_rows(reader, found, "pairs")
            sides.append({row["comparison"]: row["chosen"] for row in rows})
    before, after = sides
    both = before.keys() & after.keys()
    data = {
        "only_older": len(before.keys() - both),
        "only_newer": len(after.keys() - both),
        "both": len(both),
        "changed_sides": sum(before[name] != after[name] for name in both),
    }
    lines = [f"{key.replace('_', ' ')}: {value}" for key, value in data.items()]
    show(data, json, "\n".join(lines))


def _short(text: str, limit: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
