"""Who is here, their roles, and how more come in: for admins."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from prefloop.core.errors import BadInput
from prefloop.flows.project import Project
from prefloop.store import (
    Reader,
    identities,
    invitations,
    passwords,
    people,
    second_factor,
    sessions,
)
from prefloop.store.identities import Identity
from prefloop.store.invitations import Invitation
from prefloop.store.second_factor import Factor
from prefloop.web import cookies
from prefloop.web.identity import May, Sessions, Signed
from prefloop.web.pages import Context, Pages

__all__ = ["People", "Person", "router"]

router = APIRouter(prefix="/people")
Admin = Annotated[Signed, Depends(May("person.add"))]
Granter = Annotated[Signed, Depends(May("role.grant"))]
Text = Annotated[str, Form(max_length=2000)]
# Who is meant comes as a field: in an address browsers rewrite `..` before they ask.
Who = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Person:
    """One person as admins see them."""

    handle: str
    roles: tuple[str, ...]
    has_password: bool
    factor: Factor
    sessions: int
    identity: Identity | None


@dataclass(frozen=True, slots=True)
class People(Context):
    """Everybody; `chosen` is who is being changed; `link` is a new link, shown this once, for
    `link_for`."""

    people: list[Person]
    chosen: Person | None
    roles: tuple[str, ...]
    invitations: list[Invitation]
    hours: int
    provider: bool
    link: str
    link_for: str
    wrong: str


@router.get("")
def listing(request: Request, admin: Admin, who: str = "") -> Response:
    """The page."""
    return _show(request, who)


@router.post("/invitations")
def invite(
    request: Request, admin: Admin, role: Annotated[list[str] | None, Form()] = None
) -> Response:
    """A link for somebody new."""
    project: Project = request.app.state.project
    access = project.settings.access
    try:
        with project.ledger.transaction(admin.handle) as tx:
            value = invitations.invite(tx, role or [], access.invitation_hours)
    except BadInput as error:
        return _show(request, wrong=str(error), status=422)
    return _show(request, "", _link(request, value), f"somebody new ({', '.join(role or [])})")


@router.post("/invitations/{invitation}/withdraw")
def withdraw(request: Request, admin: Admin, invitation: str) -> Response:
    """Make a link void."""
    project: Project = request.app.state.project
    with project.ledger.transaction(admin.handle) as tx:
        invitations.withdraw(tx, invitation)
    return cookies.go("/people")


@router.post("/link")
def way_in(request: Request, admin: Admin, handle: Who = "") -> Response:
    """A link with which somebody sets a new password."""
    project: Project = request.app.state.project
    with project.ledger.transaction(admin.handle) as tx:
        value = invitations.way_in(tx, handle, project.settings.access.invitation_hours)
    return _show(request, handle, _link(request, value), handle)


@router.post("/roles")
def set_role(
    request: Request,
    admin: Granter,
    role: Text,
    granted: Annotated[bool, Form()],
    handle: Who = "",
) -> Response:
    """Give a role, or take it away, which ends the person's sessions."""
    project: Project = request.app.state.project
    try:
        with project.ledger.transaction(admin.handle) as tx:
            people.grant(tx, handle, role, granted)
    except BadInput as error:
        return _show(request, handle, wrong=str(error), status=422)
    request.app.state.sessions.forget()
    return _back(handle)


@router.post("/sessions/end")
def end_sessions(request: Request, admin: Admin, handle: Who = "") -> Response:
    """Sign somebody out everywhere."""
    project: Project = request.app.state.project
    with project.ledger.transaction(admin.handle) as tx:
        sessions.end_all(tx, handle)
    request.app.state.sessions.forget()
    return _back(handle)


@router.post("/second-factor/remove")
def remove_factor(request: Request, admin: Admin, handle: Who = "") -> Response:
    """For somebody who lost the telephone and the recovery codes."""
    project: Project = request.app.state.project
    with project.ledger.transaction(admin.handle) as tx:
        second_factor.remove(tx, handle)
    request.app.state.sessions.forget()
    return _back(handle)


@router.post("/identity")
def link_identity(
    request: Request, admin: Admin, handle: Who = "", subject: Text = "", email: Text = ""
) -> Response:
    """Say who this person is at the company's own sign-in; nothing given ends it."""
    project: Project = request.app.state.project
    provider = project.settings.access.provider
    subject, email = subject.strip(), email.strip()
    try:
        with project.ledger.transaction(admin.handle) as tx:
            if subject or email:
                issuer = provider.issuer if provider else ""
                identities.link(tx, handle, issuer, subject, email)
            else:
                identities.unlink(tx, handle)
    except BadInput as error:
        return _show(request, handle, wrong=str(error), status=422)
    return _back(handle)


def _back(handle: str) -> Response:
    return cookies.go(f"/people?who={quote(handle, safe='')}")


def _link(request: Request, value: str) -> str:
    project: Project = request.app.state.project
    if project.settings.access.address is None and request.app.state.hosts is None:
        return f"/invite/{value}"  # the request may claim any name: the admin knows the right one
    here = f"{request.url.scheme}://{request.url.netloc}"
    return project.settings.access.link(value, here)


def _show(
    request: Request,
    who: str = "",
    link: str = "",
    link_for: str = "",
    wrong: str = "",
    status: int = 200,
) -> Response:
    project: Project = request.app.state.project
    known: Sessions = request.app.state.sessions
    with project.reader() as reader:
        linked = identities.listing(reader)
        everybody = [
            _person(reader, known, handle, linked.get(handle)) for handle in people.handles(reader)
        ]
        waiting = invitations.listing(reader)
    page = People(
        people=everybody,
        chosen=next((one for one in everybody if one.handle == who), None),
        roles=people.ROLES,
        invitations=waiting,
        hours=known.access.invitation_hours,
        provider=known.access.provider is not None,
        link=link,
        link_for=link_for,
        wrong=wrong,
    )
    pages: Pages = request.app.state.pages
    return pages.show(request, "people.html", page, status)


def _person(reader: Reader, known: Sessions, handle: str, identity: Identity | None) -> Person:
    return Person(
        handle=handle,
        roles=tuple(role for role in people.ROLES if role in people.roles(reader, handle)),
        has_password=passwords.exists(reader, handle),
        factor=second_factor.state(reader, handle),
        sessions=len(sessions.listing(reader, handle, known.limits)),
        identity=identity,
    )
