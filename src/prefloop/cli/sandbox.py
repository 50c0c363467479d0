"""demo: the case study in miniature, with real training on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop.cli.common import Here, Json, say, show

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="default: demo")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="another seed is another desk day")] = 1,
    contrast: Annotated[
        bool, typer.Option("--contrast", help="also: KL for free, and a desk without the trap")
    ] = False,
    json: Json = False,
) -> None:
    """Walk the whole loop on a simulated support desk; ends in DIR/report.html.

    Stopped half way, the same command goes on where it was.
    """
    from prefloop.sandbox import demo as story

    here: Here = context.obj
    tell = (lambda line: None) if json else say
    found = story.run(here.folder / folder, seed, tell, contrast)
    place = here.folder / folder
    lines = [
        "",
        *(f"{one['name']} pass: {one['decision']}" for one in found["passes"]),
        f"report:   {place / 'report.html'}",
        f"look at:  prefloop -C {place} lineage {found['passes'][-1]['name']}/release",
    ]
    show(found, json, "\n".join(lines))
