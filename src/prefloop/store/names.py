"""Names and tags: `policy/support@v3` is forever, `champion` moves, and each move is an event."""

import re

import sqlalchemy as sa

from prefloop.core.errors import BadInput, NotFound
from prefloop.store import artifacts, tables
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction

__all__ = ["add_version", "check", "history", "move_tag", "names_of", "resolve", "tags", "versions"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")


def add_version(tx: Transaction, name: str, digest: str) -> str:
    """Give an artifact the next number under `name`; twice in a row is one version.

    Returns the full name, e.g. `spec/support@v2`.
    """
    check(name)
    artifacts.get(tx, digest)
    v = tables.version.c
    last = tx.one(
        sa.select(v.number, v.digest).where(v.name == name).order_by(v.number.desc()).limit(1)
    )
    if last is not None and last.digest == digest:
        return f"{name}@v{last.number}"
    number = (last.number if last else 0) + 1
    tx.append(
        tables.version,
        [{"name": name, "number": number, "digest": digest}],
        action="name.add",
        subject=digest,
        detail={"name": f"{name}@v{number}"},
    )
    return f"{name}@v{number}"


def move_tag(tx: Transaction, tag: str, digest: str) -> None:
    """Point a tag at an artifact; where it pointed before stays on record."""
    check(tag)
    artifacts.get(tx, digest)
    before = history(tx, tag)
    if before and before[-1] == digest:
        return
    tx.append(
        tables.tag_move,
        [{"tag": tag, "number": len(before) + 1, "digest": digest}],
        action="tag.move",
        subject=digest,
        detail={"tag": tag, "from": before[-1] if before else None},
    )


def history(reader: Reader, tag: str) -> list[str]:
    """Every artifact the tag has pointed at, oldest first."""
    m = tables.tag_move.c
    return [
        r.digest for r in reader.all(sa.select(m.digest).where(m.tag == tag).order_by(m.number))
    ]


def tags(reader: Reader) -> dict[str, str]:
    """All tags and where they point now."""
    m = tables.tag_move.c
    return {r.tag: r.digest for r in reader.all(sa.select(m.tag, m.digest).order_by(m.number))}


def versions(reader: Reader, name: str) -> list[str]:
    """The digests under `name`, v1 first."""
    v = tables.version.c
    return [
        r.digest for r in reader.all(sa.select(v.digest).where(v.name == name).order_by(v.number))
    ]


def names_of(reader: Reader, digest: str) -> list[str]:
    """Every name and tag that points at this artifact now."""
    v = tables.version.c
    query = sa.select(v.name, v.number).where(v.digest == digest).order_by(v.name, v.number)
    named = [f"{r.name}@v{r.number}" for r in reader.all(query)]
    return named + sorted(tag for tag, at in tags(reader).items() if at == digest)


def resolve(reader: Reader, reference: str, kind: str | None = None) -> Artifact:
    """The artifact meant by a digest (8 characters suffice), `name@vN`, `name` (newest) or tag.

    Raises NotFound, BadInput for an ambiguous prefix or an artifact of another kind.
    """
    found = _find(reader, reference, kind)
    artifact = artifacts.get(reader, found)
    if kind and artifact.kind != kind:
        have, wanted = (f"{'an' if k[0] in 'aeiou' else 'a'} {k}" for k in (artifact.kind, kind))
        raise BadInput(f"{reference} is {have}, and {wanted} is needed here")
    return artifact


def _find(reader: Reader, reference: str, kind: str | None = None) -> str:
    name, at, number = reference.partition("@v")
    known = versions(reader, name)
    if not known and kind:  # `support` will do for dataset/support where a dataset is wanted
        name = f"{kind}/{name}"
        known = versions(reader, name)
    if at:
        if not (number.isascii() and number.isdigit()) or not 1 <= int(number) <= len(known):
            have = f"{name} has {len(known)} versions" if known else f"nothing is named {name}"
            raise NotFound(f"no {reference}: {have}")
        return known[int(number) - 1]
    if known:
        return known[-1]
    if reference in (pointing := tags(reader)):
        return pointing[reference]
    if re.fullmatch(r"[0-9a-f]{8,64}", reference):
        a = tables.artifact.c.digest
        rows = reader.all(sa.select(a).where(a.like(f"{reference}%")).limit(2))
        if len(rows) > 1:
            raise BadInput(f"{reference} fits several artifacts: give more characters")
        if rows:
            return str(rows[0].digest)
    raise NotFound(f"nothing in this ledger is called {reference!r}: prefloop log lists what is")


def check(name: str) -> None:
    """Raise BadInput for a name that names and tags may not have."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"name {name!r}: use lower-case letters, digits, '.', '_', '-' and '/'")
