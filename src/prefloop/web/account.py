"""A person's own account: password, second factor, sessions, tokens. Nobody sees another's."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from prefloop.core.errors import BadInput, Conflict
from prefloop.flows.project import Project
from prefloop.store import passwords, people, second_factor, sessions, tokens
from prefloop.store.second_factor import Factor
from prefloop.store.sessions import Session
from prefloop.store.tokens import Token
from prefloop.web import cookies
from prefloop.web.identity import May, Sessions, Signed, cookie_name
from prefloop.web.pages import Context, Pages
from prefloop.web.sign_in import Codes, set_up_page

__all__ = ["Account", "router"]

router = APIRouter(prefix="/account")
Me = Annotated[Signed, Depends(May("account"))]
Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Account(Context):
    """All of it; `made` is a token's value, shown this once; `said` and `wrong` are one line."""

    me: Signed
    has_password: bool
    factor: Factor
    factor_required: bool
    sessions: list[Session]
    tokens: list[Token]
    scopes: tuple[str, ...]
    now: int
    made: str
    said: str
    wrong: str


@router.get("")
def account(request: Request, me: Me) -> Response:
    """The page."""
    return _show(request, me)


@router.post("/password")
def change_password(
    request: Request, me: Me, old: Text = "", new: Text = "", again: Text = ""
) -> Response:
    """A new password; every other session of the person ends."""
    project: Project = request.app.state.project
    try:
        _prove(request, me, old)
        if new != again:
            raise BadInput("the two new passwords differ")
        kept = passwords.hashed(me.handle, new)
    except BadInput as error:
        return _show(request, me, wrong=str(error), status=422)
    here = request.cookies.get(cookie_name(request), "")
    with project.ledger.transaction(me.handle) as tx:
        passwords.set_hash(tx, me.handle, kept, here)
    request.app.state.sessions.forget()
    return _show(request, me, said="Your password is changed; your other sessions have ended.")


@router.post("/second-factor")
def prepare(request: Request, me: Me, password: Text = "") -> Response:
    """Begin to set up a second factor."""
    project: Project = request.app.state.project
    try:
        _prove(request, me, password)
    except BadInput as error:
        return _show(request, me, wrong=str(error), status=422)
    with project.ledger.transaction(me.handle) as tx:
        second_factor.prepare(tx, me.handle)
    return _set_up(request, me)


@router.post("/second-factor/confirm")
def confirm(request: Request, me: Me, code: Text = "") -> Response:
    """Turn it on; the recovery codes are shown once."""
    project: Project = request.app.state.project
    request.app.state.throttle.attempt(request, "second factor", me.handle)
    try:
        with project.ledger.transaction(me.handle) as tx:
            codes = second_factor.confirm(tx, me.handle, code)
    except BadInput as error:
        if isinstance(error, Conflict):
            raise
        return _set_up(request, me, str(error), 422)
    request.app.state.throttle.succeeded(request, "second factor", me.handle)
    return _codes(request, codes)


@router.post("/second-factor/remove")
def remove(request: Request, me: Me, password: Text = "") -> Response:
    """Turn it off, unless a role of the person requires it."""
    project: Project = request.app.state.project
    try:
        _prove(request, me, password)
        if _required(request, me):
            raise BadInput("your role requires a second factor")
    except BadInput as error:
        return _show(request, me, wrong=str(error), status=422)
    here = request.cookies.get(cookie_name(request), "")
    with project.ledger.transaction(me.handle) as tx:
        second_factor.remove(tx, me.handle, here)
    request.app.state.sessions.forget()
    return _show(request, me, said="The second factor is off.")


@router.post("/second-factor/codes")
def new_codes(request: Request, me: Me, password: Text = "") -> Response:
    """Fresh recovery codes; those before are void."""
    project: Project = request.app.state.project
    try:
        _prove(request, me, password)
        with project.ledger.transaction(me.handle) as tx:
            if not second_factor.state(tx, me.handle).on:
                raise BadInput("there is no second factor to recover: set one up first")
            codes = second_factor.new_codes(tx, me.handle)
    except BadInput as error:
        return _show(request, me, wrong=str(error), status=422)
    return _codes(request, codes)


@router.post("/sessions/{session}/end")
def end_session(request: Request, me: Me, session: str) -> Response:
    """End one of one's own sessions."""
    project: Project = request.app.state.project
    with project.ledger.transaction(me.handle) as tx:
        sessions.end_one(tx, me.handle, session)
    request.app.state.sessions.forget()
    return cookies.go("/account")


@router.post("/tokens")
def create_token(
    request: Request,
    me: Me,
    days: Annotated[int, Form()],
    name: Text = "",
    password: Text = "",
    scope: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """A token for a program; its value is shown once."""
    project: Project = request.app.state.project
    try:
        _prove(request, me, password)
        with project.ledger.transaction(me.handle) as tx:
            made = tokens.create(tx, me.handle, name, scope or [], days)
    except BadInput as error:
        return _show(request, me, wrong=str(error), status=422)
    return _show(request, me, made=made)


@router.post("/tokens/{token}/revoke")
def revoke_token(request: Request, me: Me, token: str) -> Response:
    """End one of one's own tokens."""
    project: Project = request.app.state.project
    with project.ledger.transaction(me.handle) as tx:
        tokens.revoke(tx, me.handle, token)
    request.app.state.sessions.forget()
    return cookies.go("/account")


def _prove(request: Request, me: Signed, password: str) -> None:
    """The person is still who signed in. Somebody known by the company's sign-in alone has no
    password here and is taken at the session's word."""
    project: Project = request.app.state.project
    with project.reader() as reader:
        if not passwords.exists(reader, me.handle):
            return
    request.app.state.throttle.attempt(request, "password", me.handle)
    if not passwords.fits(project.ledger, me.handle, password):
        raise BadInput("this is not your password")
    request.app.state.throttle.succeeded(request, "password", me.handle)


def _required(request: Request, me: Signed) -> bool:
    known: Sessions = request.app.state.sessions
    return bool(me.roles & set(known.access.second_factor))


def _show(
    request: Request, me: Signed, made: str = "", said: str = "", wrong: str = "", status: int = 200
) -> Response:
    project: Project = request.app.state.project
    known: Sessions = request.app.state.sessions
    with project.reader() as reader:
        page = Account(
            me=me,
            has_password=passwords.exists(reader, me.handle),
            factor=second_factor.state(reader, me.handle),
            factor_required=_required(request, me),
            sessions=sessions.listing(reader, me.handle, known.limits),
            tokens=tokens.listing(reader, me.handle),
            scopes=tuple(s for s in tokens.SCOPES if people.PERMISSIONS[s] & me.roles),
            now=reader.ledger.clock(reader.connection),
            made=made,
            said=said,
            wrong=wrong,
        )
    pages: Pages = request.app.state.pages
    return pages.show(request, "account.html", page, status)


def _set_up(request: Request, me: Signed, wrong: str = "", status: int = 200) -> Response:
    page = set_up_page(
        request,
        me.handle,
        me.csrf,
        "/account",
        action="/account/second-factor/confirm",
        required=False,
        wrong=wrong,
    )
    pages: Pages = request.app.state.pages
    return pages.show(request, "set_up.html", page, status)


def _codes(request: Request, codes: list[str]) -> Response:
    pages: Pages = request.app.state.pages
    return pages.show(request, "codes.html", Codes(tuple(codes), "/account"))
