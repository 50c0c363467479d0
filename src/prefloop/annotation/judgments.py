"""Taking judgments in: once each, never changed, never lost.

A submission says what the annotator saw (`choice` 1, 2 or 0 for a tie) and carries a key of the
sender's making; sending it again returns the first judgment. A correction supersedes, it does not
overwrite. A lease that ran out is honoured while its place is still free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prefloop.annotation import calibration, queries, sessions, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.digest import new_id, text_digest
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.core.records import Purpose, Verdict
from prefloop.store import people, texts
from prefloop.store.engine import Transaction

__all__ = ["Submission", "revise", "submit"]

Choice = Literal[0, 1, 2]
_LONGEST = 24 * 60 * 60 * 1000  # milliseconds


@dataclass(frozen=True, slots=True)
class Submission:
    """What an annotator sends: about Response 1 and Response 2 as they stood on the screen.

    `dimensions` maps a dimension's name to 1, 2 or 0; `strength` is 1 (slightly) to 3 (strongly).
    """

    assignment: str
    choice: Choice
    key: str
    strength: int = 1
    dimensions: Mapping[str, Choice] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    rationale: str = ""
    active_ms: int = 0


def submit(
    tx: Transaction, campaign: Campaign, annotator: str, sent: Sequence[Submission]
) -> list[str]:
    """Record judgments, all or none, under one audit event; returns their ids in the order sent.

    Raises Conflict when a place was given to somebody else, an assignment is judged already, or a
    key was used for something else; the sender keeps the text.
    """
    return _record(tx, campaign, annotator, sent, revision=False)


def revise(tx: Transaction, campaign: Campaign, annotator: str, sent: Submission) -> str:
    """Replace one's own judgment by a new one; the old one stays on record."""
    return _record(tx, campaign, annotator, [sent], revision=True)[0]


def _record(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    sent: Sequence[Submission],
    *,
    revision: bool,
) -> list[str]:
    if tx.actor != annotator:
        raise NotPermitted(f"{tx.actor} cannot judge in the name of {annotator}")
    for one in sent:
        _check(one)
    if len({one.key for one in sent}) != len(sent):
        raise BadInput("two submissions of one batch carry the same key: make keys unique")
    state = queries.hold_campaign(tx, campaign.id, "work in")
    sessions.note(tx, annotator, campaign.settings)
    rows = queries.assignments(tx, {one.assignment for one in sent})
    known = queries.by_key(tx, annotator, [one.key for one in sent])
    for one in sent:
        if one.key in known:
            _same(tx, one, known[one.key], rows)
    fresh = [one for one in sent if one.key not in known]
    if fresh and state == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: keep the text, it was not recorded")
    new = _rows(tx, campaign, annotator, fresh, rows, revision)
    if new:
        _store(tx, campaign, annotator, new, [rows[one.assignment] for one in fresh], revision)
    ids = {row["key"]: row["id"] for row in new} | {key: row.id for key, row in known.items()}
    return [ids[one.key] for one in sent]


def _check(one: Submission) -> None:
    for choice in (one.choice, *one.dimensions.values()):
        if not _whole(choice, 0, 2):
            raise BadInput(f"choice {choice!r}: 1, 2, or 0 for a tie")
    if not _whole(one.strength, 1, 3):
        raise BadInput(f"strength {one.strength!r}: 1 (slightly) to 3 (strongly)")
    if not one.key or len(one.key) > 200:
        raise BadInput("a submission needs a key of at most 200 characters")
    if not _whole(one.active_ms, 0, _LONGEST):
        raise BadInput(f"active time {one.active_ms!r}: a number of milliseconds, at most a day")
    if isinstance(one.flags, str) or not all(isinstance(flag, str) for flag in one.flags):
        raise BadInput(f"flags {one.flags!r}: a list of words")


def _whole(value: object, low: int, high: int) -> bool:
    # Not 1.5 and not True: the ledger would keep another number than the one that was sealed.
    return type(value) is int and low <= value <= high


