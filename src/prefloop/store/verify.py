"""Proof that the ledger is what it was: chain, rows, artifacts, texts and files.

Names the first bad event, row, artifact, text or file. An erased text is reported as erased,
with everything that rests on it, and is not an error.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from prefloop.core.errors import BadInput, Corrupt, NotFound
from prefloop.store import artifacts, audit, tables, texts
from prefloop.store.engine import Ledger, Reader

__all__ = ["Checkpoint", "Verification", "checkpoint", "verify"]

# What reading a row of a file that was edited by hand can end in.
_UNREADABLE = (ValueError, TypeError, RecursionError, sa.exc.DBAPIError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain's tail at some moment: keep it elsewhere, and a cut tail is seen."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what was found: the first problem is the first bad thing."""

    events: int
    rows: int
    artifacts: int
    texts: int
    files: int
    erased: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def checkpoint(reader: Reader) -> Checkpoint:
    """The number and hash of the last event."""
    last = audit.tail(reader.connection)
    return Checkpoint(last.seq, last.hash)


def verify(ledger: Ledger, against: Checkpoint | None = None) -> Verification:
    """Walk everything once."""
    with ledger.reader() as reader:
        problems: list[str] = []
        seals, words, rows = _rows(reader, problems)
        events = _chain(reader, seals, against, problems)
        erased, texts = _texts(reader, words, problems)
        count, files = _artifacts(reader, problems)
    return Verification(events, rows, count, texts, files, erased, problems)


def _chain(
    reader: Reader,
    seals: dict[int, list[str]],
    against: Checkpoint | None,
    problems: list[str],
) -> int:
    last, count = audit.Tail(0, audit.START), 0
    for row in _each(reader, tables.event, tables.event.c.seq, problems):
        count += 1
        found = _event_problem(row, last, seals.pop(row.seq, []))
        if found:
            problems.append(f"event {row.seq} ({row.action} by {row.actor}): {found}")
            break
        if against and row.seq == against.seq and row.hash != against.hash:
            problems.append(f"event {row.seq}: differs from the checkpoint")
        last = audit.Tail(row.seq, row.hash)
    else:
        if seals:
            problems.append(f"event {min(seals)}: rows refer to it and it is not there")
    if against and last.seq < against.seq and not problems:
        problems.append(f"event {last.seq + 1}: the chain ends before checkpoint {against.seq}")
    return count


def _event_problem(row: sa.Row[Any], last: audit.Tail, seals: list[str]) -> str | None:
    if row.seq != last.seq + 1:
        return f"event {last.seq + 1} is missing before it"
    if row.previous != last.hash:
        return "does not follow the event before it"
    if not _gives(row.hash, audit.event_hash, row._asdict()):
        return "was altered"
    if audit.rows_digest(seals) != row.rows:
        return "its rows are not the ones it was written with (one was added, removed or altered)"
    return None


def _sealed_tables(reader: Reader, problems: list[str]) -> Iterator[sa.Table]:
    inspector = sa.inspect(reader.connection)
    for name in sorted(inspector.get_table_names()):
        table = tables.metadata.tables.get(name)
        if table is not None and table.info.get("sealed"):
            yield table
        elif table is None and any(c["name"] == "seal" for c in inspector.get_columns(name)):
            problems.append(f"table {name}: holds sealed rows and this prefloop does not know it")


def _rows(reader: Reader, problems: list[str]) -> tuple[dict[int, list[str]], dict[str, str], int]:
    """The seals of every event, and the texts that rows stand on, each with one such row."""
    seals: dict[int, list[str]] = defaultdict(list)
    words: dict[str, str] = {}
    count = 0
    for table in _sealed_tables(reader, problems):
        for row in _each(reader, table, table.c.event, problems):
            count += 1
            seals[row.event].append(row.seal)
            if _gives(row.seal, audit.row_seal, table, row._asdict()):
                words.update(dict.fromkeys(table.info["words"](row), _name(table, row)))
            else:
                problems.append(f"row {_name(table, row)} of event {row.event}: was altered")
    return seals, words, count


def _each(
    reader: Reader, table: sa.Table, order: sa.Column[Any], problems: list[str]
) -> Iterator[sa.Row[Any]]:
    """Every row of a table. One that cannot even be read (a JSON column that is none) is named,
    and the rest are read one at a time."""
    keys, done = list(table.primary_key), 0
    try:
        for row in reader.execute(sa.select(table).order_by(order, *keys)):
            yield row
            done += 1
        return
    except _UNREADABLE:
        pass
    for key in reader.all(sa.select(*keys).order_by(order, *keys).offset(done)):
        is_it = [column == value for column, value in zip(keys, key, strict=True)]
        try:
            yield from reader.all(sa.select(table).where(*is_it))
        except _UNREADABLE as error:
            problems.append(f"row {_name(table, key)}: cannot be read ({error})")


def _name(table: sa.Table, row: sa.Row[Any]) -> str:
    known = ", ".join(f"{key.name}={getattr(row, key.name)}" for key in table.primary_key)
    return f"{table.name}({known})"


def _gives(expected: str, compute: Callable[..., str], *values: Any) -> bool:
    """Whether the digest is the expected one; what has no digest any more was altered too."""
    try:
        return compute(*values) == expected
    except BadInput:
        return False


def _texts(reader: Reader, words: dict[str, str], problems: list[str]) -> tuple[list[str], int]:
    erased = {row.text for row in reader.all(sa.select(tables.erasure.c.text))}
    missing, count = dict(words), 0
    for row in _each(reader, tables.text, tables.text.c.digest, problems):
        count += 1
        missing.pop(row.digest, None)
        if row.body is None:
            if row.digest not in erased:
                problems.append(f"text {row.digest[:12]}: its body is gone without an erasure")
        elif row.digest in erased:
            problems.append(f"text {row.digest[:12]}: was erased and is back")
        elif not texts.fits(reader, row):
            problems.append(f"text {row.digest[:12]}: is not what its digest says")
    for name, row_name in missing.items():
        problems.append(f"text {name[:12]}: is missing, and {row_name} stands on it")
    return sorted(erased), count


def _artifacts(reader: Reader, problems: list[str]) -> tuple[int, int]:
    count, seen = 0, set()
    for row in _each(reader, tables.artifact, tables.artifact.c.event, []):
        count += 1
        above = artifacts.parents(reader, row.digest)
        if not _gives(row.digest, artifacts.artifact_digest, row.kind, row.manifest, above):
            problems.append(f"artifact {row.kind} {row.digest[:12]}: is not what its digest says")
            continue
        for name, entry in row.manifest.get("files", {}).items():
            if entry["sha256"] in seen:
                continue
            seen.add(entry["sha256"])
            try:
                for _ in reader.files.chunks(entry["sha256"]):
                    pass
            except (NotFound, Corrupt) as error:
                problems.append(f"{row.kind} {row.digest[:12]}, file {name}: {error}")
    return count, len(seen)
