"""Taking turns: one call records what was judged and hands out what is next, in one commit.

Exactly the wanted overlap under any concurrency: a lease takes a place, a lapsed lease gives it
back. What a browser gets (`Shown`) has no purpose, model or gold flag, and nobody's verdict.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefloop.annotation import campaigns, judgments, places, queries, sessions
from prefloop.annotation.calibration import Locked
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Batch, Submission
from prefloop.annotation.places import Lease
from prefloop.annotation.priority import prioritise
from prefloop.annotation.sessions import Session
from prefloop.annotation.shown import Shown, first_shown, show, shown_rows
from prefloop.annotation.walk import Walk, begin
from prefloop.core.errors import BadInput, Conflict, NotPermitted
from prefloop.core.records import Purpose
from prefloop.store import people
from prefloop.store.engine import Transaction

__all__ = ["Shown", "Turn", "claim", "first_shown", "give_back", "prioritise", "show", "turn"]

Row = Any
State = Literal["work", "nothing", "break", "locked", "paused", "closed"]
Halt = tuple[State, str]
_NOTHING = "There is nothing for you to judge just now."
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did, and what comes next. Times are microseconds since 1970, UTC.

    `next` leaves out what the browser has; `held` names everything it may go on with, in order.
    `why` is a sentence for the annotator when `state` is not "work".
    """

    judgment: str | None
    next: tuple[Shown, ...]
    held: tuple[str, ...]
    state: State
    why: str
    done: int
    target: int
    started: int
    ends: int
    break_until: int | None
    now: int


def turn(
    tx: Transaction,
    campaign: str | Campaign,
    annotator: str,
    sent: Submission | None = None,
    want: int = 2,
    have: Collection[str] = (),
    *,
    revises: bool = False,
) -> Turn:
    """Record `sent`, and lease ahead until the annotator holds `want` comparisons.

    With `revises`, `sent` replaces one's own judgment; the old one stays on record.

    Those who may spot-check get checks among their work. A judgment is taken whatever the reason
    that nothing comes next. Raises Conflict, NotFound, BadInput and NotPermitted about
    `sent` and its sender alone; then nothing is recorded and nothing leased.
    """
    known = campaigns.known(tx, campaign) if isinstance(campaign, str) else campaign
    roles = _roles(tx, annotator)
    state, ranked = queries.work_in(tx, known.id)
    session = sessions.current(tx, annotator, known.settings)
    walk = begin(tx, known, annotator, ranked)
    batch = judgments.open_batch(tx, annotator, [sent] if sent else [])
    halt = _halt(known, state, session, tx.now)
    held, changed = _tidy(tx, known, annotator, batch, over=session.over(tx.now))
    if sent or not session.over(tx.now):
        session = sessions.keep(tx, session, 0 if revises else len(batch.fresh))
    judged = judgments.record(tx, known, annotator, batch, state, revision=revises, roles=roles)
    fresh = list[Lease]()
    if halt is None:
        try:
            fresh = _lease_ahead(walk, roles, want - len(held))
        except Locked as locked:
            halt = ("locked", str(locked))
    walk.keep()
    _log(tx, known, **changed, leased=_ids(fresh))
    rows = [*held, *fresh] if state != "closed" else []
    name, why = halt or (("work", "") if rows else ("nothing", _NOTHING))
    return Turn(
        judged[0] if judged else None,
        tuple(shown_rows(tx, [row for row in rows if row.id not in have])),
        tuple(row.id for row in rows),
        name,
        why,
        session.done,
        known.settings.session_target,
        session.started,
        session.ends,
        session.break_until if name == "break" else None,
        tx.now,
    )


def claim(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    count: int = 1,
    purpose: Purpose | None = None,
) -> list[Shown]:
    """Lease up to `count` comparisons; those the annotator holds already come first.

    `purpose=SPOT_CHECK` asks for judged work to check. An empty list means that there is nothing
    for this annotator now. Raises Conflict for a campaign that is not open, SessionOver, and
    calibration.Locked for an annotator who has to be retrained first.
    """
    checking = purpose is Purpose.SPOT_CHECK
    people.require(tx, "spot check" if checking else "judge")
    if tx.actor != annotator:
        raise NotPermitted(f"{tx.actor} cannot take work in the name of {annotator}")
    if count < 1 or purpose not in (None, Purpose.SPOT_CHECK):
        raise BadInput(f"claim of {count} with purpose {purpose}: at least 1; spot check or none")
    state, ranked = queries.work_in(tx, campaign.id)
    if state != "open":
        raise Conflict(f"campaign {campaign.name} is {state}: nothing is handed out")
    session = sessions.current(tx, annotator, campaign.settings)
    sessions.require(tx, session)
    sessions.keep(tx, session)
    walk = begin(tx, campaign, annotator, ranked)
    latest = _until(tx, campaign)
    overdue = queries.overdue(tx, campaign.id, latest)
    _lock_items(tx, campaign, overdue)
    queries.end_leases(tx, overdue, "expired")
    held = [
        one
        for one in queries.own_leases(tx, campaign.id, annotator, tx.now, latest)
        if (one.purpose == Purpose.SPOT_CHECK) == checking
    ][:count]
    wanted = count - len(held)
    fresh = places.lease(walk, wanted, latest, judges=not checking, checks=checking)
    walk.keep()
    _log(tx, campaign, leased=_ids(fresh), expired=_ids(overdue))
    return shown_rows(tx, [*held, *fresh])


