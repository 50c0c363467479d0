"""Campaigns: what people are asked to judge, by which specification, how many times each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefloop.annotation import queries, tables
from prefloop.core.digest import new_id
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.core.records import Purpose
from prefloop.store import artifacts, names, people
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Ledger, Reader, Transaction

__all__ = [
    "Calibration",
    "Campaign",
    "CampaignSettings",
    "create",
    "get",
    "known",
    "published",
    "set_profile",
    "set_state",
    "status",
    "write_state",
]

_known: WeakKeyDictionary[Ledger, dict[str, "Campaign"]] = WeakKeyDictionary()
_STATES = ("open", "paused", "closed")


class Calibration(BaseModel):
    """Anchors before live work, and when disagreement with the experts locks somebody out."""

    model_config = ConfigDict(extra="forbid")
    anchors: int = Field(20, ge=1, description="anchor items each annotator judges per round")
    max_disagreement: float = Field(
        0.30, gt=0, lt=1, description="disagreement with the experts that locks somebody out"
    )
    certainty: float = Field(
        0.5, gt=0, lt=1, description="posterior probability of exceeding it at which that happens"
    )


class CampaignSettings(BaseModel):
    """How a campaign runs. Written once, when it is created."""

    model_config = ConfigDict(extra="forbid")
    overlap: int = Field(1, ge=1, description="independent judgments wanted per comparison")
    purpose: Purpose = Field(Purpose.LIVE, description="live, relabel or evaluation")
    round: int = Field(1, ge=1, description="the same comparison may be asked again in a new round")
    gold_share: float = Field(0.07, ge=0, lt=1, description="hidden gold items among live work")
    duplicate_share: float = Field(0.10, ge=0, lt=1, description="hidden repeats for consistency")
    duplicate_distance: int = Field(
        20, ge=1, description="judgments between an item and its repeat"
    )
    spot_check_share: float = Field(
        0.10, ge=0, le=1, description="routine work a senior looks at; of high stakes it is all"
    )
    random_share: float = Field(
        0.20, ge=0.2, le=1, description="work in random order whatever has priority"
    )
    lease_seconds: int = Field(900, ge=1, description="how long a claimed comparison is kept")
    session_minutes: int = Field(90, ge=1, description="longest session before a break")
    break_minutes: int = Field(15, ge=0, description="shortest break after a full session")
    session_target: int = Field(60, ge=1, description="judgments that a session aims at")
    rationale: Literal["optional", "required", "on_contradiction"] = Field(
        "on_contradiction",
        description="when the screen asks for reasons: never, always, or when the overall verdict "
        "contradicts the dimensions",
    )
    calibration: Calibration | None = Field(None, description="anchors before live work")
    seed: int = Field(0, description="decides sides and where gold and duplicates fall")

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        if not queries.counts(self.purpose):
            raise ValueError(f"purpose {self.purpose.value}: live, relabel or evaluation")
        if self.gold_share + self.duplicate_share >= 1:
            raise ValueError("gold_share and duplicate_share leave no room for work: less than 1")
        return self


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands."""

    id: str
    name: str
    spec: str
    settings: CampaignSettings
    parents: tuple[str, ...]
    state: str
    created: int


def create(
    tx: Transaction,
    name: str,
    spec: str,
    settings: CampaignSettings,
    parents: Sequence[str] = (),
) -> Campaign:
    """Open a campaign under a published specification.

    Raises BadInput for a specification that is not official, Conflict for a name in use.
    """
    people.require(tx, "campaign.manage")
    artifact = published(tx, spec)
    if queries.campaign_by_name(tx, name) is not None:
        raise Conflict(f"there is already a campaign {name!r}: choose another name")
    for parent in parents:
        artifacts.get(tx, parent)
    row = {
        "id": new_id(),
        "name": name,
        "spec": artifact.digest,
        "parents": sorted({artifact.digest, *parents}),
        "settings": settings.model_dump(mode="json"),
        "created": tx.now,
    }
    state = {"campaign": row["id"], "number": 1, "state": "open", "reason": "created"}
    tx.append_many(
        [(tables.campaign, [row]), (tables.campaign_state, [state])],
        action="campaign.create",
        subject=str(row["id"]),
        detail={"name": name, "spec": artifact.digest},
    )
    return get(tx, name)


