"""What the screen's script asks for: a turn, a draft kept, the last judgment, a leave.

A turn is one commit: the judgment, its draft forgotten, the next comparisons leased.
"""

import json
import re
from dataclasses import asdict
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from prefloop.annotation import (
    calibration,
    campaigns,
    drafts,
    edits,
    explanations,
    queue,
    rankings,
    rationale,
    skipping,
)
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.edits import Edit
from prefloop.annotation.judgments import Submission
from prefloop.annotation.queue import Turn
from prefloop.core.errors import BadInput
from prefloop.flows.project import Project
from prefloop.store.engine import Transaction
from prefloop.web.annotation import guide, view
from prefloop.web.annotation.last import last_said
from prefloop.web.identity import May, Signed

__all__ = ["router"]

router = APIRouter(prefix="/api")
Judge = Annotated[Signed, Depends(May("judge"))]

_UNKEPT = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of letters: no database takes both


def _storable(text: str) -> str:
    if found := _UNKEPT.search(text):
        place, code = found.start() + 1, ord(found[0])
        raise ValueError(f"character {place} (U+{code:04X}) cannot be stored: take it out")
    return text


def _once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("something is named twice")
    return names


_Storable = AfterValidator(_storable)
Id = Annotated[str, Field(max_length=64), _Storable]
Key = Annotated[str, Field(max_length=200), _Storable]
Name = Annotated[str, Field(max_length=500), _Storable]
Reasons = Annotated[str, Field(max_length=20_000), _Storable]
Choice = Annotated[int, Field(ge=0, le=2)]  # a Literal would take true for 1
Strength = Annotated[int, Field(ge=1, le=3)]
Rank = Annotated[int, Field(ge=1, le=50)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what a browser counts to
Choices = Annotated[dict[Name, Choice], Field(max_length=100)]
Flags = Annotated[list[Name], Field(max_length=100), AfterValidator(_once)]
Side = Literal[0, 1, 2]
Beside = tuple[dict[str, Any] | None, tuple[str | None, ...] | None]
_MOST_WANTED = 10


class Sent(BaseModel):
    """A judgment as the screen sends it: a choice, or, of more than two responses, a ranking.

    `ranking` names responses as they stand on the screen, best first, those that tie together.
    `revises` asks to replace what was recorded before.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    assignment: Id
    key: Key
    choice: Choice | None = None
    ranking: list[Annotated[list[Rank], Field(max_length=50)]] | None = Field(None, max_length=50)
    strength: Strength = 1
    dimensions: Choices = {}
    flags: Flags = []
    rationale: Reasons = ""
    active_ms: Count = 0
    focus_losses: Count = 0
    away_ms: Count = 0
    revises: bool = False


class Asked(BaseModel):
    """One turn: what was judged, what the browser has, how many it should have afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True)
    submission: Sent | None = None
    have: list[Id] = Field(default=[], max_length=100)
    want: int = Field(2, ge=0, le=_MOST_WANTED)


class Draft(BaseModel):
    """A judgment not sent yet; `at` is the browser's clock, which orders drafts of one browser."""

    model_config = ConfigDict(extra="forbid", strict=True)
    choice: Choice | None = None
    strength: Strength = 1
    dimensions: Choices = {}
    ranks: dict[Id, Rank] = Field(default={}, max_length=50)
    flags: Flags = []
    rationale: Reasons = ""
    active_ms: Count = 0
    focus_losses: Count = 0
    away_ms: Count = 0
    at: Count = 0


class Edited(BaseModel):
    """How Response 1 or 2 should have read."""

    model_config = ConfigDict(extra="forbid", strict=True)
    assignment: Id
    response: Annotated[int, Field(ge=1, le=2)]
    text: Annotated[str, Field(max_length=edits.LONGEST), _Storable]
    key: Key


class Skipped(BaseModel):
    """A comparison that somebody cannot judge."""

    model_config = ConfigDict(extra="forbid", strict=True)
    assignment: Id
    why: Annotated[str, Field(max_length=skipping.LONGEST), _Storable]
    key: Key


@router.post("/campaigns/{name:path}/turn")
def turn(request: Request, name: str, asked: Asked, signed: Judge) -> Response:
    """Record what was judged, and lease what comes next."""
    project: Project = request.app.state.project
    who, sent = signed.handle, asked.submission
    with project.ledger.transaction(who) as tx:
        campaign = campaigns.known(tx, name)
        said = _submission(tx, campaign, who, sent) if sent else None
        revises = sent is not None and sent.revises
        done = queue.turn(tx, campaign, who, said, asked.want, asked.have, revises=revises)
        if sent is not None and done.judgment is not None:
            _keep_rest(tx, campaign, who, sent, done.judgment)
        beside = _beside(tx, campaign, who, done)
        expert = _expert(tx, campaign, who, sent)
        # Its last anchor let this person through; one that is only revised did so before.
        through = expert is not None and not revises and _cleared(tx, campaign, who)
    # Rendered after the commit: nobody waits for it with the ledger in hand.
    items = [view.item(one, *beside[one.assignment]) for one in done.next]
    return _json({**_answer(done, items), "expert": expert, "through": through})


