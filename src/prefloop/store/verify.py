"""Proof that the ledger is what it was: chain, rows, artifacts, texts and files.

Names the first bad event, row, artifact, text or file. An erased text is reported as erased,
with everything that rests on it, and is not an error.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import text_digest
from prefloop.core.errors import Corrupt, NotFound
from prefloop.store import artifacts, audit, tables
from prefloop.store.engine import Ledger, Reader

__all__ = ["Checkpoint", "Verification", "checkpoint", "verify"]


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
        seals, rows = _rows(reader, problems)
        events = _chain(reader, seals, against, problems)
        erased, texts = _texts(reader, problems)
        count, files = _artifacts(reader, problems)
    return Verification(events, rows, count, texts, files, erased, problems)


def _chain(
    reader: Reader,
    seals: dict[int, list[str]],
    against: Checkpoint | None,
    problems: list[str],
) -> int:
    last, count = audit.Tail(0, audit.START), 0
    for row in reader.all(sa.select(tables.event).order_by(tables.event.c.seq)):
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
    if audit.event_hash(row._asdict()) != row.hash:
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


def _rows(reader: Reader, problems: list[str]) -> tuple[dict[int, list[str]], int]:
    seals: dict[int, list[str]] = defaultdict(list)
    count = 0
    for table in _sealed_tables(reader, problems):
        keys = [column.name for column in table.primary_key]
        for row in reader.execute(sa.select(table).order_by(table.c.event)):
            count += 1
            values = row._asdict()
            seals[row.event].append(row.seal)
            if audit.row_seal(table, values) != row.seal:
                name = ", ".join(f"{key}={values[key]}" for key in keys)
                problems.append(f"row {table.name}({name}) of event {row.event}: was altered")
    return seals, count


def _texts(reader: Reader, problems: list[str]) -> tuple[list[str], int]:
    erased = {row.text for row in reader.all(sa.select(tables.erasure.c.text))}
    count = 0
    for row in reader.execute(sa.select(tables.text)):
        count += 1
        if row.body is None:
            if row.digest not in erased:
                problems.append(f"text {row.digest[:12]}: its body is gone without an erasure")
        elif row.digest in erased:
            problems.append(f"text {row.digest[:12]}: was erased and is back")
        elif _keyed(reader, row.body) != row.digest:
            problems.append(f"text {row.digest[:12]}: is not what its digest says")
    return sorted(erased), count


def _keyed(reader: Reader, body: bytes) -> str:
    try:
        return text_digest(reader.ledger.key, bytes(body).decode())
    except UnicodeDecodeError:
        return ""


def _artifacts(reader: Reader, problems: list[str]) -> tuple[int, int]:
    count, seen = 0, set()
    for row in reader.all(sa.select(tables.artifact).order_by(tables.artifact.c.event)):
        count += 1
        above = artifacts.parents(reader, row.digest)
        if artifacts.artifact_digest(row.kind, row.manifest, above) != row.digest:
            problems.append(f"artifact {row.kind} {row.digest[:12]}: is not what its digest says")
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
