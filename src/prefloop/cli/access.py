"""user link, password, identity; token: how people and their programs get into the pages."""

import sys
from typing import Annotated

import typer

from prefloop.cli.common import Json, ago, show, table

__all__ = ["read_password", "register"]

Name = Annotated[str, typer.Argument(metavar="NAME")]


def register(app: typer.Typer, user: typer.Typer) -> None:
    """`user` is the noun that `cli.people` made."""
    user.command("link")(link)
    user.command("password")(password)
    user.command("identity")(identity)
    token = typer.Typer(help="Tokens for programs that ask the pages.", no_args_is_help=True)
    token.command("create")(create)
    token.command("list")(listing)
    token.command("revoke")(revoke)
    app.add_typer(token, name="token")


def link(
    context: typer.Context,
    handle: Name,
    without_factor: Annotated[
        bool, typer.Option("--remove-second-factor", help="it was lost, with its recovery codes")
    ] = False,
    json: Json = False,
) -> None:
    """A link with which somebody sets a (new) password; it works once."""
    from prefloop.flows.ways_in import way_in
    from prefloop.store import second_factor

    project = context.obj.open()
    if without_factor:
        with project.transaction() as tx:
            second_factor.remove(tx, handle)
    made = way_in(project, handle)
    hours = project.settings.access.invitation_hours
    show({"handle": handle, "link": made}, json, f"{handle}, once, within {hours} hours: {made}")


def password(context: typer.Context, handle: Name, json: Json = False) -> None:
    """Give somebody a password, read from standard input; their sessions end."""
    from prefloop.store import passwords, people

    project = context.obj.open()
    kept = passwords.hashed(handle, read_password())
    with project.transaction() as tx:
        if tx.actor != handle:
            people.require(tx, "person.add")
        passwords.set_hash(tx, handle, kept)
    show({"handle": handle}, json, f"{handle} has a new password")


def identity(
    context: typer.Context,
    handle: Name,
    email: Annotated[str | None, typer.Option(help="address there, as verified there")] = None,
    subject: Annotated[str | None, typer.Option(help="or the subject there")] = None,
    json: Json = False,
) -> None:
    """Say who somebody is at the company's own sign-in; with neither option, end it."""
    from prefloop.store import identities

    project = context.obj.open()
    provider = project.settings.access.provider
    with project.transaction() as tx:
        if email or subject:
            issuer = provider.issuer if provider else ""
            identities.link(tx, handle, issuer, subject, email)
        else:
            identities.unlink(tx, handle)
    known = {"handle": handle, "email": email, "subject": subject}
    said = f"is {email or subject} there" if email or subject else "is not linked any more"
    show(known, json, f"{handle} {said}")


def create(
    context: typer.Context,
    handle: Name,
    scope: Annotated[list[str], typer.Option(help="what it may; may be given several times")],
    name: Annotated[str, typer.Option(help="what it is for")] = "made by the command line",
    days: Annotated[int, typer.Option(help="how long it works")] = 90,
    json: Json = False,
) -> None:
    """Make a token for somebody's program; it is shown this once."""
    from prefloop.store import tokens

    project = context.obj.open()
    with project.transaction() as tx:
        value = tokens.create(tx, handle, name, scope, days)
    show({"handle": handle, "scopes": scope, "days": days, "token": value}, json, value)


def listing(context: typer.Context, handle: Name, json: Json = False) -> None:
    """Somebody's tokens, without their values, which nobody knows."""
    from dataclasses import asdict

    from prefloop.store import tokens

    project = context.obj.open()
    with project.reader() as reader:
        found = tokens.listing(reader, handle)
    show(
        [asdict(one) for one in found],
        json,
        lambda: table(
            ["token", "name", "for", "until (UTC)"],
            [(t.id[-12:], t.name, ", ".join(t.scopes), ago(t.expires)) for t in found],
        ),
    )


def revoke(context: typer.Context, handle: Name, token: str, json: Json = False) -> None:
    """End a token at once."""
    from prefloop.store import tokens

    project = context.obj.open()
    with project.transaction() as tx:
        tokens.revoke(tx, handle, token)
    show({"handle": handle, "revoked": token}, json, f"revoked {token}")


def read_password() -> str:
    """The first line of standard input; asked for without echo on a terminal."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("password: ")
    return sys.stdin.readline().rstrip("\r\n")
