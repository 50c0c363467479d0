"""Opaque names: random values that stand for a session, a token or an invitation.

The ledger keeps their digests alone. They carry 256 random bits, so that a plain SHA-256 is
enough: nobody can guess what was digested.
"""

import hashlib
import secrets

__all__ = ["digest", "fresh"]


def fresh() -> str:
    """A new value, safe in a cookie and in an address."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
