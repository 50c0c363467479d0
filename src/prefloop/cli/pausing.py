"""campaign pause, resume: stopping work, and going on."""

from typing import Annotated

import typer

from prefloop.cli.common import Json, show

__all__ = ["register"]


def register(campaign: typer.Typer) -> None:
    campaign.command("pause")(pause)
    campaign.command("resume")(resume)


def pause(
    context: typer.Context,
    name: str,
    reason: Annotated[str, typer.Option(help="why")],
    json: Json = False,
) -> None:
    """Stop giving out work; what is being judged is still taken."""
    from prefloop.annotation import campaigns

    project = context.obj.open()
    with project.transaction() as tx:
        now = campaigns.set_state(tx, campaigns.get(tx, name), "paused", reason)
    show({"campaign": name, "state": now.state}, json, f"campaign {name} is paused")


def resume(
    context: typer.Context,
    name: str,
    reason: Annotated[str, typer.Option(help="why, and what was mended")],
    spec: Annotated[
        str | None, typer.Option(help="the newer version of the specification to follow")
    ] = None,
    override: Annotated[
        bool, typer.Option("--override", help="go on although people do not agree")
    ] = False,
    json: Json = False,
) -> None:
    """Go on; after a pause for want of agreement under a mended specification, or by override."""
    from prefloop.flows import quality

    project = context.obj.open()
    now = quality.resume(project, name, reason, spec, override)
    data = {"campaign": name, "state": now.state, "spec": now.spec}
    show(data, json, f"campaign {name} is open, under {now.spec[:12]}")
