"""People, their roles, and the one table of who may do what."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import tables
from prefloop.store.engine import Reader, Transaction
from prefloop.store.handles import check_handle

__all__ = [
    "PERMISSIONS",
    "ROLES",
    "add",
    "check_actor",
    "check_roles",
    "grant",
    "handles",
    "holding",
    "join",
    "lacking",
    "may",
    "person_id",
    "require",
    "roles",
    "standing",
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
    "quality.read": frozenset({"lead", "senior", "engineer", "auditor"}),
    "quality.check": frozenset({"lead", "engineer"}),
    "annotator.plan": frozenset({"lead", "senior"}),
    "group.declare": frozenset({"annotator", "senior"}),
    "bias.read": frozenset({"auditor"}),
    "text.erase": frozenset({"admin", "lead"}),
    "proposal.read": frozenset({"admin", "lead", "senior", "engineer", "auditor"}),
    "proposal.decide": frozenset({"lead", "senior"}),
    "audit.read": frozenset({"admin", "auditor"}),
    "account": frozenset(ROLES),
    "verify": frozenset(ROLES),
}


def add(tx: Transaction, handle: str, roles: tuple[str, ...]) -> str:
    """A new person with these roles; returns the id. The first person of a ledger needs nobody's
    leave; after that, adding people takes an admin."""
    if handles(tx):
        require(tx, "person.add")
    elif "admin" not in roles:
        raise BadInput("the first person needs the role admin, or nobody could ever add another")
    return _append(tx, handle, roles, "person.add", {"roles": list(roles)})


def join(tx: Transaction, handle: str, roles: Sequence[str], inviter: str) -> str:
    """Somebody new who was invited by an admin (store.invitations); returns the id."""
    detail = {"roles": list(roles), "inviter": inviter}
    return _append(tx, handle, roles, "person.join", detail)


def check_roles(roles: Sequence[str]) -> None:
    """Raise BadInput for no role at all, or one that does not exist."""
    if not roles:
        raise BadInput(f"choose at least one role: {', '.join(ROLES)}")
    for role in roles:
        _grant("", role, True)


def grant(tx: Transaction, handle: str, role: str, granted: bool = True) -> None:
    """Give a role, or take it away, which ends the person's sessions."""
    require(tx, "role.grant")
    if role == "admin" and not granted and _admins(tx) == [handle]:
        raise Conflict(f"{handle} is the only admin: make somebody else one first")
    row = _grant(person_id(tx, handle), role, granted)
    action = "role.grant" if granted else "role.revoke"
    tx.append(tables.role_grant, [row], action=action, subject=handle, detail={"role": role})
    if not granted:
        ended = tables.web_session.c.person == row["person"]
        tx.execute(sa.delete(tables.web_session).where(ended))


def person_id(reader: Reader, handle: str) -> str:
    """The id behind a handle."""
    row = reader.one(sa.select(tables.person.c.id).where(tables.person.c.handle == handle))
    if row is None:
        raise NotFound(
            f"nobody here is called {handle}: prefloop user list shows who is here, "
            f"prefloop user add {handle} --role ROLE adds them"
        )
    return str(row.id)


def check_actor(reader: Reader, handle: str) -> None:
    """Raise NotFound, with what to do, where the one who acts is nobody here."""
    if handle not in handles(reader):
        raise NotFound(
            f"nobody here is called {handle}: say who is acting with --as NAME or PREFLOOP_ACTOR, "
            f"or add them: prefloop user add {handle} --role ROLE"
        )


def handles(reader: Reader) -> list[str]:
    """Everybody, in the order they came."""
    return [r.handle for r in reader.all(sa.select(tables.person).order_by(tables.person.c.event))]


_GRANTS = (
    sa.select(tables.role_grant.c.role, tables.role_grant.c.granted)
    .join(tables.person, tables.person.c.id == tables.role_grant.c.person)
    .where(tables.person.c.handle == sa.bindparam("handle"))
    .order_by(tables.role_grant.c.event)
)


def roles(reader: Reader, handle: str) -> frozenset[str]:
    """The roles a person has now."""
    return standing(reader.all(_GRANTS, handle=handle))


def standing(grants: Iterable[sa.Row[Any]]) -> frozenset[str]:
    """The roles that stand after these grants and revocations, in their order."""
    now = {row.role: row.granted for row in grants}
    return frozenset(role for role, granted in now.items() if granted)


def holding(table: sa.Table) -> sa.Select[Any]:
    """A statement for the row of `table` with a :digest, its person's handle, and each grant of
    their roles, for `standing`: one question for everything that a request has to know."""
    grants = tables.role_grant.c
    return (
        sa.select(table, tables.person.c.handle, grants.role, grants.granted)
        .join(tables.person, tables.person.c.id == table.c.person)
        .outerjoin(tables.role_grant, grants.person == table.c.person)
        .where(table.c.digest == sa.bindparam("digest"))
        .order_by(grants.event)
    )


def may(reader: Reader, handle: str, action: str) -> bool:
    """Whether the one table lets this person do this."""
    return bool(PERMISSIONS[action] & roles(reader, handle))


def require(tx: Transaction, action: str) -> None:
    """Raise NotPermitted unless the transaction's actor may do this."""
    if not may(tx, tx.actor, action):
        check_actor(tx, tx.actor)
        raise lacking(tx.actor, action)


def lacking(handle: str, action: str) -> NotPermitted:
    """What somebody is told who may not do something: "cleo may not add person: it takes ..."."""
    needed = " or ".join(sorted(PERMISSIONS[action]))
    words = " ".join(reversed(action.split(".")))
    return NotPermitted(f"{handle} may not {words}: it takes the role {needed}")


def _append(
    tx: Transaction, handle: str, roles: Sequence[str], action: str, detail: dict[str, Any]
) -> str:
    check_handle(handle, handles(tx))
    row: dict[str, Any] = {"id": new_id(), "handle": handle, "created": tx.now}
    grants = [_grant(row["id"], role, True) for role in roles]
    groups = [(tables.person, [row]), (tables.role_grant, grants)]
    tx.append_many(groups, action=action, subject=handle, detail=detail)
    # Whoever appended is alone until the end: of `Ana` and `ana` at one moment, one comes in.
    check_handle(handle, (other for other in handles(tx) if other != handle))
    return str(row["id"])


def _admins(reader: Reader) -> list[str]:
    return [handle for handle in handles(reader) if "admin" in roles(reader, handle)]


def _grant(person: str, role: str, granted: bool) -> dict[str, object]:
    if role not in ROLES:
        raise BadInput(f"no role {role!r}: one of {', '.join(ROLES)}")
    return {"id": new_id(), "person": person, "role": role, "granted": granted}
