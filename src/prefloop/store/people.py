"""People, their roles, and the one table of who may do what."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import tables
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "PERMISSIONS",
    "ROLES",
    "add",
    "grant",
    "handles",
    "may",
    "person_id",
    "require",
    "roles",
]

ROLES = ("admin", "lead", "senior", "annotator", "engineer", "auditor")

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "person.add": frozenset({"admin"}),
    "role.grant": frozenset({"admin"}),
    "spec.propose": frozenset({"lead", "senior", "engineer"}),
    "spec.approve": frozenset({"lead", "senior"}),
    "prompts.add": frozenset({"lead", "engineer"}),
    "campaign.manage": frozenset({"lead"}),
    "campaign.request": frozenset({"lead", "engineer"}),
    "judge": frozenset({"annotator", "senior"}),
    "spot check": frozenset({"senior", "lead"}),
    "import": frozenset({"lead", "engineer"}),
    "dataset.propose": frozenset({"lead", "engineer"}),
    "dataset.approve": frozenset({"lead", "senior"}),
    "train": frozenset({"engineer"}),
    "evaluate": frozenset({"engineer", "lead"}),
    "gate.check": frozenset({"engineer", "lead"}),
    "release.propose": frozenset({"engineer"}),
    "release.approve": frozenset({"lead"}),
    "quarantine.propose": frozenset({"lead", "senior"}),
    "quarantine.approve": frozenset({"lead", "senior"}),
    "text.erase": frozenset({"admin", "lead"}),
    "verify": frozenset(ROLES),
}


def add(tx: Transaction, handle: str, roles: tuple[str, ...]) -> str:
    """A new person with these roles; returns the id. The first person of a ledger needs nobody's
    leave; after that, adding people takes an admin."""
    if not handle or any(c.isspace() or not c.isprintable() for c in handle):
        raise BadInput(f"handle {handle!r}: use a short name without spaces")
    here = handles(tx)
    if here:
        require(tx, "person.add")
    elif "admin" not in roles:
        raise BadInput("the first person needs the role admin, or nobody could ever add another")
    if handle in here:
        raise Conflict(f"there is already a person called {handle}")
    row: dict[str, Any] = {"id": new_id(), "handle": handle, "created": tx.now}
    grants = [_grant(row["id"], role, True) for role in roles]
    tx.append_many(
        [(tables.person, [row]), (tables.role_grant, grants)],
        action="person.add",
        subject=handle,
        detail={"roles": list(roles)},
    )
    return str(row["id"])


def grant(tx: Transaction, handle: str, role: str, granted: bool = True) -> None:
    """Give a role, or take it away."""
    require(tx, "role.grant")
    if role == "admin" and not granted and _admins(tx) == [handle]:
        raise Conflict(f"{handle} is the only admin: make somebody else one first")
    row = _grant(person_id(tx, handle), role, granted)
    action = "role.grant" if granted else "role.revoke"
    tx.append(tables.role_grant, [row], action=action, subject=handle, detail={"role": role})


def person_id(reader: Reader, handle: str) -> str:
    """The id behind a handle."""
    row = reader.one(sa.select(tables.person.c.id).where(tables.person.c.handle == handle))
    if row is None:
        raise NotFound(
            f"nobody here is called {handle}: say who is acting with --as NAME or PREFLOOP_ACTOR, "
            f"or add them: prefloop user add {handle} --role ROLE"
        )
    return str(row.id)


def handles(reader: Reader) -> list[str]:
    """Everybody, in the order they came."""
    return [r.handle for r in reader.all(sa.select(tables.person).order_by(tables.person.c.event))]


def roles(reader: Reader, handle: str) -> frozenset[str]:
    """The roles a person has now."""
    g, p = tables.role_grant.c, tables.person.c
    query = (
        sa.select(g.role, g.granted)
        .join(tables.person, p.id == g.person)
        .where(p.handle == handle)
        .order_by(g.event)
    )
    now = {row.role: row.granted for row in reader.all(query)}
    return frozenset(role for role, granted in now.items() if granted)


def may(reader: Reader, handle: str, action: str) -> bool:
    """Whether the one table lets this person do this."""
    return bool(PERMISSIONS[action] & roles(reader, handle))


def require(tx: Transaction, action: str) -> None:
    """Raise NotPermitted unless the transaction's actor may do this."""
    person_id(tx, tx.actor)
    if not may(tx, tx.actor, action):
        needed = " or ".join(sorted(PERMISSIONS[action]))
        raise NotPermitted(f"{tx.actor} may not {action}: it takes the role {needed}")


def _admins(reader: Reader) -> list[str]:
    return [handle for handle in handles(reader) if "admin" in roles(reader, handle)]


def _grant(person: str, role: str, granted: bool) -> dict[str, object]:
    if role not in ROLES:
        raise BadInput(f"no role {role!r}: one of {', '.join(ROLES)}")
    return {"id": new_id(), "person": person, "role": role, "granted": granted}
