"""Coming in by a link: choose a name (or have one already) and a password."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from prefloop.core.errors import BadInput, NotFound
from prefloop.flows.project import Project
from prefloop.store import invitations, opaque, passwords
from prefloop.store.invitations import Invitation
from prefloop.web import cookies, sign_in
from prefloop.web.cookies import PublicForm
from prefloop.web.identity import Anyone

__all__ = ["Invite", "router"]

router = APIRouter()
Public = Annotated[None, Depends(Anyone())]
Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Invite(PublicForm):
    """What the link gives, whether it is to be their first password, and what was wrong with the
    answer."""

    invitation: Invitation
    handle: str
    shortest: int
    first: bool
    wrong: str


@router.get("/invite/{value}")
def ask(request: Request, public: Public, value: str) -> Response:
    """The page behind a link; looking at it does not use it up."""
    return _ask(request, value)


@router.post("/invite/{value}")
def accept(
    request: Request,
    public: Public,
    value: str,
    password: Text = "",
    again: Text = "",
    handle: Text = "",
) -> Response:
    """Use the link, and go on as if the password had just been given."""
    project: Project = request.app.state.project
    with project.reader() as reader:
        name = invitations.get(reader, value).handle or handle.strip()
    # Counted by link, once it is there: nobody guesses one, and nobody closes another's.
    throttle, link = request.app.state.throttle, opaque.digest(value)
    throttle.attempt(request, "invitation", link)
    try:
        if password != again:
            raise BadInput("the two passwords differ")
        if not name:
            raise BadInput("choose the name by which others will know you")
        kept = passwords.hashed(name, password)
        with project.ledger.transaction(name) as tx:
            invitations.accept(tx, value, name, kept)
    except NotFound:
        raise
    except BadInput as error:
        return _ask(request, value, handle, str(error), 422)
    request.app.state.sessions.forget()
    throttle.succeeded(request, "invitation", link)
    return sign_in.admit(request, name, "invitation", "/")


def _ask(
    request: Request, value: str, handle: str = "", wrong: str = "", status: int = 200
) -> Response:
    project: Project = request.app.state.project
    with project.reader() as reader:
        found = invitations.get(reader, value)
        first = not (found.handle and passwords.exists(reader, found.handle))
    page = Invite("", found, found.handle or handle[:64], passwords.SHORTEST, first, wrong)
    return cookies.show(request, "invite.html", page, status)
