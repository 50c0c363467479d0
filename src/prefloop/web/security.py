"""What stands before every route: headers on every response (nothing from elsewhere runs here,
nobody frames these pages), no write from another site's page, no body without end.

Plain ASGI middleware, since the framework's own kind costs more than a judgment.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers as RequestHeaders
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MOST_BODY", "Guard", "Headers"]

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


class Headers:
    """Headers on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cached = scope["path"].startswith("/static/")
        secure = scope["scheme"] == "https"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if secure:
                    headers["Strict-Transport-Security"] = _ONE_YEAR
                headers.setdefault("Cache-Control", "no-cache" if cached else "no-store")
            await send(message)

        await self.app(scope, receive, sending)


class Guard:
    """Turns away writes from another site's page, and bodies without end."""

    def __init__(self, app: ASGIApp, address: str | None = None) -> None:
        self.app = app
        self.address = address  # where people reach the pages, when it is known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READING:
            await self.app(scope, receive, send)
            return
        headers = RequestHeaders(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY:
            await _refuse(scope, receive, send, 413, _TOO_LONG)
        elif not self._ours(scope, headers):
            said = "this was sent from a page of another site: open it here and try again"
            await _refuse(scope, receive, send, 403, said)
        else:
            await self.app(scope, _counted(receive), send)

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
