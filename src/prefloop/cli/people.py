"""user, proposal: who is here, and what waits for a second person."""

from typing import Annotated, Any

import typer

from prefloop.cli import access
from prefloop.cli.common import Json, show, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    user = typer.Typer(help="People and their roles.", no_args_is_help=True)
    user.command("add")(add)
    user.command("list")(listing)
    user.command("grant")(grant)
    access.register(app, user)
    app.add_typer(user, name="user")
    proposal = typer.Typer(help="Changes that take two people.", no_args_is_help=True)
    proposal.command("list")(proposals)
    proposal.command("approve")(approve)
    proposal.command("reject")(reject)
    app.add_typer(proposal, name="proposal")


def add(
    context: typer.Context,
    handle: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[list[str], typer.Option(help="may be given several times")],
    specialty: Annotated[list[str] | None, typer.Option(help="what an annotator knows")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="read their password instead of making a link")
    ] = False,
    json: Json = False,
) -> None:
    """Add a person: admin, lead, senior, annotator, engineer or auditor.

    The link that is printed lets them into the pages, once.
    """
    from prefloop.annotation import campaigns
    from prefloop.flows.ways_in import way_in
    from prefloop.store import passwords, people

    project = context.obj.open()
    kept = passwords.hashed(handle, access.read_password()) if password_stdin else None
    with project.transaction() as tx:
        people.add(tx, handle, tuple(role))
        if specialty:
            campaigns.set_profile(tx, handle, specialty)
        if kept:
            passwords.set_hash(tx, handle, kept)
        by = project.actor if people.may(tx, project.actor, "person.add") else handle
    link = None if kept else way_in(project.as_(by), handle)
    lines = [f"added {handle}: {', '.join(role)}"]
    if link:
        hours = project.settings.access.invitation_hours
        lines.append(f"to sign in (prefloop serve), once, within {hours} hours: {link}")
    show({"handle": handle, "roles": role, "link": link}, json, "\n".join(lines))


def listing(context: typer.Context, json: Json = False) -> None:
    """Everybody and their roles."""
    from prefloop.store import people

    project = context.obj.open()
    with project.reader() as reader:
        rows = {name: sorted(people.roles(reader, name)) for name in people.handles(reader)}
    show(rows, json, lambda: table(["name", "roles"], [(n, ", ".join(r)) for n, r in rows.items()]))


def grant(
    context: typer.Context,
    handle: Annotated[str, typer.Argument(metavar="NAME")],
    role: str,
    revoke: Annotated[bool, typer.Option("--revoke", help="take the role away")] = False,
    json: Json = False,
) -> None:
    """Give somebody a role, or take it away."""
    from prefloop.store import people

    project = context.obj.open()
    with project.transaction() as tx:
        people.grant(tx, handle, role, not revoke)
    word = "no longer" if revoke else "now"
    show(
        {"handle": handle, "role": role, "granted": not revoke}, json, f"{handle} is {word} {role}"
    )


def proposals(context: typer.Context, json: Json = False) -> None:
    """What was proposed, and what became of it."""
    from dataclasses import asdict

    from prefloop.store import proposals as store

    project = context.obj.open()
    with project.reader() as reader:
        found = store.listing(reader)
    show(
        [asdict(one) for one in found],
        json,
        lambda: table(
            ["proposal", "state", "what", "subject", "by", "reason"],
            [
                (p.id[-12:], p.state, _effect(p.effect), p.subject[:12], p.proposer, p.reason[:50])
                for p in found
            ],
        ),
    )


def approve(
    context: typer.Context,
    proposal: str,
    reason: Annotated[str, typer.Option(help="why")] = "",
    json: Json = False,
) -> None:
    """Approve somebody else's proposal; it takes effect at once."""
    _decide(context, proposal, True, reason, json)


def reject(
    context: typer.Context,
    proposal: str,
    reason: Annotated[str, typer.Option(help="why")] = "",
    json: Json = False,
) -> None:
    """Reject a proposal."""
    _decide(context, proposal, False, reason, json)


def _decide(context: typer.Context, name: str, yes: bool, reason: str, json: bool) -> None:
    from prefloop.store import names
    from prefloop.store import proposals as store

    project = context.obj.open()
    with project.transaction() as tx:
        done = store.decide(tx, name, yes, reason)
        known = names.names_of(tx, done.subject)
    show(
        {"proposal": done.id, "state": done.state, "subject": done.subject, "names": known},
        json,
        f"{done.state}: {done.subject[:12]} {', '.join(known)}".rstrip(),
    )


def _effect(effect: dict[str, Any]) -> str:
    if effect["do"] in ("name", "tag"):
        return f"{effect['do']} {effect[effect['do']]}"
    return f"{effect['do']} {', '.join(effect['annotators'])}"
