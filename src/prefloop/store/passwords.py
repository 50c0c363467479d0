"""Passwords: argon2id, at least twelve characters, no rules of composition.

Hashing is slow by design and takes 19 MiB (OWASP's Password Storage Cheat Sheet: m=19456, t=2,
p=1), so it happens outside transactions and for four people at once, the others wait.
"""

import threading
import unicodedata

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from prefloop.core.errors import BadInput
from prefloop.store import people, sessions, tables
from prefloop.store.engine import Ledger, Reader, Transaction

__all__ = ["SHORTEST", "exists", "fits", "hashed", "set_hash"]

SHORTEST = 12
_LONGEST = 1000
_FEWEST_LETTERS = 5  # different ones
_REST = 8  # characters beside the handle
_COMMON = ("password", "passwort", "letmein", "welcome", "qwertyuiop", "1234567890", "prefloop")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_AT_ONCE = threading.BoundedSemaphore(4)


def hashed(handle: str, password: str) -> str:
    """What is kept of a new password. Raises BadInput for one that is easily guessed."""
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise BadInput(f"a password has at least {SHORTEST} characters: a short sentence will do")
    if len(plain) > _LONGEST:
        raise BadInput(f"a password has at most {_LONGEST} characters")
    folded, name = plain.casefold(), handle.casefold()
    if name in folded and len(folded.replace(name, "")) < _REST:
        raise BadInput("this password is little more than the name: add words of your own")
    if len(set(folded)) < _FEWEST_LETTERS or _mostly_common(folded):
        raise BadInput("this password is among the first that are guessed: choose another")
    with _AT_ONCE:
        return _HASHER.hash(plain)


def fits(ledger: Ledger, handle: str, password: str) -> bool:
    """Whether this is the person's password; as slow where there is no such person."""
    with ledger.reader() as reader:
        kept = _kept(reader, handle)
    try:
        plain = _normal(password[: _LONGEST + 1])
        with _AT_ONCE:
            _HASHER.verify(kept or _nobodys(), plain)
    except (VerificationError, InvalidHashError, BadInput):
        return False
    return kept is not None


def set_hash(tx: Transaction, handle: str, kept: str, but: str = "") -> None:
    """Give a person this password; every session of theirs ends but the one named `but`."""
    person = people.person_id(tx, handle)
    c = tables.credential
    changed = tx.execute(sa.update(c).where(c.c.person == person).values(password=kept))
    if not changed.rowcount:
        blank = {"person": person, "password": kept, "factor_on": False, "last_step": 0}
        tx.execute(sa.insert(c), blank)
    tx.event("password.set", handle)
    sessions.end_all(tx, handle, but)


def exists(reader: Reader, handle: str) -> bool:
    """Whether the person has a password."""
    return _kept(reader, handle) is not None


def _kept(reader: Reader, handle: str) -> str | None:
    c, p = tables.credential.c, tables.person.c
    query = sa.select(c.password).join(tables.person, p.id == c.person).where(p.handle == handle)
    row = reader.one(query)
    return row.password if row else None


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them."""
    plain = unicodedata.normalize("NFKC", password)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(f"a password is text; character {error.start} is none") from error
    return plain


def _mostly_common(folded: str) -> bool:
    return any(
        word in folded and len(folded.replace(word, "")) < _FEWEST_LETTERS for word in _COMMON
    )


_NOBODYS: list[str] = []


def _nobodys() -> str:
    """A hash that no password fits, made once: an unknown name must take as long as a known one."""
    if not _NOBODYS:
        _NOBODYS.append(_HASHER.hash("\x00nobody"))
    return _NOBODYS[0]
