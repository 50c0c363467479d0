"""Judgments set aside: whose, from what, on which alarm, by whose two hands; and back again.

A quarantine is an approved proposal about the evaluation that raised the alarm, and nothing else:
nothing is deleted or moved, and another approved proposal lifts it. What counts is the last word,
in the order in which second people spoke. It reaches a label batch by its digest, or a campaign by
its name, which still holds when the campaign is closed later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from prefloop.core.errors import BadInput, NotPermitted
from prefloop.store import tables
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["Held", "examine", "held", "lift", "set_aside"]


@dataclass(frozen=True, slots=True)
class Held:
    """One person's judgments set aside: on which evaluation, and the words of both people."""

    annotator: str
    alarms: str  # digest of the evaluation
    reason: str
    proposer: str
    approver: str


def set_aside(annotators: Sequence[str], scope: str) -> dict[str, Any]:
    """The effect of leaving these people's judgments out of `scope`, a batch or a campaign."""
    return {"do": "set aside", "annotators": sorted(set(annotators)), "scope": scope}


def lift(annotators: Sequence[str], scope: str) -> dict[str, Any]:
    """The effect of letting them count again."""
    return {"do": "lift", "annotators": sorted(set(annotators)), "scope": scope}


def examine(subject: Artifact, effect: dict[str, Any], actor: str) -> None:
    """Raise BadInput for an effect that is none, NotPermitted where no alarm names a person, or
    where somebody speaks of their own judgments."""
    if sorted(effect) != ["annotators", "do", "scope"] or effect["do"] not in ("set aside", "lift"):
        raise BadInput(f"no quarantine can do {effect!r}: use set_aside or lift")
    if subject.kind != "evaluation" or subject.manifest.get("type") != "alarms":
        raise NotPermitted(f"a quarantine rests on alarms, not on a {subject.kind}")
    if effect["scope"] != subject.manifest["scope"]:
        raise NotPermitted(f"alarms {subject.short} are about {subject.manifest['scope'][:12]}")
    named = {one["annotator"] for one in subject.manifest["alarms"]}
    if not effect["annotators"]:
        raise BadInput("a quarantine names at least one annotator")
    for name in effect["annotators"]:
        if name not in named:
            raise NotPermitted(f"no alarm of {subject.short} names {name}: nothing to rest this on")
    if actor in effect["annotators"]:
        raise NotPermitted(f"{actor} may not decide about their own judgments")


def held(reader: Reader, scopes: Sequence[str]) -> dict[str, Held]:
    """{annotator: why} of everybody set aside from any of these scopes now."""
    p, d = tables.proposal.c, tables.decision.c
    query = (
        sa.select(tables.proposal, d.person, d.approve)
        .join(tables.decision, d.proposal == p.id)
        .where(p.action == "quarantine")
        .order_by(d.event)
    )
    now: dict[str, Held] = {}
    for row in reader.all(query):
        if not row.approve or row.effect["scope"] not in scopes:
            continue
        for name in row.effect["annotators"]:
            if row.effect["do"] == "lift":
                now.pop(name, None)
            else:
                now[name] = Held(name, row.subject, row.reason, row.proposer, row.person)
    return dict(sorted(now.items()))
