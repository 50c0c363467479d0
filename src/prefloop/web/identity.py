"""Who is asking, and whether the permission table lets them.

People come with a session: an opaque random name in a cookie, everything else is in the ledger
(`store.sessions`). Programs come with a token (`Authorization: Bearer`). Looking either up is one
statement, and what it found stands for a few seconds in this process: whatever this process
revokes is gone at once, what another one revokes (the command line, another worker) within
CACHE_SECONDS.

Every write by a cookie needs a token that only our own pages know: it is made from the cookie's
value, so nothing has to be kept for it.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from prefloop.core.errors import NotPermitted
from prefloop.flows.access import AccessSettings
from prefloop.store import people, sessions, tokens
from prefloop.store.engine import Ledger
from prefloop.web.throttle import Throttle

__all__ = [
    "CACHE_SECONDS",
    "COOKIE",
    "FORM_COOKIE",
    "SECURE_COOKIE",
    "Anyone",
    "Half",
    "May",
    "Sessions",
    "SignInNeeded",
    "Signed",
    "cookie_name",
    "csrf_of",
]

COOKIE = "prefloop-session"
FORM_COOKIE = "prefloop-form"  # before anybody is signed in
SECURE_COOKIE = f"__Host-{COOKIE}"
CACHE_SECONDS = 3.0
_MOST_CACHED = 10_000
_TOUCH_PART = 12  # a session in use is written down each twelfth of its idle time
_READING = ("GET", "HEAD")
_Kind = Literal["session", "token"]  # a session's name is no token, and no token a session


class SignInNeeded(Exception):
    """Nobody is signed in: a page goes to the sign-in, a program gets 401."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The person behind a request; `scopes` limits a program's token, None is a person."""

    handle: str
    roles: frozenset[str]
    csrf: str
    session: str = ""
    scopes: frozenset[str] | None = None

    def may(self, action: str) -> bool:
        """Whether the one table lets this person do this."""
        within = self.scopes is None or action in self.scopes
        return within and bool(people.PERMISSIONS[action] & self.roles)


class Sessions:
    """Sessions of signed-in people, and the tokens of their programs."""

    def __init__(self, ledger: Ledger, access: AccessSettings | None = None) -> None:
        self.ledger = ledger
        self.access = access or AccessSettings()
        self.limits = self.access.limits()
        self._known: dict[tuple[_Kind, str], tuple[Signed, float]] = {}
        self._forgotten = 0  # how often: what was read before is not kept after

    def start(
        self, handle: str, by: str = "password", stage: str = "open", device: str = ""
    ) -> str:
        """A new session of this person; returns the cookie's value."""
        with self.ledger.transaction(handle) as tx:
            return sessions.start(tx, handle, by, stage, device, self.limits.absolute)

    def find(self, name: str | None) -> Signed | None:
        """Who has this session, or None. A second factor that is still missing is no session."""
        return self.who("session", name) if name else None

    def half(self, name: str | None) -> str | None:
        """Whose second factor is still missing in this session."""
        if not name:
            return None
        with self.ledger.reader() as reader:
            found = sessions.find(reader, name, self.limits)
        return found.handle if found and found.stage != "open" else None

    def token(self, value: str) -> Signed | None:
        """Whose token this is, and what it is for."""
        return self.who("token", value)

    def who(self, kind: _Kind, name: str) -> Signed | None:
        """Whose session or token this is, found a moment ago or now."""
        known = self.cached(kind, name)
        if known is None:
            asked = self._forgotten
            known = self._session(name) if kind == "session" else self._token(name)
            if known is not None and asked == self._forgotten:
                self._keep((kind, name), known)
        return known

    def cached(self, kind: _Kind, name: str) -> Signed | None:
        """What was found a moment ago."""
        known = self._known.get((kind, name))
        return known[0] if known and time.monotonic() < known[1] else None

    def forget(self) -> None:
        """Look everybody up again: something was revoked."""
        self._forgotten += 1
        self._known.clear()

    def _token(self, value: str) -> Signed | None:
        with self.ledger.reader() as reader:
            held = tokens.find(reader, value)
        return Signed(held.handle, held.roles, "", "", held.scopes) if held else None

    def _session(self, name: str) -> Signed | None:
        with self.ledger.reader() as reader:
            found = sessions.find(reader, name, self.limits)
            now = self.ledger.clock(reader.connection)
        if found is None or found.stage != "open":
            return None
        if now - found.seen > self.limits.idle // _TOUCH_PART:
            with self.ledger.transaction(found.handle) as tx:
                sessions.touch(tx, name)
        return Signed(found.handle, found.roles, csrf_of(name), found.id)

    def _keep(self, which: tuple[_Kind, str], signed: Signed) -> None:
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[which] = (signed, time.monotonic() + CACHE_SECONDS)


class May:
    """A route's requirement: somebody signed in whom the table lets do `action`."""

    def __init__(self, action: str) -> None:
        self.action = action

    async def __call__(self, request: Request) -> Signed:
        kind, name = _shown(request)
        known: Sessions = request.app.state.sessions
        throttle: Throttle = request.app.state.throttle
        signed = known.cached(kind, name)
        if signed is None and name:
            signed = await run_in_threadpool(known.who, kind, name)
        if signed is None:
            throttle.anonymous(request)  # names are not tried out without end
            raise SignInNeeded
        throttle.session(name)
        request.state.signed = signed
        if signed.scopes is None:
            await check_token(request, signed.csrf)
        if not signed.may(self.action):
            raise NotPermitted(_why_not(signed, self.action))
        return signed


class Anyone:
    """A public route's requirement: not too often, and writes only from our own forms."""

    async def __call__(self, request: Request) -> None:
        request.app.state.throttle.anonymous(request)
        if request.method not in _READING:
            await check_token(request, csrf_of(form_name(request)))


class Half:
    """The requirement of the second factor's pages: the password was right a moment ago."""

    async def __call__(self, request: Request) -> str:
        known: Sessions = request.app.state.sessions
        request.app.state.throttle.anonymous(request)
        name = request.cookies.get(cookie_name(request), "")
        handle = await run_in_threadpool(known.half, name)
        if handle is None:
            raise SignInNeeded
        await check_token(request, csrf_of(name))
        return handle


def csrf_of(name: str) -> str:
    """What a form sends along to show that it came from our page; "" for no cookie."""
    made = hashlib.sha256(f"csrf {name}".encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode() if name else ""


def cookie_name(request: Request, name: str = COOKIE) -> str:
    """The cookie's name on this connection: over TLS one that no other host can plant."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def form_name(request: Request) -> str:
    """The value of the cookie that public forms are bound to."""
    return request.cookies.get(cookie_name(request, FORM_COOKIE), "")


async def check_token(request: Request, wanted: str) -> None:
    """Raise NotPermitted for a write that does not come from one of our pages."""
    if request.method in _READING:
        return
    sent = request.headers.get("x-csrf-token", "")
    if not sent and "form" in request.headers.get("content-type", ""):
        field = (await request.form()).get("csrf", "")
        sent = field if isinstance(field, str) else ""
    if not wanted or not secrets.compare_digest(sent.encode(), wanted.encode()):
        raise NotPermitted("this page is out of date: reload it and try again")


def _shown(request: Request) -> tuple[_Kind, str]:
    """What the request shows: a token goes before a cookie."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return "token", value.strip()
    return "session", request.cookies.get(cookie_name(request), "")


def _why_not(signed: Signed, action: str) -> str:
    if signed.scopes is not None and action not in signed.scopes:
        return f"this token is not for {action}: make one with that scope"
    return str(people.lacking(signed.handle, action))
