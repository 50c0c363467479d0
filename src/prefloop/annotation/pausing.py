"""A campaign in which people do not agree stops, until the specification is mended.

Judged on the interval: even the upper end of kappa has to lie under the line, on 30 comparisons
that two people judged. Only work under the specification of today counts, after an override only
work since then, so that old disagreement does not stop a campaign twice.

Looking is for a reader and takes no lock; only the pause itself is a transaction.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.annotation import campaigns, queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.labels import VERDICTS
from prefloop.annotation.quality.agreement import agreement, said
from prefloop.core.errors import BadInput, Conflict
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates
from prefloop.stats import NotEnough
from prefloop.store import artifacts, names, people
from prefloop.store.engine import Reader, Transaction

__all__ = ["LEAST", "Looked", "look", "pause", "resume"]

LEAST = 30  # comparisons judged by two below which nothing is paused


@dataclass(frozen=True, slots=True)
class Looked:
    """Kappa of what was judged under the specification of today, and whether it is too low."""

    campaign: str
    state: str
    kappa: Estimate | NotEnough
    line: float
    too_low: bool
    why: str

    def json(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "state": self.state,
            "kappa": self.kappa.json(),
            "pause_below": self.line,
            "too_low": self.too_low,
            "why": self.why,
        }


def look(reader: Reader, campaign: Campaign, gates: AgreementGates, seed: int) -> Looked:
    """Hold a campaign's agreement against the line below which it pauses."""
    line = gates.kappa_pause
    state = queries.campaign_state(reader, campaign.id)
    stopped = queries.last_agreement_pause(reader, campaign.id)
    since = queries.state_since(reader, campaign.id, stopped + 1) if stopped else 0
    rows = queries.votes(reader, campaign.id, campaign.spec, since)
    found = _kappa(rows, seed)
    if isinstance(found, NotEnough):
        return Looked(campaign.name, state.state, found, line, False, said(found))
    low = found.high < line
    where = "all of it below" if low else "not surely below"
    why = f"kappa {said(found)}: {where} {line:g}"
    return Looked(campaign.name, state.state, found, line, low, why)


def pause(tx: Transaction, campaign: Campaign, found: Looked) -> bool:
    """Pause an open campaign whose agreement is too low; whether it was paused now."""
    people.require(tx, "quality.check")
    queries.hold_campaign(tx, campaign.id, "change")
    now = queries.campaign_state(tx, campaign.id)
    if not found.too_low or now.state != "open":
        return False
    campaigns.write_state(tx, campaign, now.number + 1, "paused", found.why)
    row = {
        "campaign": campaign.id,
        "number": now.number + 1,
        "spec": campaign.spec,
        "evidence": found.json(),
    }
    tx.append(
        tables.agreement_pause,
        [row],
        action="campaign.agreement",
        subject=campaign.id,
        detail={"why": found.why},
    )
    return True


def resume(
    tx: Transaction,
    campaign: Campaign,
    reason: str,
    spec: str | None = None,
    override: bool = False,
) -> Campaign:
    """Reopen a paused campaign: under a newer version of its specification, or by override.

    A campaign that a lead paused needs neither. Raises Conflict for one that is not paused, and
    BadInput for a specification whose judgments cannot be counted with those that are there.
    """
    people.require(tx, "campaign.manage")
    if not reason.strip():
        raise BadInput("to resume a campaign needs a reason: say why")
    queries.hold_campaign(tx, campaign.id, "change")
    now = queries.campaign_state(tx, campaign.id)
    if now.state != "paused":
        raise Conflict(f"campaign {campaign.name} is {now.state}, not paused")
    stopped = queries.agreement_pause(tx, campaign.id, now.number)
    if stopped is not None and spec is None and not override:
        raise Conflict(
            f"campaign {campaign.name} is paused because people do not agree ({now.reason}): mend "
            "the specification and give --spec, or --override with a reason"
        )
    if spec is not None:
        _follow(tx, campaign, spec, reason)
    words = f"override by {tx.actor}: {reason}" if stopped is not None and override else reason
    campaigns.write_state(tx, campaign, now.number + 1, "open", words)
    return campaigns.get(tx, campaign.name)


def _follow(tx: Transaction, campaign: Campaign, spec: str, reason: str) -> None:
    """From here on the campaign follows a newer version of its specification."""
    newer, older = campaigns.published(tx, spec), artifacts.get(tx, campaign.spec)
    versions = names.versions(tx, newer.manifest["name"])
    if older.digest not in versions or versions.index(newer.digest) <= versions.index(older.digest):
        raise BadInput(f"{spec} is no newer version of the specification of {campaign.name}")
    if newer.manifest["epoch"] != older.manifest["epoch"]:
        raise BadInput(
            f"{spec} breaks comparability with what was judged: close {campaign.name}, and have it "
            "judged again under the new one with prefloop campaign request"
        )
    known = queries.campaign_specs(tx, campaign.id)
    row = {
        "campaign": campaign.id,
        "number": len(known) + 1,
        "spec": newer.digest,
        "reason": reason.strip(),
    }
    tx.append(
        tables.campaign_spec,
        [row],
        action="campaign.spec",
        subject=campaign.id,
        detail={"spec": newer.digest, "before": older.digest, "reason": reason.strip()},
    )


def _kappa(rows: Any, seed: int) -> Estimate | NotEnough:
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        first.setdefault((row.comparison, row.annotator), VERDICTS[row.verdict])
    items = {name: n for n, name in enumerate(dict.fromkeys(item for item, _ in first))}
    who = {name: n for n, name in enumerate(dict.fromkeys(name for _, name in first))}
    item = np.array([items[one] for one, _ in first], dtype=np.int64)
    twice = int((np.bincount(item) >= 2).sum()) if len(item) else 0
    if twice < LEAST:
        return NotEnough(f"{twice} comparisons were judged by two people: {LEAST} are needed")
    annotator = np.array([who[one] for _, one in first], dtype=np.int64)
    label = np.array(list(first.values()), dtype=np.int64)
    return agreement(item, annotator, label, seed)[0]
