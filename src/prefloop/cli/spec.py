"""spec: what better means, written down, checked, published, compared."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop.cli.common import Here, Json, show

__all__ = ["register"]

_FILE = Annotated[Path | None, typer.Argument(metavar="FILE", help="default: spec.yaml")]


def register(app: typer.Typer) -> None:
    room = typer.Typer(help="The specification: what better means.", no_args_is_help=True)
    room.command("check")(check)
    room.command("publish")(publish)
    room.command("diff")(diff)
    room.command("playbook")(playbook)
    app.add_typer(room, name="spec")


def check(context: typer.Context, file: _FILE = None, json: Json = False) -> None:
    """Say whether a spec.yaml is complete and sound; names the line of every problem."""
    from prefloop.flows.project import read_text
    from prefloop.spec.model import parse

    here: Here = context.obj
    path = file or here.folder / "spec.yaml"
    found = parse(read_text(path), str(path))
    names = ", ".join(found.dimension_names)
    show(
        found.as_json(),
        json,
        f"{path}: sound. {len(found.dimensions)} dimensions in rank order: {names}; "
        f"{len(found.disqualifiers)} disqualifiers, {len(found.tie_break)} tie-break rules, "
        f"{len(found.examples)} examples",
    )


def publish(
    context: typer.Context,
    file: _FILE = None,
    reason: Annotated[str, typer.Option(help="why, for the person who approves")] = "",
    compatible: Annotated[
        str | None,
        typer.Option(metavar="WHY", help="why older labels stay comparable; without it, breaking"),
    ] = None,
    json: Json = False,
) -> None:
    """Propose spec.yaml as the next version; a second person approves it."""
    from prefloop.flows.project import read_text
    from prefloop.spec import publish as room
    from prefloop.spec.model import parse

    project = context.obj.open()
    path = file or project.folder / "spec.yaml"
    found = parse(read_text(path), str(path))
    with project.transaction() as tx:
        made = room.publish(tx, found, project.settings.spec, reason or "publish", compatible)
    data = {
        "spec": made.artifact.digest,
        "epoch": made.artifact.manifest["epoch"],
        "changes": made.artifact.manifest["changes"],
        "proposal": made.proposal.id,
    }
    lines = [
        f"proposed {project.settings.spec}: {made.artifact.short}, epoch {data['epoch']}",
        *(f"  {line}" for line in made.artifact.manifest["changes"]),
        f"a second person: prefloop --as NAME proposal approve {made.proposal.id[-12:]}",
    ]
    show(data, json, "\n".join(lines))


def diff(
    context: typer.Context,
    older: Annotated[str, typer.Argument(help="digest or name@vN")],
    newer: Annotated[str | None, typer.Argument(help="default: spec.yaml as it is")] = None,
    json: Json = False,
) -> None:
    """What changed between two specifications, and whether labels stay comparable."""
    from prefloop.flows.project import read_text
    from prefloop.spec import publish as room
    from prefloop.spec.changes import changes
    from prefloop.spec.model import parse
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        before = names.resolve(reader, older, "spec")
        after = names.resolve(reader, newer, "spec") if newer else None
    path = project.folder / "spec.yaml"
    spec = room.read(after) if after else parse(read_text(path), str(path))
    lines = changes(room.read(before), spec)
    comparable = after is not None and after.manifest["epoch"] == before.manifest["epoch"]
    word = "labels stay comparable" if comparable or not lines else "breaking: labels do not pool"
    show(
        {"changes": lines, "comparable": comparable or not lines},
        json,
        "\n".join([*lines, word]) if lines else "no change",
    )


def playbook(
    context: typer.Context,
    reference: Annotated[str | None, typer.Argument(help="default: spec.yaml as it is")] = None,
    json: Json = False,
) -> None:
    """The annotators' guide, rendered from the specification."""
    from prefloop.flows.project import read_text
    from prefloop.spec.model import parse
    from prefloop.spec.playbook import playbook as render
    from prefloop.store import names

    here: Here = context.obj
    if reference:
        project = here.open()
        with project.reader() as reader:
            text = names.resolve(reader, reference, "spec").manifest["playbook"]
    else:
        path = here.folder / "spec.yaml"
        text = render(parse(read_text(path), str(path)))
    show({"playbook": text}, json, text)
