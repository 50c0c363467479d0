"""What stands before every route: headers on every response (nothing from elsewhere runs here,
nobody frames these pages), no name but our own, no write from another site's page, no body
without end.

Plain ASGI middleware, since the framework's own kind costs more than a judgment.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers as RequestHeaders
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOCAL", "MOST_BODY", "Guard", "Headers", "add_headers", "hosts_of"]

MOST_BODY = 4 * 1024 * 1024  # bytes; longer texts come by the command line

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ONE_YEAR = "max-age=31536000"
_TOO_LONG = "this is longer than pages take: texts beyond 4 MiB come by prefloop import"
_READING = ("GET", "HEAD", "OPTIONS")
LOCAL = ("localhost", "127.0.0.1", "::1")  # names that only this machine's own browsers ask for
_ANY = ("", "0.0.0.0", "::")  # what is listened on there has no name of its own
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d*)?", re.ASCII)  # RFC 9110, section 7.2
_NO_NAME = "these pages are not at this name: use theirs, or set access.address in prefloop.yaml"


def hosts_of(address: str | None, listening: str = "") -> tuple[str, ...] | None:
    """The names by which the pages are asked for: the set address's, the one that is listened
    on, and this machine's own. None is any: on all addresses, and none was set."""
    if address is None and listening in _ANY:
        return None
    named = urlsplit(address).hostname if address else None
    return tuple(sorted({*LOCAL, *(one for one in (named, listening) if one not in (None, *_ANY))}))


def add_headers(headers: MutableHeaders, scope: Scope) -> None:
    """What every response says."""
    headers.update(_HEADERS)
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = _ONE_YEAR
    cached = scope["path"].startswith("/static/")
    headers.setdefault("Cache-Control", "no-cache" if cached else "no-store")


class Headers:
    """Headers on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), scope)
            await send(message)

        await self.app(scope, receive, sending)


class Guard:
    """Turns away names that are not ours, writes from another site's page, and bodies without end.

    A name that somebody else owns may be pointed at this machine: its pages would be of one
    origin with ours, and links made there would lead to it.
    """

    def __init__(
        self, app: ASGIApp, address: str | None = None, hosts: Iterable[str] | None = LOCAL
    ) -> None:
        self.app = app
        self.address = address  # where people reach the pages, when it is known
        self.hosts = None if hosts is None else frozenset(one.casefold() for one in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = RequestHeaders(scope=scope)
        if self.hosts is not None and not self._named(headers.getlist("host")):
            await _refuse(scope, receive, send, 421, _NO_NAME)
            return
        if scope["method"] in _READING:
            await self.app(scope, receive, send)
            return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY:
            await _refuse(scope, receive, send, 413, _TOO_LONG)
        elif not self._ours(scope, headers):
            said = "this was sent from a page of another site: open it here and try again"
            await _refuse(scope, receive, send, 403, said)
        else:
            await self.app(scope, _counted(receive), send)

    def _named(self, given: list[str]) -> bool:
        """Whether the request asks for one name, and it is ours, at whatever port."""
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        return found is not None and found[1].strip("[]").casefold() in (self.hosts or ())

    def _ours(self, scope: Scope, headers: RequestHeaders) -> bool:
        """Whether the page that sent this is ours. Programs say nothing; they have a token."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        if self.address:
            return origin == self.address
        sent = urlsplit(origin)
        return (sent.scheme, sent.netloc) == (scope["scheme"], headers.get("host"))


def _counted(receive: Receive) -> Receive:
    """The same body, until it is too long: not every client says how long it will be."""
    came = 0

    async def counting() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > MOST_BODY:
            raise HTTPException(413, _TOO_LONG)
        return message

    return counting


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    """One line, before the application is reached."""
    response: Response = PlainTextResponse(f"{text}\n", status, {"Connection": "close"})
    if scope["path"].startswith("/api/"):
        response = JSONResponse({"error": text}, status, {"Connection": "close"})
    await response(scope, receive, send)
