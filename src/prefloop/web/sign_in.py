"""Signing in: the name and password, the second factor, its first set-up where it is required;
and signing out.

A wrong name and a wrong password get the same answer in the same time. What failed is an event;
the address it came from is there as a keyed digest: the chain cannot forget, and an address is
personal.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from prefloop.core.digest import text_digest
from prefloop.core.errors import BadInput
from prefloop.flows.project import Project
from prefloop.store import Transaction, passwords, people, second_factor, sessions
from prefloop.web import cookies
from prefloop.web.cookies import PublicForm
from prefloop.web.identity import (
    Anyone,
    Half,
    May,
    Sessions,
    Signed,
    cookie_name,
    csrf_of,
)
from prefloop.web.pages import Context, Pages
from prefloop.web.throttle import Throttle, address_of

__all__ = ["Codes", "SecondFactor", "SetUp", "SignIn", "admit", "failed", "router", "set_up_page"]

router = APIRouter()
Public = Annotated[None, Depends(Anyone())]
HalfSigned = Annotated[str, Depends(Half())]
Text = Annotated[str, Form(max_length=2000)]
_NOBODY = "(unknown)"
_FACTOR = "second factor"
_WRONG = "this name and password do not go together"


@dataclass(frozen=True, slots=True)
class SignIn(PublicForm):
    """The door; `provider` is the company's own sign-in, if there is one."""

    after: str
    handle: str
    wrong: str
    provider: str | None


@dataclass(frozen=True, slots=True)
class SecondFactor(Context):
    """The code of the second factor is asked for."""

    csrf: str
    after: str
    wrong: str


@dataclass(frozen=True, slots=True)
class SetUp(Context):
    """A second factor is set up; `secret` is typed into an app, `address` opens one, `picture`
    is that address as a QR code."""

    csrf: str
    after: str
    action: str
    secret: str
    address: str
    picture: str
    required: bool
    wrong: str


@dataclass(frozen=True, slots=True)
class Codes(Context):
    """Recovery codes, shown this once."""

    codes: tuple[str, ...]
    after: str


