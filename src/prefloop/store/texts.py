"""Erasable texts: stored once under a keyed digest, forgotten on request, never just missing."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import text_digest
from prefloop.core.errors import Corrupt, Erased, NotFound
from prefloop.store import tables
from prefloop.store.engine import Reader, Transaction

__all__ = ["erase", "fits", "get", "get_many", "key_fits", "put", "put_many"]

_SAMPLE = 8
_TEXTS, _ERASURES = (
    sa.select(table).where(column.in_(sa.bindparam("among", expanding=True)))
    for table, column in (
        (tables.text, tables.text.c.digest),
        (tables.erasure, tables.erasure.c.text),
    )
)


def put_many(tx: Transaction, bodies: Iterable[str]) -> dict[str, str]:
    """Store texts; returns {text: digest}. An erased text is not brought back by storing it again:
    that needs a new decision, so Erased is raised."""
    named = {body: text_digest(tx.ledger.key, body) for body in bodies}
    digests = list(named.values())
    gone = next(tx.each(_ERASURES, digests), None)
    if gone is not None:
        raise Erased(f"text {gone.text[:12]} was erased on request; it may not be stored again")
    have = {
        row.digest
        for row in tx.where_in(sa.select(tables.text.c.digest), tables.text.c.digest, digests)
    }
    missing = {name: body.encode() for body, name in named.items() if name not in have}
    if missing:  # in one order for all writers, or two of them could wait for each other
        rows = [{"digest": name, "body": missing[name]} for name in sorted(missing)]
        tx.insert_missing(tables.text, rows)
    return named


def put(tx: Transaction, body: str) -> str:
    """Store one text; returns its digest."""
    return put_many(tx, [body])[body]


def get_many(reader: Reader, digests: Iterable[str]) -> dict[str, str | None]:
    """{digest: text}; None for a text that was erased. Raises NotFound, Corrupt."""
    wanted = list(dict.fromkeys(digests))
    found = {row.digest: _body(reader, row) for row in reader.each(_TEXTS, wanted)}
    for name in wanted:
        if name not in found:
            raise NotFound(f"text {name[:12]} is not in the ledger")
    return found


def get(reader: Reader, digest: str) -> str:
    """One text. Raises Erased."""
    body = get_many(reader, [digest])[digest]
    if body is None:
        raise Erased(f"text {digest[:12]} was erased on request")
    return body


def erase(tx: Transaction, digests: Sequence[str], reason: str) -> None:
    """Forget texts for good; every manifest and digest that names them stays whole.

    A text that was erased before stays erased for the reason given then.
    """
    wanted = [name for name, body in get_many(tx, digests).items() if body is not None]
    if not wanted:
        return
    tx.append(
        tables.erasure,
        [{"text": name, "reason": reason} for name in wanted],
        action="text.erase",
        subject=wanted[0] if len(wanted) == 1 else f"{len(wanted)} texts",
        detail={"reason": reason},
    )
    for name in wanted:
        tx.execute(sa.update(tables.text).where(tables.text.c.digest == name).values(body=None))


def key_fits(reader: Reader) -> bool:
    """Whether the ledger's key is the one its texts were named with: told by a handful of them,
    of which one has to fit (others may have been altered, which is for `verify` to say)."""
    t = tables.text
    rows = reader.all(sa.select(t).where(t.c.body.is_not(None)).limit(_SAMPLE))
    return not rows or any(fits(reader, row) for row in rows)


def _body(reader: Reader, row: sa.Row[Any]) -> str | None:
    if row.body is None:
        return None
    if not fits(reader, row):
        raise Corrupt(f"text {row.digest[:12]} is not what its digest says: run prefloop verify")
    return bytes(row.body).decode()


def fits(reader: Reader, row: sa.Row[Any]) -> bool:
    """Whether the body of a row of the text table is the one its digest names."""
    try:
        return bool(text_digest(reader.ledger.key, bytes(row.body).decode()) == row.digest)
    except (UnicodeDecodeError, TypeError):  # SQLite keeps a str if somebody wrote one
        return False
