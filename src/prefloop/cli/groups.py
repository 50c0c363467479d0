"""quality declare, bias: groups that people say they belong to, and whether these matter."""

from typing import Annotated

import typer

from prefloop.cli.common import Json, interval, say, show, table

__all__ = ["register"]


def register(quality: typer.Typer) -> None:
    quality.command("declare")(declare)
    quality.command("bias")(bias)


def declare(
    context: typer.Context,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="such as region=north")
    ] = None,
    withdraw: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="take this one back; all: everything")
    ] = None,
    json: Json = False,
) -> None:
    """Say of yourself which groups you belong to, if you like; see it, or take it back."""
    from prefloop.annotation import bias as groups
    from prefloop.core.errors import BadInput

    project = context.obj.open()
    pairs = [one.partition("=") for one in group or []]
    for name, _, value in pairs:
        if not value:
            raise BadInput(f"group {name!r}: a name and a value, such as region=north")
    with project.transaction() as tx:
        for name in withdraw or []:
            groups.withdraw(tx, None if name == "all" else name)
        for name, _, value in pairs:
            groups.declare(tx, name, value)
        now = groups.declared(tx, project.actor)
    lines = [f"{name}: {value}" for name, value in now.items()]
    show(now, json, "\n".join(lines) or "you have declared nothing")


def bias(
    context: typer.Context,
    judgments: Annotated[
        str, typer.Argument(metavar="BATCH|CAMPAIGN", help="a label_batch, or a campaign's name")
    ],
    rate: Annotated[
        float, typer.Option(help="expected share of false alarms among what is said to differ")
    ] = 0.05,
    json: Json = False,
) -> None:
    """Whether declared groups judge differently; for auditors, no group below five people."""
    from prefloop.flows import quality as flow

    found = flow.bias(context.obj.open(), judgments, rate)

    def text() -> None:
        for pool in found.pools:
            if not pool.people:
                continue
            data = pool.json()
            rows = [(name, str(n), str(pool.judgments[name])) for name, n in pool.people.items()]
            rows.append(("others, or not declared", str(pool.rest), ""))
            table([pool.attribute, "people", "judgments"], rows)
            say(f"as diverse as {data['effective_groups']:.1f} groups of equal size")
        say(
            f"{len(found.questions)} questions asked at a false-discovery rate of {found.rate:g}: "
            f"{len(found.differing)} groups differ in something"
        )
        for one in found.differing:
            where = f" on {one.topic}" if one.topic else ""
            say(
                f"DIFFERS {one.attribute}={one.group}{where}: {one.what} by "
                f"{interval(one.effect.json())} (q {one.q:.2g}, Holm {one.holm:.2g})\n  {one.said}"
            )
        for why in found.not_enough:
            say(f"not enough data for {why}")

    show(found.json(), json, text)
