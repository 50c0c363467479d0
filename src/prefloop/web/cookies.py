"""Cookies: how they are set and taken back, and public pages with forms bound to one."""

import secrets
from dataclasses import dataclass, replace
from typing import TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from prefloop.web.identity import COOKIE, FORM_COOKIE, cookie_name, csrf_of, form_name
from prefloop.web.pages import Context, Pages

__all__ = ["PublicForm", "drop", "go", "let_in", "put", "safe_path", "show"]

R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True)
class PublicForm(Context):
    """A page with a form before anybody is signed in; `csrf` is filled in by `show`."""

    csrf: str


def show(request: Request, template: str, context: PublicForm, status: int = 200) -> HTMLResponse:
    """A public page, its form bound to this browser."""
    known = form_name(request)
    name = known or secrets.token_urlsafe(32)
    pages: Pages = request.app.state.pages
    page = pages.show(request, template, replace(context, csrf=csrf_of(name)), status)
    return page if known else put(request, page, FORM_COOKIE, name)


def put(request: Request, response: R, name: str, value: str, seconds: int | None = None) -> R:
    """Set a cookie that scripts cannot read and other sites' forms do not bring."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        httponly=True,
        secure=secure,
        samesite="lax",
    )
    return response


def drop(request: Request, response: R, name: str = COOKIE) -> R:
    """Take a cookie back."""
    return put(request, response, name, "", 0)


def let_in(request: Request, response: R, session: str) -> R:
    """Give the browser its session; the one that it had before counts no more."""
    request.app.state.sessions.forget()
    seconds = request.app.state.sessions.access.session_hours * 3600
    return put(request, response, COOKIE, session, seconds)


def go(path: str) -> RedirectResponse:
    """On to another page, which is then asked for by GET."""
    return RedirectResponse(path, 303)


def safe_path(path: str) -> str:
    """`path` if it leads to one of our pages, the first page otherwise."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if ours and path.isprintable() and "\\" not in path else "/"