def _rows(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    sent: Sequence[Submission],
    assignments: Mapping[str, Any],
    revision: bool,
) -> list[dict[str, Any]]:
    if not sent:
        return []
    if len({one.assignment for one in sent}) != len(sent):
        raise BadInput("two submissions of one batch judge the same assignment: send one")
    found = [_own(campaign, annotator, assignments.get(one.assignment)) for one in sent]
    _require_role(tx, found)
    queries.lock_places(tx, campaign.id, [r.comparison for r in found if queries.counts(r.purpose)])
    for row in found:
        _admit(tx, campaign, row, revision)
    words = texts.put_many(tx, {one.rationale for one in sent if one.rationale})
    return [_row(tx, campaign, one, assignments[one.assignment], words, revision) for one in sent]


def _own(campaign: Campaign, annotator: str, row: Any) -> Any:
    if row is None or row.annotator != annotator or row.campaign != campaign.id:
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    return row


def _require_role(tx: Transaction, rows: Sequence[Any]) -> None:
    checks = {row.purpose == Purpose.SPOT_CHECK for row in rows}
    for checking in checks:
        people.require(tx, "spot check" if checking else "judge")


def _admit(tx: Transaction, campaign: Campaign, row: Any, revision: bool) -> None:
    """Whether this assignment may take a judgment now; retakes a lapsed place if it is free."""
    if row.state == "judged" and not revision:
        raise Conflict("this comparison is judged already: revise it instead")
    if row.state != "judged" and revision:
        raise Conflict("there is nothing to revise: this comparison is not judged yet")
    lapsed = row.state in ("expired", "returned") and queries.counts(row.purpose)
    if lapsed and not queries.retake_place(tx, campaign.id, row.comparison):
        raise Conflict("the lease ran out and somebody else has judged this comparison")


def _row(
    tx: Transaction,
    campaign: Campaign,
    one: Submission,
    row: Any,
    words: Mapping[str, str],
    revision: bool,
) -> dict[str, Any]:
    before = queries.latest(tx, row.id) if revision else None
    verdict, dimensions = _verdicts(one, row.first_shown)
    return {
        "id": new_id(),
        "assignment": row.id,
        "campaign": campaign.id,
        "comparison": row.comparison,
        "annotator": row.annotator,
        "purpose": row.purpose,
        "round": row.round,
        "verdict": verdict,
        "strength": one.strength,
        "dimensions": dimensions,
        "flags": list(one.flags),
        "rationale": words[one.rationale] if one.rationale else "",
        "first_shown": row.first_shown,
        "active_ms": one.active_ms,
        "spec": campaign.spec,
        "key": one.key,
        "supersedes": before.id if before else None,
        "created": tx.now,
    }


def _verdicts(one: Submission, first_shown: str) -> tuple[str, dict[str, str]]:
    sides = {name: _verdict(choice, first_shown) for name, choice in one.dimensions.items()}
    return _verdict(one.choice, first_shown), sides


def _verdict(choice: int, first_shown: str) -> str:
    """From the screen's words to the comparison's."""
    if choice == 0:
        return Verdict.TIE.value
    first = Verdict(first_shown)
    return (first if choice == 1 else first.swap()).value


def _same(tx: Transaction, one: Submission, row: Any, assignments: Mapping[str, Any]) -> None:
    """Raise Conflict unless this is what was recorded under its key. The clock is no part of it:
    a sender who tries again took longer."""
    shown = assignments.get(one.assignment)
    if shown is None or row.assignment != one.assignment or _said(tx, one, shown) != _kept(row):
        raise Conflict(f"key {one.key!r} was used for another judgment: make a new key")


def _said(tx: Transaction, one: Submission, shown: Any) -> tuple[Any, ...]:
    rationale = text_digest(tx.ledger.key, one.rationale) if one.rationale else ""
    return (*_verdicts(one, shown.first_shown), one.strength, list(one.flags), rationale)


def _kept(row: Any) -> tuple[Any, ...]:
    return (row.verdict, row.dimensions, row.strength, row.flags, row.rationale)


def _store(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    rows: list[dict[str, Any]],
    assignments: Sequence[Any],
    revision: bool,
) -> None:
    if not revision:
        queries.mark_judged(tx, campaign.id, assignments)
    tx.append(
        tables.judgment,
        rows,
        action="judgment.revise" if revision else "judgment.submit",
        subject=rows[0]["id"] if len(rows) == 1 else campaign.id,
        detail={"judgments": len(rows)},
    )
    if any(row["purpose"] == "anchor" for row in rows):
        calibration.assess(tx, campaign, annotator)
