"""Ids and digests: the one place where bytes become names.

A digest is the lower-case hex SHA-256 of RFC 8785 (canonical) JSON. Texts are named by a
*keyed* digest (HMAC-SHA-256): after an erasure nobody without the project's key can test
whether a guessed text was the one erased.
"""

import hashlib
import hmac
from typing import Any

import numpy as np
import rfc8785
from uuid_utils.compat import uuid7

from prefloop.core.errors import BadInput

__all__ = ["canonical", "digest", "new_id", "rng", "text_digest"]


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value; integers beyond 2**53 and NaN are errors, not roundings."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise BadInput(f"not a JSON value that can be digested: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hex characters."""
    return hashlib.sha256(canonical(value)).hexdigest()


def text_digest(key: bytes, text: str) -> str:
    """The keyed name of a text. Raises BadInput for text that is not Unicode (lone surrogates)."""
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(
            f"text is not valid Unicode at character {error.start}: re-read the file as UTF-8"
        ) from error
    return hmac.new(key, raw, hashlib.sha256).hexdigest()


def new_id() -> str:
    """A UUIDv7: unique, and ordered by the time it was made."""
    return str(uuid7())


def rng(seed: int, *path: str | int) -> np.random.Generator:
    """A generator for one purpose: the same seed and path give the same stream everywhere."""
    name = digest([seed, [str(part) for part in path]])
    return np.random.default_rng(int(name[:32], 16))
