"""The command tree. Commands import what they need when they run, so that --help comes at once."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop import __version__
from prefloop.cli import (
    annotation,
    datasets,
    evaluation,
    ledger,
    people,
    planning,
    projects,
    prompts,
    quality,
    sandbox,
    serve,
    spec,
    training,
)
from prefloop.cli.common import Here, say

__all__ = ["app"]

app = typer.Typer(
    name="prefloop",
    help="The whole preference loop, with evidence at every step and a way back at every step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"prefloop {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("-C", metavar="DIR", help="the project's folder")
    ] = Path(),
    actor: Annotated[
        str | None,
        typer.Option("--as", envvar="PREFLOOP_ACTOR", metavar="NAME", help="who is acting"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    context.obj = Here(folder, actor)


for room in (
    projects,
    serve,
    sandbox,
    people,
    spec,
    prompts,
    annotation,
    quality,
    datasets,
    training,
    evaluation,
    planning,
    ledger,
):
    room.register(app)
