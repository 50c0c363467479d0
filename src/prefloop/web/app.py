"""The web application: one process, pages made on the server, small scripts of our own.

Every route but those marked public asks for one action of the permission table (`identity.May`).
Services are plain functions; FastAPI runs the routes in its thread pool.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from prefloop.core.errors import (
    BadInput,
    Conflict,
    Corrupt,
    Erased,
    NotFound,
    NotPermitted,
    PrefloopError,
    Refused,
)
from prefloop.flows.project import Project
from prefloop.text.hidden import visible
from prefloop.web import (
    account,
    annotation,
    audit,
    home,
    identity,
    invite,
    people,
    proposals,
    provider,
    quality,
    security,
    sign_in,
)
from prefloop.web.pages import Pages
from prefloop.web.throttle import Throttle

__all__ = ["create"]

_STATUS: Iterable[tuple[type[PrefloopError], int]] = (
    (NotFound, 404),
    (Conflict, 409),
    (BadInput, 422),
    (NotPermitted, 403),
    (Refused, 409),
)
_BUSY = "the ledger is away or busy: nothing was done, try again in a moment"
_ALTERED = "something in the ledger is not what it was: ask an admin for prefloop verify"
_BROKEN = "something went wrong here, and it was written down: try again, or tell an admin"
_LOG = logging.getLogger("prefloop")
_ECHOED = 80  # characters of what was sent
_STATIC = Path(__file__).parent / "static"
ROUTERS: tuple[APIRouter, ...] = (
    home.router,
    sign_in.router,
    provider.router,
    invite.router,
    account.router,
    people.router,
    proposals.router,
    quality.router,
    audit.router,
    annotation.router,
)


def create(project: Project, hosts: Iterable[str] | None = security.LOCAL) -> FastAPI:
    """The application of one project, asked for by these names alone; None is any."""
    app = FastAPI(title="prefloop", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.project = project
    app.state.pages = Pages(project)
    access = project.settings.access
    app.state.sessions = identity.Sessions(project.ledger, access)
    app.state.throttle = Throttle()
    app.state.hosts = None if hosts is None else tuple(hosts)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(security.Guard, address=access.address, hosts=app.state.hosts)
    app.add_middleware(security.Headers)
    app.add_exception_handler(PrefloopError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(identity.SignInNeeded, _sign_in)
    app.add_exception_handler(Exception, _broken)
    return app


def status_of(error: Exception) -> int:
    """The HTTP status that says what an error means."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError):
        return 422
    return next((code for kind, code in _STATUS if isinstance(error, kind)), 503)


def _refused(request: Request, error: Exception) -> Response:
    status, text = status_of(error), _words(error)
    headers = {"Retry-After": "2"} if status == 503 else getattr(error, "headers", None)
    return _said(request, status, text, headers)


def _broken(request: Request, error: Exception) -> Response:
    """Our own mistake. The server writes its traceback down, and nobody is shown it; the headers
    are added here, since nothing else stands outside what answers for a mistake."""
    response = _said(request, 500, _BROKEN)
    security.add_headers(response.headers, request.scope)
    return response


def _said(
    request: Request, status: int, text: str, headers: Mapping[str, str] | None = None
) -> Response:
    if _for_programs(request):
        return JSONResponse({"error": text}, status, headers)
    pages: Pages = request.app.state.pages
    return pages.error(request, status, text, headers)


def _sign_in(request: Request, error: Exception) -> Response:
    if _for_programs(request) or "authorization" in request.headers:
        return JSONResponse({"error": "sign in first"}, 401)
    after = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(after)}" if after != "/" else "/sign-in", 303)


def _words(error: Exception) -> str:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]  # its place may be named by whoever sent it
        place = visible(".".join(str(part)[:_ECHOED] for part in first["loc"]))
        return f"{place}: {first['msg']}"
    if isinstance(error, HTTPException):
        return str(error.detail)
    if status_of(error) == 503 and not isinstance(error, Erased | provider.ProviderFault):
        _LOG.error("%s", error)  # it names files, and says what the database said: not to strangers
        return _ALTERED if isinstance(error, Corrupt) else _BUSY
    return str(error)


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith("/api/")