@router.put("/drafts/{assignment}")
def keep_draft(request: Request, assignment: str, draft: Draft, signed: Judge) -> Response:
    """Keep what is not sent yet, for another browser or a day later."""
    project: Project = request.app.state.project
    with project.ledger.transaction(signed.handle) as tx:
        kept = drafts.save(tx, signed.handle, assignment, draft.model_dump())
    return _json({"kept": kept})


@router.get("/campaigns/{name:path}/last")
def last(request: Request, name: str, signed: Judge) -> Response:
    """The person's own last judgment in this campaign, to be looked at again."""
    project: Project = request.app.state.project
    with project.ledger.reader() as reader:
        found = last_said(reader, campaigns.get(reader, name), signed.handle)
    return _json(found or {"item": None, "said": None})


@router.get("/campaigns/{name:path}/words/{assignment}")
def words(request: Request, name: str, assignment: str, signed: Judge) -> Response:
    """The two responses of one of the person's own assignments as they were written, to edit."""
    project: Project = request.app.state.project
    with project.ledger.reader() as reader:
        shown = drafts.own(reader, campaigns.get(reader, name), signed.handle, assignment)
    return _json({"words": [shown.first, shown.second]})


@router.post("/campaigns/{name:path}/edit")
def edit(request: Request, name: str, edited: Edited, signed: Judge) -> Response:
    """Record how a response should have read."""
    project: Project = request.app.state.project
    with project.ledger.transaction(signed.handle) as tx:
        side = cast(Literal[1, 2], edited.response)
        sent = Edit(edited.assignment, side, edited.text, edited.key)
        recorded = edits.record(tx, campaigns.get(tx, name), signed.handle, sent)
    return _json({"edit": recorded})


@router.post("/campaigns/{name:path}/skip")
def skip(request: Request, name: str, asked: Skipped, signed: Judge) -> Response:
    """Give one comparison back unjudged, with the reason."""
    project: Project = request.app.state.project
    with project.ledger.transaction(signed.handle) as tx:
        campaign = campaigns.known(tx, name)
        skipping.skip(tx, campaign, signed.handle, asked.assignment, asked.why)
        drafts.forget(tx, asked.assignment)
    return _json({"skipped": asked.assignment})


@router.post("/campaigns/{name:path}/leave")
def leave(request: Request, name: str, signed: Judge) -> Response:
    """Give back what the person holds, for others to judge; drafts stay."""
    project: Project = request.app.state.project
    with project.ledger.transaction(signed.handle) as tx:
        returned = queue.give_back(tx, campaigns.get(tx, name), signed.handle)
    return _json({"returned": returned})


def _submission(tx: Transaction, campaign: Campaign, who: str, sent: Sent) -> Submission:
    """What is recorded, checked against the specification and the campaign's rules."""
    if (sent.choice is None) == (sent.ranking is None):
        raise BadInput("a judgment is a choice, or a ranking: one of them")
    if sent.ranking is not None:
        choice = rankings.choice(tx, campaign, who, sent.assignment, sent.ranking)
    else:
        choice = cast(Side, sent.choice)
    said = Submission(
        sent.assignment,
        choice,
        sent.key,
        sent.strength,
        cast(dict[str, Side], sent.dimensions),
        tuple(sent.flags),
        sent.rationale,
        sent.active_ms,
    )
    guide.check(tx, campaign, said)
    rationale.require(campaign.settings, said)
    return said


def _keep_rest(tx: Transaction, campaign: Campaign, who: str, sent: Sent, judgment: str) -> None:
    """What stands beside a judgment: its ranking, how attentive it was; and no draft any more."""
    if sent.ranking is not None:
        rankings.record(tx, campaign, who, judgment, sent.assignment, sent.ranking)
    drafts.forget(tx, sent.assignment)
    drafts.note_attention(tx, judgment, sent.focus_losses, sent.away_ms)


def _expert(
    tx: Transaction, campaign: Campaign, who: str, sent: Sent | None
) -> dict[str, Any] | None:
    """What the expert says, after an anchor; nothing after anything else."""
    if sent is None or campaign.settings.calibration is None:
        return None
    found = explanations.after(tx, campaign, who, sent.assignment)
    return asdict(found) if found else None


def _cleared(tx: Transaction, campaign: Campaign, who: str) -> bool:
    return bool(calibration.standing(tx, campaign, who)["status"] == "cleared")


def _beside(tx: Transaction, campaign: Campaign, who: str, done: Turn) -> dict[str, Beside]:
    """{assignment: its draft, and its responses where more than two are ranked}."""
    ids = [one.assignment for one in done.next]
    if not ids:
        return {}
    kept, ranked = drafts.of(tx, who, ids)
    slates = rankings.shown(tx, campaign, ranked) if ranked else {}
    return {one: (kept.get(one), slates.get(one)) for one in ids}


def _answer(done: Turn, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "judgment": done.judgment,
        "next": items,
        "held": list(done.held),
        "state": done.state,
        "why": done.why,
        "done": done.done,
        "target": done.target,
        "started": done.started,
        "ends": done.ends,
        "break_until": done.break_until,
        "now": done.now,
    }


def _json(body: dict[str, Any]) -> Response:
    # Made at once from plain values: a response model would look at every field again.
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")), media_type="application/json"
    )
