"""Campaigns: what people are asked to judge, by which specification, how many times each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefloop.annotation import queries, tables
from prefloop.core.digest import digest, new_id, rng
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.core.records import Completion, Prompt, Purpose, Verdict
from prefloop.store import artifacts, names, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import prompt_row, prompt_words

__all__ = [
    "Answer",
    "Calibration",
    "Campaign",
    "CampaignSettings",
    "Item",
    "add_items",
    "create",
    "get",
    "published",
    "set_profile",
    "set_state",
    "status",
]

_WRITE_BATCH = 2000
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
    spot_check_share: float = Field(0.10, ge=0, le=1, description="routine work a senior looks at")
    lease_seconds: int = Field(900, ge=1, description="how long a claimed comparison is kept")
    session_minutes: int = Field(90, ge=1, description="longest session before a break")
    break_minutes: int = Field(15, ge=0, description="shortest break after a full session")
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expert says of a gold or anchor item, about the two completions as they were given:
    `verdict` a means the first of the two."""

    verdict: Verdict
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to judge. `answer` makes it a gold item, or an anchor with `anchor=True`."""

    prompt: Prompt
    first: Completion
    second: Completion
    overlap: int | None = None
    answer: Answer | None = None
    anchor: bool = False

    @property
    def kind(self) -> str:
        return "work" if self.answer is None else "anchor" if self.anchor else "gold"


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
    return Campaign(
        row.id,
        row.name,
        row.spec,
        CampaignSettings.model_validate(row.settings),
        tuple(row.parents),
        queries.campaign_state(reader, row.id).state,
        row.created,
    )


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
    row = {
        "campaign": campaign.id,
        "number": before.number + 1,
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
    return get(tx, campaign.name)


def add_items(tx: Transaction, campaign: Campaign, items: Iterable[Item]) -> list[str]:
    """Put items into the queue; returns their comparison ids, in the order given.

    Each comparison is stored once, in canonical order, whichever campaign asks about it. An item
    that is in this campaign already is left as it is.
    """
    people.require(tx, "campaign.manage")
    if queries.hold_campaign(tx, campaign.id, "add to") == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: create another one")
    ids: list[str] = []
    wanted = list(items)
    for start in range(0, len(wanted), _WRITE_BATCH):
        ids += _add_batch(tx, campaign, wanted[start : start + _WRITE_BATCH])
    return ids


def _add_batch(tx: Transaction, campaign: Campaign, items: list[Item]) -> list[str]:
    stored = texts.put_many(tx, _words(items))
    rows = [_comparison(item, stored) for item in items]
    first: dict[str, tuple[Item, dict[str, Any]]] = {}  # of items that come twice, the first counts
    for item, row in zip(items, rows, strict=True):
        first.setdefault(row["id"], (item, row))
    known = queries.known_comparisons(tx, first)
    queued = queries.queued(tx, campaign.id, first)
    fresh = [row for key, (_, row) in first.items() if key not in known]
    new = {key: pair for key, pair in first.items() if key not in queued}
    answers = [
        _answer(campaign, item, row, stored[item.first.text])
        for item, row in new.values()
        if item.answer is not None
    ]
    if new:
        tx.append_many(
            [(tables.comparison, fresh), (tables.answer, answers)],
            action="campaign.add",
            subject=campaign.id,
            detail={"items": len(new), "digest": digest(sorted(new))},
        )
        start = queries.queue_end(tx, campaign.id) + 1
        order = rng(campaign.settings.seed, campaign.name, start).permutation(len(new))
        places = [
            {
                **_place(campaign, item, key),
                "origin": _origin(item, row["a"] == stored[item.first.text]),
                "position": start + int(offset),
            }
            for offset, (key, (item, row)) in zip(order, new.items(), strict=True)
        ]
        queries.insert_queue(tx, places)
    return [row["id"] for row in rows]


def _words(items: list[Item]) -> Iterable[str]:
    yield from prompt_words(item.prompt for item in items)
    for item in items:
        yield item.first.text
        yield item.second.text


def _comparison(item: Item, stored: Mapping[str, str]) -> dict[str, Any]:
    row = prompt_row(item.prompt, stored)
    first, second = stored[item.first.text], stored[item.second.text]
    if first == second:
        raise BadInput(
            f"both completions of {item.prompt.text[:60]!r} are the same text: leave it out"
        )
    # Canonical order: by keyed digest, so neither model nor sampling order can show through.
    a, b = sorted((first, second))
    return {"id": digest([row["messages"], a, b]), **row, "a": a, "b": b}


def _origin(item: Item, first_is_a: bool) -> dict[str, str]:
    """Who wrote a and who wrote b."""
    one, other = item.first.model, item.second.model
    return {"a": one, "b": other} if first_is_a else {"a": other, "b": one}


def _answer(campaign: Campaign, item: Item, row: Mapping[str, Any], first: str) -> dict[str, Any]:
    assert item.answer is not None
    verdict = item.answer.verdict if row["a"] == first else item.answer.verdict.swap()
    return {
        "campaign": campaign.id,
        "comparison": row["id"],
        "verdict": verdict.value,
        "explanation": item.answer.explanation,
    }


def _place(campaign: Campaign, item: Item, comparison: str) -> dict[str, Any]:
    wanted = campaign.settings.overlap if item.overlap is None else item.overlap
    if wanted < 1:
        raise BadInput(f"overlap {wanted} of {item.prompt.text[:60]!r}: ask for at least 1")
    return {
        "campaign": campaign.id,
        "comparison": comparison,
        "kind": item.kind,
        "lane": f"{item.prompt.language}/{item.prompt.specialty}",
        "wanted": wanted,
        "taken": 0,
        "judged": 0,
    }


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
    """Where a campaign stands: places wanted, leased and judged, by kind."""
    return {
        "name": campaign.name,
        "state": campaign.state,
        "spec": campaign.spec,
        "queue": queries.queue_counts(reader, campaign.id),
        "annotators": queries.annotator_counts(reader, campaign.id),
    }
