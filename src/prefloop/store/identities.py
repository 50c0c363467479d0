"""Whom the company's own sign-in (OIDC) stands for. An admin links a person to a subject or an
email address; signing in elsewhere never makes anybody here.

An address may be given to somebody else one day: the first sign-in by a verified address binds
the provider's subject, and from then on the subject alone counts (OpenID Connect Core 1.0, 5.7).
"""

from dataclasses import dataclass

import sqlalchemy as sa

from prefloop.core.errors import BadInput
from prefloop.store import people, tables
from prefloop.store.engine import Reader, Transaction

__all__ = ["Identity", "link", "listing", "recognize", "unlink"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person's name at the provider."""

    issuer: str
    subject: str | None
    email: str | None


def link(
    tx: Transaction, handle: str, issuer: str, subject: str | None = None, email: str | None = None
) -> None:
    """Say whom a subject or an email address at `issuer` is; the link before is replaced."""
    people.require(tx, "person.add")
    if not issuer:
        raise BadInput("no provider is set: write access.oidc.issuer into prefloop.yaml")
    if not (subject or email):
        raise BadInput("give the person's subject or email address at the provider")
    person, i = people.person_id(tx, handle), tables.identity
    tx.execute(sa.delete(i).where(i.c.person == person))
    row = {
        "person": person,
        "issuer": issuer,
        "subject": subject or None,
        "email": email.strip().casefold() if email else None,
    }
    tx.execute(sa.insert(i), row)
    tx.event("identity.link", handle, {"issuer": issuer})


def unlink(tx: Transaction, handle: str) -> None:
    """Sign-in by the provider ends for this person."""
    people.require(tx, "person.add")
    person, i = people.person_id(tx, handle), tables.identity
    if tx.execute(sa.delete(i).where(i.c.person == person)).rowcount:
        tx.event("identity.unlink", handle)


def recognize(tx: Transaction, issuer: str, subject: str, verified_email: str | None) -> str | None:
    """Whose identity this is, or None."""
    i, p = tables.identity, tables.person.c
    query = sa.select(i, p.handle).join(tables.person, p.id == i.c.person)
    query = query.where(i.c.issuer == issuer)
    row = tx.one(query.where(i.c.subject == subject))
    if row is not None:
        return str(row.handle)
    if not verified_email:
        return None
    unbound = i.c.subject.is_(None)
    row = tx.one(query.where(i.c.email == verified_email.casefold(), unbound))
    if row is None:
        return None
    tx.execute(sa.update(i).where(i.c.person == row.person, unbound).values(subject=subject))
    tx.event("identity.bind", row.handle, {"issuer": issuer})
    return str(row.handle)


def listing(reader: Reader) -> dict[str, Identity]:
    """{handle: identity} of everybody who is linked."""
    i, p = tables.identity.c, tables.person.c
    query = sa.select(tables.identity, p.handle).join(tables.person, p.id == i.person)
    return {r.handle: Identity(r.issuer, r.subject, r.email) for r in reader.all(query)}
