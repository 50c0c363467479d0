"""Tokens for programs: each for some actions of the permission table, until a day.

A token never does more than its person may at that moment, and never what guards people: adding
them, their roles, their account, and the word of a second person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, NotFound
from prefloop.store import opaque, people, tables
from prefloop.store.engine import Reader, Transaction

__all__ = ["LONGEST_DAYS", "SCOPES", "Held", "Token", "create", "find", "listing", "revoke"]

_FOR_PEOPLE = ("account", "person.add", "role.grant", "proposal.decide")
SCOPES = tuple(
    action
    for action in people.PERMISSIONS
    if action not in _FOR_PEOPLE and not action.endswith(".approve")
)
LONGEST_DAYS = 366
_PREFIX = "pfl_"  # lets scanners for leaked secrets know one
_DAY = 86_400_000_000
_SHORTEST_ID = 8

# Written once: making a statement anew costs more than running it.
_FIND = people.holding(tables.api_token)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it; times in microseconds UTC."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: int
    expires: int


@dataclass(frozen=True, slots=True)
class Held:
    """Whose token was shown, what they may, and for what it was made."""

    handle: str
    roles: frozenset[str]
    scopes: frozenset[str]
    id: str


def create(tx: Transaction, handle: str, name: str, scopes: Sequence[str], days: int) -> str:
    """A new token of a person, by themselves or an admin; returns its value, shown once."""
    if tx.actor != handle:
        people.require(tx, "person.add")
    wrong = [one for one in scopes if one not in SCOPES]
    if wrong or not scopes:
        given = f"{wrong[0]!r} is no scope" if wrong else "a token needs a scope"
        raise BadInput(f"{given}: one of {', '.join(SCOPES)}")
    lacking = [one for one in scopes if not people.may(tx, handle, one)]
    if lacking:
        raise BadInput(f"{handle} may not {lacking[0]} either: choose what this person may do")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput("a token needs a name of at most 100 characters, such as what it is for")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"a token lasts 1 to {LONGEST_DAYS} days, not {days}")
    value = _PREFIX + opaque.fresh()
    row = {
        "digest": opaque.digest(value),
        "id": new_id(),
        "person": people.person_id(tx, handle),
        "name": name.strip(),
        "scopes": sorted(set(scopes)),
        "created": tx.now,
        "expires": tx.now + days * _DAY,
    }
    tx.execute(sa.insert(tables.api_token), row)
    about = {"token": row["id"], "name": row["name"], "scopes": row["scopes"], "days": days}
    tx.event("token.create", handle, about)
    return value


def find(reader: Reader, value: str) -> Held | None:
    """Who shows this token, unless it is over."""
    rows = reader.all(_FIND, digest=opaque.digest(value))
    if not rows or reader.ledger.clock(reader.connection) >= rows[0].expires:
        return None
    first = rows[0]
    return Held(first.handle, people.standing(rows), frozenset(first.scopes), first.id)


def listing(reader: Reader, handle: str) -> list[Token]:
    """A person's tokens, the newest first; those that are over are there until revoked."""
    t, person = tables.api_token.c, people.person_id(reader, handle)
    query = sa.select(tables.api_token).where(t.person == person).order_by(t.created.desc(), t.id)
    return [
        Token(row.id, row.name, tuple(row.scopes), row.created, row.expires)
        for row in reader.all(query)
    ]


def revoke(tx: Transaction, handle: str, token: str) -> None:
    """End a person's token at once, by themselves or an admin; the last eight or more characters
    of its id suffice."""
    if tx.actor != handle:
        people.require(tx, "person.add")
    t, found = tables.api_token, [one.id for one in listing(tx, handle) if one.id.endswith(token)]
    if len(token) < _SHORTEST_ID or len(found) != 1:
        raise NotFound(f"{handle} has no token {token!r}: prefloop token list {handle} shows them")
    tx.execute(sa.delete(t).where(t.c.id == found[0]))
    tx.event("token.revoke", handle, {"token": found[0]})