def give_back(tx: Transaction, campaign: Campaign, annotator: str) -> int:
    """Return everything the annotator holds (sign-out, end of session); returns how many."""
    if tx.actor != annotator:
        people.require(tx, "campaign.manage")
    queries.hold_campaign(tx, campaign.id, "work in")
    held = queries.own_leases(tx, campaign.id, annotator, tx.now, _until(tx, campaign))
    leases = _still_leased(tx, held)
    _lock_items(tx, campaign, leases)
    queries.end_leases(tx, leases, "returned")
    _log(tx, campaign, returned=_ids(leases))
    return len(leases)


def _roles(tx: Transaction, annotator: str) -> frozenset[str]:
    """The annotator's roles. Raises NotPermitted unless they may judge or check."""
    if tx.actor != annotator:
        raise NotPermitted(f"{tx.actor} cannot take work in the name of {annotator}")
    roles = people.roles(tx, annotator)
    if not roles & (people.PERMISSIONS["judge"] | people.PERMISSIONS["spot check"]):
        people.require(tx, "judge")
    return roles


def _halt(campaign: Campaign, state: str, session: Session, now: int) -> Halt | None:
    """Why nothing new is handed out, if that is so."""
    if state == "closed":
        return "closed", f"{campaign.name} is closed. Thank you."
    if state == "paused":
        return "paused", f"{campaign.name} is paused. What you hold can still be sent."
    if session.over(now):
        minutes = campaign.settings.session_minutes
        return "break", f"You have worked {minutes} minutes: take a break, then go on."
    return None


def _tidy(
    tx: Transaction, campaign: Campaign, annotator: str, batch: Batch, *, over: bool
) -> tuple[list[Lease], dict[str, list[str]]]:
    """End leases that ran out, and one's own at the end of a session: what is still held, and what
    was changed. What is being judged now is left alone, however late it comes."""
    latest = _until(tx, campaign)
    overdue = [one for one in queries.overdue(tx, campaign.id, latest) if one.id not in batch.rows]
    held = [
        one
        for one in queries.own_leases(tx, campaign.id, annotator, tx.now, latest)
        if one.id not in batch.rows
    ]
    returned = _still_leased(tx, held) if over else []
    _lock_items(tx, campaign, [*overdue, *returned], batch.places)
    queries.end_leases(tx, overdue, "expired")
    queries.end_leases(tx, returned, "returned")
    changed = {"expired": _ids(overdue), "returned": _ids(returned)}
    if over:
        return [], changed
    # Who is at work keeps what they hold.
    soon = {one.id for one in held if one.lease_until < (tx.now + latest) // 2}
    queries.extend_leases(tx, sorted(soon), latest)
    kept = [
        Lease(
            one.id,
            one.comparison,
            one.first_shown,
            latest if one.id in soon else one.lease_until,
        )
        for one in held
    ]
    return kept, {**changed, "extended": sorted(soon)}


def _lease_ahead(walk: Walk, roles: frozenset[str], count: int) -> list[Lease]:
    judges, checks = (bool(roles & people.PERMISSIONS[one]) for one in ("judge", "spot check"))
    until = _until(walk.tx, walk.campaign)
    return places.lease(walk, count, until, judges=judges, checks=checks)


def _log(tx: Transaction, campaign: Campaign, **changed: list[str]) -> None:
    """One event, written last: it locks the audit chain."""
    if any(changed.values()):
        action = "queue.return" if changed.keys() == {"returned"} else "queue.lease"
        tx.event(action, campaign.id, changed)


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]


def _until(tx: Transaction, campaign: Campaign) -> int:
    """When a lease made now ends."""
    return tx.now + campaign.settings.lease_seconds * _SECOND


def _still_leased(tx: Transaction, held: Sequence[Row]) -> list[Row]:
    """Those that nobody else ended meanwhile, locked."""
    rows = queries.assignments(tx, [one.id for one in held])
    return [row for row in rows.values() if row.state == "leased"]


def _lock_items(
    tx: Transaction, campaign: Campaign, leases: Sequence[Row], more: Sequence[str] = ()
) -> None:
    freed = [one.comparison for one in leases if queries.counts(one.purpose)]
    if freed or more:
        queries.lock_places(tx, campaign.id, [*freed, *more])
