"""How often is too often. Counts are kept in this process: several workers allow several times.

The annotation loop is never slowed at a person's speed: what a session may ask is far above it
and stops only a program that ran wild. It is counted in a plain dict of the present minute: the
storage of `limits` starts a thread on most hits, which costs a third of a judgment. Signing in is
narrow, and failures alone count; there `limits` keeps the windows.
"""

import ipaddress
import time
from typing import Any, NoReturn

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.exceptions import HTTPException

__all__ = ["Throttle", "address_of"]

_WINDOW = 15  # minutes that failed sign-ins count
_LONGEST = 100  # characters of a name that are looked at
_Counted = tuple[Any, ...]  # a limit, and what is counted


class Throttle:
    """The counts of one application."""

    def __init__(
        self,
        session: int = 20_000,
        anonymous: int = 3_000,
        failures_of_person: int = 10,
        failures_from_address: int = 50,
        failures_anywhere: int = 100,
    ) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._session = session
        self._anonymous = anonymous
        self._minute = 0
        self._counts: dict[str, int] = {}
        self._person = RateLimitItemPerMinute(failures_of_person, _WINDOW)
        self._address = RateLimitItemPerMinute(failures_from_address, _WINDOW)
        self._anywhere = RateLimitItemPerMinute(failures_anywhere, _WINDOW)

    def session(self, name: str) -> None:
        """Raise 429 for a session or token that asks without pause."""
        self._count(f"session {name}", self._session)

    def anonymous(self, request: Request) -> None:
        """Raise 429 for an address that asks without pause, before anybody is signed in."""
        self._count(f"address {address_of(request)}", self._anonymous)

    def attempt(self, request: Request, kind: str, name: str) -> None:
        """Raise 429 where too many failed: of a person from one address, of anybody from it, and
        of a person from anywhere, which is wider, or strangers could shut people out. Failures of
        one `kind` (password, second factor, invitation) close no other: some need no more than a
        name. Each attempt counts until `succeeded`, so that many at once gain nothing."""
        for item, *key in self._keys(request, kind, name):
            if not self._limiter.hit(item, *key):
                self._refuse(item, *key)

    def succeeded(self, request: Request, kind: str, name: str) -> None:
        """This attempt was right: it does not count, nor do the person's failures before."""
        person, address, anywhere = self._keys(request, kind, name)
        for item, *key in (person, anywhere):
            self._limiter.clear(item, *key)
        item, *key = address
        self._storage.decr(item.key_for(*key))

    def _keys(self, request: Request, kind: str, name: str) -> tuple[_Counted, _Counted, _Counted]:
        address, name = address_of(request), name[:_LONGEST]
        return (
            (self._person, "p", kind, name, address),
            (self._address, "f", address),
            (self._anywhere, "w", kind, name),
        )

    def _count(self, name: str, most: int) -> None:
        minute, second = divmod(int(time.monotonic()), 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[name] = count = self._counts.get(name, 0) + 1
        if count > most:
            self._wait(60 - second)

    def _refuse(self, item: RateLimitItem, *key: str) -> NoReturn:
        reset = self._limiter.get_window_stats(item, *key).reset_time
        self._wait(max(1, int(reset - time.time()) + 1))

    @staticmethod
    def _wait(wait: int) -> NoReturn:
        said = f"{wait // 60} minutes" if wait > 120 else f"{wait} seconds"
        raise HTTPException(
            429, f"too many attempts: try again in {said}", {"Retry-After": str(wait)}
        )


def address_of(request: Request) -> str:
    """Where a request comes from; of an IPv6 address the network, which one person has whole."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
