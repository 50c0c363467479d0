"""Immutable artifacts with parents: what the whole loop is made of.

Digest = SHA-256 over RFC 8785 JSON of {kind, manifest, parents}. No clock and no author in it:
those live in the row. Bulk rows (pairs, judgments, completions) go into one JSON-lines file that
the manifest names under "files"; the words in them are keyed digests of erasable texts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import canonical, digest
from prefloop.core.errors import BadInput, GateClosed, NotFound
from prefloop.store import tables
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "KINDS",
    "Artifact",
    "ancestors",
    "artifact_digest",
    "children",
    "descendants",
    "get",
    "listing",
    "parents",
    "put",
    "read_rows",
    "write_rows",
]

KINDS = (
    "spec",
    "prompt_set",
    "completion_set",
    "label_batch",
    "dataset",
    "suite",
    "model",
    "run",
    "evaluation",
    "gate_result",
    "release",
    "handoff",
)
# Runs that change what users will meet; none may start without a gate's word.
POLICY_STAGES = frozenset(["best-of-n", "weighted", "dpo", "ppo", "rloo", "grpo"])
_OPEN = frozenset({"pass", "warn"})


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact as it stands in the ledger."""

    digest: str
    kind: str
    manifest: dict[str, Any]
    parents: tuple[str, ...]
    author: str
    created: int
    notes: str = ""

    @property
    def short(self) -> str:
        """The first twelve characters of the digest, as people see it."""
        return self.digest[:12]


def artifact_digest(kind: str, manifest: dict[str, Any], parents: Iterable[str]) -> str:
    """The name an artifact has, whoever makes it and whenever."""
    return digest({"kind": kind, "manifest": manifest, "parents": sorted(set(parents))})


def put(
    tx: Transaction,
    kind: str,
    manifest: dict[str, Any],
    parents: Iterable[str] = (),
    notes: str = "",
) -> Artifact:
    """Record an artifact; the same inputs return the one that is there already.

    Raises BadInput for an unknown kind, NotFound for a parent that is not in the ledger,
    GateClosed for a policy run or a release without the gate_result it needs.
    """
    if kind not in KINDS:
        raise BadInput(f"no artifact kind {kind!r}: one of {', '.join(KINDS)}")
    above = sorted(set(parents))
    name = artifact_digest(kind, manifest, above)
    try:
        return get(tx, name)
    except NotFound:
        pass
    _require_gate(kind, manifest, [get(tx, parent) for parent in above])
    row = {
        "digest": name,
        "kind": kind,
        "manifest": manifest,
        "author": tx.actor,
        "created": tx.now,
        "notes": notes,
    }
    links = [{"child": name, "parent": parent} for parent in above]
    tx.append_many(
        [(tables.artifact, [row]), (tables.artifact_parent, links)],
        action=f"artifact.{kind}",
        subject=name,
    )
    return get(tx, name)


def get(reader: Reader, name: str) -> Artifact:
    """The artifact with this full digest."""
    row = reader.one(sa.select(tables.artifact).where(tables.artifact.c.digest == name))
    if row is None:
        raise NotFound(f"no artifact {name[:12]} in this ledger")
    return _artifact(row, parents(reader, name))


def listing(reader: Reader, kind: str | None = None, limit: int = 1000) -> list[Artifact]:
    """Artifacts, newest first."""
    query = sa.select(tables.artifact).order_by(tables.artifact.c.event.desc()).limit(limit)
    if kind:
        query = query.where(tables.artifact.c.kind == kind)
    return [_artifact(row, parents(reader, row.digest)) for row in reader.all(query)]


def parents(reader: Reader, name: str) -> tuple[str, ...]:
    """Direct parents, in digest order."""
    link = tables.artifact_parent.c
    query = sa.select(link.parent).where(link.child == name).order_by(link.parent)
    return tuple(row.parent for row in reader.all(query))


def children(reader: Reader, name: str) -> tuple[str, ...]:
    """Direct children, in digest order."""
    link = tables.artifact_parent.c
    query = sa.select(link.child).where(link.parent == name).order_by(link.child)
    return tuple(row.child for row in reader.all(query))


def ancestors(reader: Reader, name: str) -> list[str]:
    """Everything this artifact came from, nearest first, each once."""
    return _walk(reader, name, parents)


def descendants(reader: Reader, name: str) -> list[str]:
    """Everything that came from this artifact, nearest first, each once."""
    return _walk(reader, name, children)


def write_rows(reader: Reader, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Store rows as one canonical JSON-lines file; returns its manifest entry. Files need no
    transaction: long ones are written before one is open."""
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for row in rows:
            count += 1
            yield canonical(row) + b"\n"

    entry = reader.files.put(lines())
    return {**entry, "rows": count}


def read_rows(reader: Reader, artifact: Artifact, name: str) -> list[dict[str, Any]]:
    """The rows of one of the artifact's files. Raises BadInput where it has no such rows."""
    files = artifact.manifest.get("files", {})
    known = [one for one, entry in files.items() if "rows" in entry]
    if name not in known:
        there = f"it has {', '.join(known)}" if known else "it has none with rows"
        raise BadInput(f"{artifact.kind} {artifact.short} has no file {name!r}: {there}")
    entry = files[name]
    return [json.loads(line) for line in reader.files.read(entry["sha256"]).splitlines()]


def _artifact(row: sa.Row[Any], above: tuple[str, ...]) -> Artifact:
    return Artifact(row.digest, row.kind, row.manifest, above, row.author, row.created, row.notes)


def _walk(reader: Reader, name: str, step: Any) -> list[str]:
    seen: dict[str, None] = {}
    frontier: Sequence[str] = [name]
    while frontier:
        reached = [found for one in frontier for found in step(reader, one)]
        frontier = [one for one in dict.fromkeys(reached) if one not in seen]
        seen.update(dict.fromkeys(frontier))
    return list(seen)


def _require_gate(kind: str, manifest: dict[str, Any], above: list[Artifact]) -> None:
    stage = manifest.get("stage")
    if kind == "run" and stage in POLICY_STAGES:
        needed, must_open = "policy", True
    elif kind == "release":
        needed, must_open = "release", manifest.get("decision") == "promote"
    else:
        return
    gates = [a for a in above if a.kind == "gate_result" and a.manifest.get("stage") == needed]
    if not gates:
        raise GateClosed(
            f"{kind} {stage or ''} refused: it has no {needed} gate_result among its parents; "
            "run prefloop gate check first"
        )
    present = {one.digest for one in above}
    for gate in gates:
        subject = gate.manifest.get("subject")
        if subject is not None and subject not in present:
            raise GateClosed(
                f"{kind} refused: gate {gate.short} is about {subject[:12]}, "
                "which is no parent of it"
            )
        if must_open and gate.manifest["verdict"] not in _OPEN:
            raise GateClosed(
                f"{kind} refused: gate {gate.short} says {gate.manifest['verdict']}: "
                f"{gate.manifest.get('explanation', 'see prefloop show')}"
            )
