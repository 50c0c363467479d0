"""Taking judgments in: once each, never changed, never lost.

A submission says what the annotator saw (`choice` 1, 2 or 0 for a tie) and carries a key of the
sender's making; sending it again returns the first judgment. A correction supersedes, it does not
overwrite. A lease that ran out is honoured while its place is still free.
"""

from collections.abc import Mapping, Sequence, Set
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


@dataclass(frozen=True, slots=True)
class Batch:
    """Submissions on their way in: what was sent, the assignments they judge (locked), and what
    was recorded under the same keys before."""

    sent: Sequence[Submission]
    rows: Mapping[str, Any]
    known: Mapping[str, Any]

    @property
    def fresh(self) -> list[Submission]:
        return [one for one in self.sent if one.key not in self.known]

    @property
    def places(self) -> list[str]:
        """Comparisons whose places in the queue these judgments change."""
        judged = [self.rows[one.assignment] for one in self.fresh if one.assignment in self.rows]
        return [row.comparison for row in judged if queries.counts(row.purpose)]


def open_batch(tx: Transaction, annotator: str, sent: Sequence[Submission]) -> Batch:
    """Look at what was sent, and lock what it is about. Raises BadInput for what means nothing."""
    for one in sent:
        _check(one)
    for name in ("key", "assignment"):
        if len({getattr(one, name) for one in sent}) != len(sent):
            raise BadInput(f"two submissions of one batch have the same {name}: send one")
    if not sent:
        return Batch((), {}, {})
    rows = queries.assignments(tx, {one.assignment for one in sent})
    return Batch(sent, rows, queries.by_key(tx, annotator, [one.key for one in sent]))


def record(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    batch: Batch,
    state: str,
    *,
    revision: bool = False,
    roles: Set[str] | None = None,
) -> list[str]:
    """Write a batch whose places are locked, under one event; returns ids in the order sent.
    `roles` are the annotator's, where they were looked up already."""
    for one in batch.sent:
        if one.key in batch.known:
            _same(tx, one, batch.known[one.key], batch.rows)
    fresh = batch.fresh
    if fresh and state == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: keep the text, it was not recorded")
    judged = [_own(campaign, annotator, batch.rows.get(one.assignment)) for one in fresh]
    _require_role(tx, judged, roles)
    for row in judged:
        _admit(tx, campaign, row, revision)
    new = _rows(tx, campaign, fresh, batch.rows, revision)
    if new:
        _store(tx, campaign, annotator, new, judged, revision)
    ids = {row["key"]: row["id"] for row in new}
    ids |= {key: row.id for key, row in batch.known.items()}
    return [ids[one.key] for one in batch.sent]


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
    state = queries.hold_campaign(tx, campaign.id, "work in")
    session = sessions.current(tx, annotator, campaign.settings)
    batch = open_batch(tx, annotator, sent)
    # Never refused: what was written at the limit of a session is still worth having.
    sessions.keep(tx, session, 0 if revision else len(batch.fresh))
    queries.lock_places(tx, campaign.id, batch.places)
    return record(tx, campaign, annotator, batch, state, revision=revision)


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
    sent: Sequence[Submission],
    assignments: Mapping[str, Any],
    revision: bool,
) -> list[dict[str, Any]]:
    reasons = {one.rationale for one in sent if one.rationale}
    words = texts.put_many(tx, reasons) if reasons else {}
    return [_row(tx, campaign, one, assignments[one.assignment], words, revision) for one in sent]


def _own(campaign: Campaign, annotator: str, row: Any) -> Any:
    if row is None or row.annotator != annotator or row.campaign != campaign.id:
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    return row


def _require_role(tx: Transaction, rows: Sequence[Any], roles: Set[str] | None) -> None:
    checks = {row.purpose == Purpose.SPOT_CHECK for row in rows}
    for checking in checks:
        action = "spot check" if checking else "judge"
        if roles is None or not roles & people.PERMISSIONS[action]:
            people.require(tx, action)


def _admit(tx: Transaction, campaign: Campaign, row: Any, revision: bool) -> None:
    """Whether this assignment may take a judgment now; retakes a lapsed place if it is free."""
    if row.state == "judged" and not revision:
        raise Conflict("this comparison is judged already: revise it instead")
    if row.state != "judged" and revision:
        raise Conflict("there is nothing to revise: this comparison is not judged yet")
    if row.state == "skipped":
        raise Conflict("you skipped this comparison: it went back to the others")
    if row.state in ("expired", "returned") and not _retaken(tx, campaign, row):
        raise Conflict("the lease ran out and somebody else has judged this comparison")


def _retaken(tx: Transaction, campaign: Campaign, row: Any) -> bool:
    """Whether what was held before may still be judged; its place is taken again."""
    if queries.counts(row.purpose):
        return queries.retake_place(tx, campaign.id, row.comparison)
    if row.purpose == Purpose.SPOT_CHECK:
        queries.take_check(tx, campaign.id, row.comparison)  # two checks are better than none
    # Gold and repeats take no place; taken when all work is gone, they would be known by it.
    known = row.purpose in (Purpose.GOLD, Purpose.DUPLICATE)
    return not known or queries.has_open_work(tx, campaign.id)


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
