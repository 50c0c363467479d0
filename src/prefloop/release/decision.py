"""The decision on a candidate, recorded with its reasons and the gate it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.core.errors import BadInput
from prefloop.gates.release import Decision
from prefloop.store import artifacts, people, proposals
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Transaction
from prefloop.store.proposals import Proposal

__all__ = ["CHAMPION", "Recorded", "record"]

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision in the ledger; `proposal` waits for a second person when it promotes."""

    release: Artifact
    proposal: Proposal | None


def record(
    tx: Transaction,
    candidate: str,
    gate: Artifact,
    decision: Decision,
    reasons: Sequence[str],
) -> Recorded:
    """Write a release artifact for `candidate` (a model digest).

    Promotion proposes to move the champion tag; hold and refuse change nothing but the record.
    Raises GateClosed when a promotion contradicts its gate (the store checks).
    """
    people.require(tx, "release.propose")
    if gate.kind != "gate_result" or gate.manifest.get("subject") != candidate:
        raise BadInput(f"{gate.kind} {gate.short} is no gate on {candidate[:12]}: check it first")
    release = artifacts.put(
        tx,
        "release",
        {"decision": decision, "model": candidate, "reasons": list(reasons)},
        [candidate, gate.digest],
    )
    if decision != "promote":
        return Recorded(release, None)
    why = "; ".join(reasons) or "every check passed"
    return Recorded(
        release,
        proposals.propose(tx, "release", candidate, proposals.point_tag(CHAMPION), why),
    )
