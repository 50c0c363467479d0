"""Links with which people come in: single use, until an hour, made by an admin.

An invitation is for somebody new, with roles; a way in is for somebody who is here already and
sets a (new) password, such as the first admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, NotFound
from prefloop.store import opaque, passwords, people, tables
from prefloop.store.engine import Reader, Transaction

__all__ = ["Invitation", "accept", "get", "invite", "listing", "way_in", "withdraw"]

_HOUR = 3_600_000_000
_GONE = "this link was used, withdrawn, or is too old: ask an admin for a new one"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link gives: an account of `handle`, or (without) a new one with these roles."""

    id: str
    handle: str | None
    roles: tuple[str, ...]
    inviter: str
    created: int
    expires: int


def invite(tx: Transaction, roles: Sequence[str], hours: int) -> str:
    """A link's value for somebody new with these roles; shown once."""
    people.require(tx, "person.add")
    people.check_roles(roles)
    return _make(tx, None, sorted(set(roles)), hours, "invitation.create", "somebody new")


def way_in(tx: Transaction, handle: str, hours: int) -> str:
    """A link's value with which a person sets a new password, made by themselves or an admin;
    one made before is void."""
    if tx.actor != handle:
        people.require(tx, "person.add")
    person, i = people.person_id(tx, handle), tables.invitation
    tx.execute(sa.delete(i).where(i.c.person == person))
    return _make(tx, person, [], hours, "way-in.create", handle)


def get(reader: Reader, value: str) -> Invitation:
    """What a link gives. Raises NotFound for one that is over."""
    query = _query().where(tables.invitation.c.digest == opaque.digest(value))
    row = reader.one(query)
    if row is None or reader.ledger.clock(reader.connection) >= row.expires:
        raise NotFound(_GONE)
    return _invitation(row)


def accept(tx: Transaction, value: str, handle: str, password_hash: str) -> None:
    """Use a link: the person (the transaction's actor) is here and has this password."""
    found, i = get(tx, value), tables.invitation
    if found.handle not in (None, handle):
        raise BadInput(f"this link is for {found.handle}")
    if not tx.execute(sa.delete(i).where(i.c.digest == opaque.digest(value))).rowcount:
        raise NotFound(_GONE)  # somebody was first
    if found.inviter != found.handle and not people.may(tx, found.inviter, "person.add"):
        raise NotFound(_GONE)  # whoever made it is no admin any more
    if found.handle is None:
        people.join(tx, handle, found.roles, found.inviter)
    else:
        tx.event("way-in.use", handle, {"inviter": found.inviter})
    passwords.set_hash(tx, handle, password_hash)


def listing(reader: Reader) -> list[Invitation]:
    """Links that still wait, the oldest first."""
    i, now = tables.invitation.c, reader.ledger.clock(reader.connection)
    rows = reader.all(_query().where(i.expires > now).order_by(i.created, i.id))
    return [_invitation(row) for row in rows]


def withdraw(tx: Transaction, invitation: str) -> None:
    """Make a link void."""
    people.require(tx, "person.add")
    i = tables.invitation
    if not tx.execute(sa.delete(i).where(i.c.id == invitation)).rowcount:
        raise NotFound("this link was used or withdrawn already")
    tx.event("invitation.withdraw", invitation)


def _make(
    tx: Transaction, person: str | None, roles: list[str], hours: int, action: str, subject: str
) -> str:
    value, i = opaque.fresh(), tables.invitation
    tx.execute(sa.delete(i).where(i.c.expires < tx.now))
    row = {
        "digest": opaque.digest(value),
        "id": new_id(),
        "person": person,
        "roles": roles,
        "inviter": tx.actor,
        "created": tx.now,
        "expires": tx.now + hours * _HOUR,
    }
    tx.execute(sa.insert(i), row)
    tx.event(action, subject, {"invitation": row["id"], "roles": roles, "hours": hours})
    return value


def _query() -> sa.Select[tuple[object, ...]]:
    i, p = tables.invitation.c, tables.person.c
    return sa.select(tables.invitation, p.handle).outerjoin(tables.person, p.id == i.person)


def _invitation(row: sa.Row[tuple[object, ...]]) -> Invitation:
    return Invitation(row.id, row.handle, tuple(row.roles), row.inviter, row.created, row.expires)