def published(reader: Reader, spec: str) -> Artifact:
    """The specification meant. Raises BadInput for one that nobody approved."""
    artifact = names.resolve(reader, spec, kind="spec")
    if not any("@v" in known for known in names.names_of(reader, artifact.digest)):
        raise BadInput(
            f"specification {artifact.short} is not published: "
            "prefloop spec publish, then a second person approves it"
        )
    return artifact


def get(reader: Reader, name: str) -> Campaign:
    """The campaign with this name."""
    row = queries.campaign_by_name(reader, name)
    if row is None:
        raise NotFound(f"no campaign {name!r}: prefloop campaign status lists them")
    mended = queries.campaign_specs(reader, row.id)
    return Campaign(
        row.id,
        row.name,
        mended[-1] if mended else row.spec,
        CampaignSettings.model_validate(row.settings),
        tuple(sorted({*row.parents, *mended})),
        queries.campaign_state(reader, row.id).state,
        row.created,
    )


def known(reader: Reader, name: str) -> Campaign:
    """The campaign with this name or id as it was when this process first read it: its settings
    never change, and reading them costs as much as a turn. Its state may be older than now."""
    kept = _known.setdefault(reader.ledger, {})
    if name not in kept:
        row = queries.campaigns_by_id(reader, [name]).get(name)
        kept[name] = get(reader, row.name if row else name)
    return kept[name]


def set_state(tx: Transaction, campaign: Campaign, state: str, reason: str) -> Campaign:
    """Pause, reopen or close. A closed campaign stays closed."""
    people.require(tx, "campaign.manage")
    if state not in _STATES:
        raise BadInput(f"no campaign state {state!r}: one of {', '.join(_STATES)}")
    queries.hold_campaign(tx, campaign.id, "change")
    before = queries.campaign_state(tx, campaign.id)
    if before.state == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: its label batch is made")
    if before.state == state:
        return campaign
    if state == "open" and queries.agreement_pause(tx, campaign.id, before.number):
        raise Conflict(
            f"campaign {campaign.name} is paused because people do not agree: mend the "
            f"specification, then prefloop campaign resume {campaign.name}"
        )
    write_state(tx, campaign, before.number + 1, state, reason)
    return get(tx, campaign.name)


def write_state(tx: Transaction, campaign: Campaign, number: int, state: str, reason: str) -> None:
    """Record a state of a campaign that is held for a change, whoever may decide it."""
    row = {
        "campaign": campaign.id,
        "number": number,
        "state": state,
        "reason": reason,
    }
    tx.append(
        tables.campaign_state,
        [row],
        action=f"campaign.{state}",
        subject=campaign.id,
        detail={"reason": reason},
    )


def set_profile(
    tx: Transaction,
    annotator: str,
    specialties: Sequence[str] = (),
    languages: Sequence[str] = ("en",),
) -> None:
    """What an annotator knows: decides which lanes of a queue are theirs."""
    people.require(tx, "campaign.manage")
    people.person_id(tx, annotator)
    row = {
        "annotator": annotator,
        "number": queries.profile_number(tx, annotator) + 1,
        "specialties": sorted(set(specialties)),
        "languages": sorted(set(languages)),
    }
    tx.append(tables.profile, [row], action="annotator.profile", subject=annotator)


def status(reader: Reader, campaign: Campaign) -> dict[str, Any]:
    """Where a campaign stands: places wanted, leased and judged, by kind, and spot checks."""
    return {
        "name": campaign.name,
        "state": campaign.state,
        "spec": campaign.spec,
        "queue": queries.queue_counts(reader, campaign.id),
        "checks": queries.check_counts(reader, campaign.id),
        "annotators": queries.annotator_counts(reader, campaign.id),
    }
