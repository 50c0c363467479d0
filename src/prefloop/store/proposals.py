"""Changes that take two people. A proposal is bound to the digest of what it would make official;
nobody approves their own, and there is no way around it for admins.

The effect happens in the transaction of the approval: naming a version, or moving a tag. A
quarantine is the approval itself (store.quarantine).
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import artifacts, names, people, quarantine, tables
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction

__all__ = [
    "Decision",
    "Proposal",
    "decide",
    "decisions",
    "get",
    "listing",
    "name_version",
    "point_tag",
    "propose",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to make official, and what became of it."""

    id: str
    action: str
    subject: str
    effect: dict[str, Any]
    reason: str
    proposer: str
    state: str  # open, approved, rejected


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said to a proposal, and when (microseconds since 1970, UTC)."""

    person: str
    approve: bool
    reason: str
    at: int


def name_version(name: str) -> dict[str, Any]:
    """The effect of giving the subject the next version of `name`."""
    return {"do": "name", "name": name}


def point_tag(tag: str) -> dict[str, Any]:
    """The effect of pointing `tag` at the subject."""
    return {"do": "tag", "tag": tag}


def propose(
    tx: Transaction, action: str, subject: str, effect: dict[str, Any], reason: str
) -> Proposal:
    """Ask for a change. The same open proposal twice is one proposal."""
    people.require(tx, f"{action}.propose")
    meant = artifacts.get(tx, subject)
    if action == "quarantine":
        quarantine.examine(meant, effect, tx.actor)
    else:
        _examine(action, meant, effect)
    if action == "release":
        _promoted(tx, meant)
    for one in listing(tx, subject=subject):
        if one.state == "open" and (one.action, one.effect) == (action, effect):
            return one
    row: dict[str, Any] = {
        "id": new_id(),
        "action": action,
        "subject": subject,
        "effect": effect,
        "reason": reason,
        "proposer": tx.actor,
    }
    tx.append(tables.proposal, [row], action=f"{action}.propose", subject=subject)
    return Proposal(**row, state="open")


def decide(tx: Transaction, proposal_id: str, approve: bool, reason: str = "") -> Proposal:
    """A second person's word. Approval carries the effect out at once."""
    found = get(tx, proposal_id)
    # Locked, then looked at again: two people may decide at the same moment.
    tx.one(sa.select(tables.proposal).where(tables.proposal.c.id == found.id).with_for_update())
    proposal = get(tx, found.id)
    people.require(tx, f"{proposal.action}.approve")
    if proposal.proposer == tx.actor:
        raise NotPermitted(f"{tx.actor} proposed this: somebody else has to approve it")
    if proposal.action == "quarantine":
        quarantine.examine(artifacts.get(tx, proposal.subject), proposal.effect, tx.actor)
    if proposal.state != "open":
        raise Conflict(f"proposal {proposal.id} is already {proposal.state}")
    word = "approve" if approve else "reject"
    tx.append(
        tables.decision,
        [{"proposal": proposal.id, "person": tx.actor, "approve": approve, "reason": reason}],
        action=f"{proposal.action}.{word}",
        subject=proposal.subject,
        detail={"proposal": proposal.id},
    )
    if approve:
        _carry_out(tx, proposal)
    return get(tx, proposal.id)


def get(reader: Reader, proposal_id: str) -> Proposal:
    """The proposal with this id; its last eight or more characters suffice."""
    ends = tables.proposal.c.id.endswith(proposal_id, autoescape=True)
    query = sa.select(tables.proposal).where(ends)
    rows = reader.all(query) if 8 <= len(proposal_id) <= 36 else []
    if len(rows) != 1:
        raise NotFound(f"no proposal {proposal_id!r}: prefloop proposal list shows them")
    return _proposal(reader, rows[0])


def listing(reader: Reader, subject: str | None = None) -> list[Proposal]:
    """Proposals, oldest first."""
    query = sa.select(tables.proposal).order_by(tables.proposal.c.event)
    if subject:
        query = query.where(tables.proposal.c.subject == subject)
    return [_proposal(reader, row) for row in reader.all(query)]


def decisions(reader: Reader) -> dict[str, list[Decision]]:
    """{proposal: what was said to it}, oldest first."""
    d, e = tables.decision.c, tables.event.c
    query = sa.select(d.proposal, d.person, d.approve, d.reason, e.at)
    said: dict[str, list[Decision]] = {}
    for row in reader.all(query.join(tables.event, e.seq == d.event).order_by(e.seq)):
        said.setdefault(row.proposal, []).append(
            Decision(row.person, row.approve, row.reason, row.at)
        )
    return said


def _proposal(reader: Reader, row: sa.Row[Any]) -> Proposal:
    d = tables.decision.c
    words = [r.approve for r in reader.all(sa.select(d.approve).where(d.proposal == row.id))]
    state = "open" if not words else "approved" if all(words) else "rejected"
    return Proposal(row.id, row.action, row.subject, row.effect, row.reason, row.proposer, state)


def _examine(action: str, subject: Artifact, effect: dict[str, Any]) -> None:
    """Only a release moves tags, and specifications and datasets are approved as what they are:
    otherwise those who may approve one thing could make another official."""
    if sorted(effect) not in (["do", "name"], ["do", "tag"]) or effect["do"] not in effect:
        raise BadInput(f"no proposal can do {effect!r}: use name_version or point_tag")
    names.check(effect[effect["do"]])
    if action == "release" and (effect["do"] != "tag" or subject.kind != "model"):
        raise NotPermitted(f"a release proposal points a tag at a model, not at a {subject.kind}")
    if action != "release" and (effect["do"] == "tag" or subject.kind != action):
        raise NotPermitted(
            f"a {action} proposal cannot {effect['do']} a {subject.kind}: only a release moves tags"
        )


def _promoted(tx: Transaction, subject: Artifact) -> None:
    """Raise NotPermitted for a model that no recorded decision promotes."""
    decided = [artifacts.get(tx, one) for one in artifacts.children(tx, subject.digest)]
    if not any(
        one.kind == "release"
        and one.manifest.get("decision") == "promote"
        and one.manifest.get("model") == subject.digest
        for one in decided
    ):
        raise NotPermitted(
            f"model {subject.short} has no decision to promote it: prefloop gate check release"
        )


def _carry_out(tx: Transaction, proposal: Proposal) -> None:
    effect = proposal.effect
    if effect["do"] == "name":
        _still_next(tx, proposal)
        names.add_version(tx, effect["name"], proposal.subject)
    elif effect["do"] == "tag":
        names.move_tag(tx, effect["tag"], proposal.subject)


def _still_next(tx: Transaction, proposal: Proposal) -> None:
    """A specification continues the version it was written against, or its epoch would be wrong."""
    subject = artifacts.get(tx, proposal.subject)
    known = names.versions(tx, proposal.effect["name"])
    if subject.kind == "spec" and known and known[-1] not in (*subject.parents, subject.digest):
        raise Conflict(
            f"{proposal.effect['name']} has moved on since this was proposed: propose it again"
        )
