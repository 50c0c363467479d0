"""The second factor: one-time codes from an app (TOTP, RFC 6238), and recovery codes.

A code counts once: the time step of the last one taken is kept, and nothing up to it is taken
again, whoever comes first. Recovery codes are single use and kept as digests. The secret is made
from the project's key and a random value in the ledger: a copy of the database alone gives none.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import pyotp
import sqlalchemy as sa

from prefloop.core.digest import text_digest
from prefloop.core.errors import BadInput, Conflict
from prefloop.store import people, sessions, tables
from prefloop.store.engine import Ledger, Reader, Transaction

__all__ = [
    "Factor",
    "address",
    "confirm",
    "new_codes",
    "prepare",
    "remove",
    "secret",
    "state",
    "take",
]

_STEP = 30  # seconds (RFC 6238, section 4.1)
_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
_SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits


@dataclass(frozen=True, slots=True)
class Factor:
    """Whether it is asked for, and how many recovery codes are left."""

    on: bool
    codes: int


def state(reader: Reader, handle: str) -> Factor:
    """How a person's second factor stands."""
    row, r = _row(reader, handle), tables.recovery_code.c
    if row is None:
        return Factor(False, 0)
    left = reader.one(sa.select(sa.func.count()).where(r.person == row.person))
    return Factor(bool(row.factor_on), int(left[0]) if left else 0)


def prepare(tx: Transaction, handle: str) -> None:
    """Make a secret for an app to be set up with; it counts only once `confirm` saw a code. It is
    new each time: whoever was shown one before it was confirmed knows nothing of the next."""
    row, person, c = _row(tx, handle), people.person_id(tx, handle), tables.credential
    if row is not None and row.factor_on:
        raise Conflict(f"{handle} has a second factor already: remove it first")
    if row is None:
        blank = {"person": person, "password": None, "factor_on": False, "last_step": 0}
        tx.execute(sa.insert(c), blank)
    tx.execute(sa.update(c).where(c.c.person == person).values(factor=secrets.token_hex(32)))
    tx.event("second-factor.prepare", handle)


def secret(reader: Reader, handle: str) -> str:
    """The secret in the letters that apps take; only for the person while setting it up."""
    row = _row(reader, handle)
    if row is None or row.factor is None or row.factor_on:
        raise Conflict("there is no second factor to be set up: start again from your account")
    return _secret(reader.ledger, row.factor)


def address(handle: str, project: str, letters: str) -> str:
    """The otpauth:// address that an app opens."""
    made: str = pyotp.TOTP(letters).provisioning_uri(name=handle, issuer_name=f"prefloop {project}")
    return made


def confirm(tx: Transaction, handle: str, code: str) -> list[str]:
    """Turn the second factor on with a first code; returns the recovery codes, shown once."""
    if not _take_code(tx, handle, code, on=False):
        raise BadInput("this code does not fit: enter the one the app shows now")
    c, person = tables.credential, people.person_id(tx, handle)
    tx.execute(sa.update(c).where(c.c.person == person).values(factor_on=True))
    tx.event("second-factor.on", handle)
    return new_codes(tx, handle)


def take(tx: Transaction, handle: str, code: str) -> str | None:
    """How this code proves the person: "code", "recovery code", or None. It counts once."""
    if _take_code(tx, handle, code, on=True):
        return "code"
    r, person = tables.recovery_code, people.person_id(tx, handle)
    wanted = _digest(tx.ledger, person, code)
    if tx.execute(sa.delete(r).where(r.c.digest == wanted, r.c.person == person)).rowcount:
        tx.event("recovery-code.use", handle)
        return "recovery code"
    return None


def new_codes(tx: Transaction, handle: str) -> list[str]:
    """Fresh recovery codes; those before are void."""
    person, r = people.person_id(tx, handle), tables.recovery_code
    codes = ["-".join(_letters(5) for _ in range(3)) for _ in range(_CODES)]
    tx.execute(sa.delete(r).where(r.c.person == person))
    rows = [{"digest": _digest(tx.ledger, person, one), "person": person} for one in codes]
    tx.execute(sa.insert(r), rows)
    tx.event("recovery-code.new", handle)
    return codes


def remove(tx: Transaction, handle: str, but: str = "") -> None:
    """Turn it off, by the person or an admin; their sessions end but the one named `but`."""
    if tx.actor != handle:
        people.require(tx, "person.add")
    person, c, r = people.person_id(tx, handle), tables.credential, tables.recovery_code
    off = sa.update(c).where(c.c.person == person).values(factor=None, factor_on=False)
    tx.execute(off)
    tx.execute(sa.delete(r).where(r.c.person == person))
    tx.event("second-factor.off", handle)
    sessions.end_all(tx, handle, but)


def _take_code(tx: Transaction, handle: str, code: str, on: bool) -> bool:
    row, c = _row(tx, handle), tables.credential
    if row is None or row.factor is None or bool(row.factor_on) is not on:
        return False
    step = _fitting_step(_secret(tx.ledger, row.factor), code, tx.now // 1_000_000)
    if step is None:
        return False
    # Compared and set in one statement: of two requests with one code, one wins.
    later = sa.update(c).where(c.c.person == row.person, c.c.last_step < step)
    return tx.execute(later.values(last_step=step)).rowcount == 1


def _fitting_step(letters: str, code: str, now: int) -> int | None:
    """The time step a code is of: now, or one to either side (RFC 6238, section 5.2)."""
    digits, totp = "".join(code.split()), pyotp.TOTP(letters, interval=_STEP)
    for step in range(now // _STEP - 1, now // _STEP + 2):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode("utf-8", "replace")):
            return step
    return None


def _row(reader: Reader, handle: str) -> sa.Row[Any] | None:
    c, p = tables.credential.c, tables.person.c
    query = sa.select(tables.credential).join(tables.person, p.id == c.person)
    return reader.one(query.where(p.handle == handle))


def _secret(ledger: Ledger, factor: str) -> str:
    raw = hmac.new(ledger.key, f"second factor {factor}".encode(), hashlib.sha256).digest()
    return base64.b32encode(raw[:_SECRET_BYTES]).decode("ascii")


def _digest(ledger: Ledger, person: str, code: str) -> str:
    plain = "".join(letter for letter in code.casefold() if letter in _LETTERS)
    return text_digest(ledger.key, f"recovery code {person} {plain}")


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))