@router.get("/sign-in")
def door(request: Request, public: Public, next: str = "/") -> Response:  # noqa: A002
    """The page on which people sign in."""
    known: Sessions = request.app.state.sessions
    if known.find(request.cookies.get(cookie_name(request))):
        return cookies.go(cookies.safe_path(next))
    return _door(request, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    public: Public,
    handle: Text = "",
    password: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    """Check the name and password."""
    project: Project = request.app.state.project
    throttle: Throttle = request.app.state.throttle
    handle = handle.strip()
    try:
        throttle.attempt(request, "password", handle)
    except HTTPException as error:
        return _door(request, next, handle, str(error.detail), 429)
    if not passwords.fits(project.ledger, handle, password):
        failed(request, handle, "password")
        return _door(request, next, handle, _WRONG, 422)
    throttle.succeeded(request, "password", handle)
    return admit(request, handle, "password", next)


@router.get("/sign-in/code")
def ask_code(request: Request, handle: HalfSigned, next: str = "/") -> Response:  # noqa: A002
    """The page on which the second factor is asked for."""
    return _ask_code(request, next)


@router.post("/sign-in/code")
def check_code(
    request: Request,
    handle: HalfSigned,
    code: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    """Check a code of the app, or a recovery code."""
    project: Project = request.app.state.project
    throttle: Throttle = request.app.state.throttle
    try:
        throttle.attempt(request, _FACTOR, handle)
    except HTTPException as error:
        return _ask_code(request, next, str(error.detail), 429)
    with project.ledger.transaction(handle) as tx:
        by = second_factor.take(tx, handle, code)
        session = _open(request, tx, handle, f"password and {by}") if by else None
    if session is None:
        failed(request, handle, _FACTOR)
        said = "this code does not fit, or was used already: wait for the next one"
        return _ask_code(request, next, said, 422)
    throttle.succeeded(request, _FACTOR, handle)
    return cookies.let_in(request, cookies.go(cookies.safe_path(next)), session)


@router.get("/sign-in/set-up")
def ask_set_up(request: Request, handle: HalfSigned, next: str = "/") -> Response:  # noqa: A002
    """The page on which a required second factor is set up."""
    return _ask_set_up(request, handle, next)


@router.post("/sign-in/set-up")
def set_up(
    request: Request,
    handle: HalfSigned,
    code: Text = "",
    next: Text = "/",  # noqa: A002
) -> Response:
    """Turn the second factor on; the recovery codes are shown, and the session is open."""
    project: Project = request.app.state.project
    throttle: Throttle = request.app.state.throttle
    throttle.attempt(request, _FACTOR, handle)
    try:
        with project.ledger.transaction(handle) as tx:
            codes = second_factor.confirm(tx, handle, code)
            session = _open(request, tx, handle, "password and code")
    except BadInput as error:
        return _ask_set_up(request, handle, next, str(error), 422)
    throttle.succeeded(request, _FACTOR, handle)
    pages: Pages = request.app.state.pages
    page = pages.show(request, "codes.html", Codes(tuple(codes), cookies.safe_path(next)))
    return cookies.let_in(request, page, session)


@router.post("/sign-out")
def sign_out(request: Request, signed: Annotated[Signed, Depends(May("account"))]) -> Response:
    """End this session."""
    project: Project = request.app.state.project
    with project.ledger.transaction(signed.handle) as tx:
        sessions.end(tx, request.cookies.get(cookie_name(request), ""))
    request.app.state.sessions.forget()
    return cookies.drop(request, cookies.go("/sign-in"))


def admit(request: Request, handle: str, by: str, after: str, proven: bool = False) -> Response:
    """A person showed who they are, by one factor (or, `proven`, by two): on to what is missing."""
    project: Project = request.app.state.project
    known: Sessions = request.app.state.sessions
    with project.ledger.transaction(handle) as tx:
        on = second_factor.state(tx, handle).on
        required = bool(people.roles(tx, handle) & set(known.access.second_factor))
        stage = "password" if (on or required) and not proven else "open"
        if stage == "password" and not on:
            second_factor.prepare(tx, handle)
        session = _open(request, tx, handle, by, stage)
    after = cookies.safe_path(after)
    page = "/sign-in/code" if on else "/sign-in/set-up"
    path = after if stage == "open" else f"{page}?next={quote(after)}"
    return cookies.let_in(request, cookies.go(path), session)


def set_up_page(
    request: Request, handle: str, csrf: str, after: str, *, action: str, required: bool, wrong: str
) -> SetUp:
    """What is shown while a second factor is set up."""
    project: Project = request.app.state.project
    with project.reader() as reader:
        letters = second_factor.secret(reader, handle)
    address = second_factor.address(handle, project.settings.name, letters)
    return SetUp(
        csrf,
        after,
        action,
        _spaced(letters),
        address,
        segno.make(address).svg_data_uri(light="white"),
        required,
        wrong,
    )


def failed(request: Request, handle: str, what: str) -> None:
    """Write down that somebody did not get in; a name that nobody has is not repeated: people
    type passwords there."""
    project: Project = request.app.state.project
    where = text_digest(project.ledger.key, f"address {address_of(request)}")[:12]
    with project.ledger.transaction(_NOBODY) as tx:
        subject = handle if handle in people.handles(tx) else _NOBODY
        tx.event("sign-in.failed", subject, {"what": what, "from": where})


def _open(request: Request, tx: Transaction, handle: str, by: str, stage: str = "open") -> str:
    """A session with a new name; the one before it ends, whoever's it was."""
    before = request.cookies.get(cookie_name(request), "")
    if before:
        sessions.replace(tx, before)
    most = request.app.state.sessions.limits.absolute
    return sessions.start(tx, handle, by, stage, _device(request), most)


def _door(
    request: Request, after: str, handle: str = "", wrong: str = "", status: int = 200
) -> Response:
    project: Project = request.app.state.project
    provider = project.settings.access.provider
    name = provider.name if provider else None
    page = SignIn("", cookies.safe_path(after), handle[:64], wrong, name)
    return cookies.show(request, "sign_in.html", page, status)


def _ask_code(request: Request, after: str, wrong: str = "", status: int = 200) -> Response:
    csrf = csrf_of(request.cookies[cookie_name(request)])
    page = SecondFactor(csrf, cookies.safe_path(after), wrong)
    pages: Pages = request.app.state.pages
    return pages.show(request, "second_factor.html", page, status)


def _ask_set_up(
    request: Request, handle: str, after: str, wrong: str = "", status: int = 200
) -> Response:
    page = set_up_page(
        request,
        handle,
        csrf_of(request.cookies[cookie_name(request)]),
        cookies.safe_path(after),
        action="/sign-in/set-up",
        required=True,
        wrong=wrong,
    )
    pages: Pages = request.app.state.pages
    return pages.show(request, "set_up.html", page, status)


def _spaced(letters: str) -> str:
    """In fours, to be typed."""
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _device(request: Request) -> str:
    """The browser in two words, for the person to know it again."""
    told = request.headers.get("user-agent", "")
    browsers = (
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
    browser = next((name for mark, name in browsers if mark in told), "a program")
    system = next((name for name in systems if name in told), "")
    return f"{browser} on {system}" if system else browser
