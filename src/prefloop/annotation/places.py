"""Which comparisons an annotator is given next, and leasing them.

What somebody gave back or let lapse comes first when they return, in its order. Otherwise a gold
item, which keeps its place in the queue, would come back sooner than work, which goes to the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.annotation import calibration, queries
from prefloop.annotation.chance import coin
from prefloop.annotation.shown import first_shown
from prefloop.annotation.walk import Walk, ahead, find, passed
from prefloop.core.digest import new_id
from prefloop.core.records import Purpose

__all__ = ["Lease", "lease"]

_WINDOW = 100
_CHECK_FIRST = 0.5  # how often a check stands before work, for those who do both
Row = Any


@dataclass(frozen=True, slots=True)
class Lease:
    """What a fresh lease shows of its row."""

    id: str
    comparison: str
    first_shown: str
    lease_until: int


@dataclass(frozen=True, slots=True)
class Place:
    """A comparison that is to be leased."""

    comparison: str
    purpose: Purpose
    round: int


def lease(walk: Walk, count: int, until: int, *, judges: bool, checks: bool) -> list[Lease]:
    """Lease up to `count` comparisons: anchors until cleared, then what was given back, then work
    with gold, repeats and spot checks in between. Raises calibration.Locked."""
    if count <= 0:
        return []
    tx, campaign, annotator = walk.tx, walk.campaign, walk.annotator
    if judges and calibration.standing(tx, campaign, annotator)["status"] != "cleared":
        anchors, at = calibration.due(tx, campaign, annotator)
        return _lease(walk, [Place(one, Purpose.ANCHOR, at) for one in anchors[:count]], until)
    again = _given_back(walk, count, until, judges, checks)
    fresh = _mixed(walk, count - len(again), judges, checks)
    return [*again, *_lease(walk, fresh, until)]


def _given_back(walk: Walk, count: int, until: int, judges: bool, checks: bool) -> list[Lease]:
    """What this annotator held before and may still have, under the numbers it had."""
    settings = walk.campaign.settings
    purposes = [settings.purpose, Purpose.GOLD, Purpose.DUPLICATE] if judges else []
    purposes += [Purpose.SPOT_CHECK] if checks else []
    rows = queries.given_back(walk.tx, walk.campaign.id, walk.annotator, purposes, count)
    work = [row.comparison for row in rows if queries.counts(row.purpose)]
    queries.take_places(walk.tx, walk.campaign.id, work)
    for row in rows:
        if row.purpose == Purpose.SPOT_CHECK:
            queries.take_check(walk.tx, walk.campaign.id, row.comparison)
    queries.renew(walk.tx, walk.campaign.id, until, {row.id: row.sequence for row in rows})
    return [Lease(row.id, row.comparison, row.first_shown, until) for row in rows]


def _mixed(walk: Walk, count: int, judges: bool, checks: bool) -> list[Place]:
    """Places of work and of checks, in an order that tells nothing."""
    if not (judges and checks):
        return _checks(walk, count) if checks else _work(walk, count)
    drawn = [_coin(walk, "check", k) < _CHECK_FIRST for k in range(count)]
    due = _checks(walk, sum(drawn))
    work = _work(walk, count - len(due))
    due += _checks(walk, count - len(due) - len(work))
    order = list[Place]()
    for check in drawn:
        stack = (due if check else work) or due or work
        if stack:
            order.append(stack.pop(0))
    return order


def _work(walk: Walk, count: int) -> list[Place]:
    """Up to `count` places of work, with gold and repeats in between."""
    if count <= 0:
        return []
    tx, campaign = walk.tx, walk.campaign
    kinds = [_kind(walk, k) for k in range(count)]
    lanes = queries.lanes(tx, walk.annotator)
    gold = _gold(walk, lanes, kinds.count(Purpose.GOLD))
    repeats = _repeats(walk, kinds.count(Purpose.DUPLICATE))
    found, more = _items(walk, lanes, count - len(gold) - len(repeats))
    queries.take_places(tx, campaign.id, found)
    settings = campaign.settings
    live = [Place(one, settings.purpose, settings.round) for one in found]
    order = _interleave(kinds, gold, [one for one, _ in repeats], live, more)
    walk.repeated = max([at for one, at in repeats if one in order], default=walk.repeated)
    return order


def _checks(walk: Walk, count: int) -> list[Place]:
    """Up to `count` spot checks of others' judged work: high stakes first, then what was drawn."""
    places, round_ = list[Place](), walk.campaign.settings.round
    for due in (2, 1):
        if len(places) >= count:
            break
        key = f"check {due}"
        rows = queries.due_checks(
            walk.tx,
            walk.campaign.id,
            due,
            walk.annotator,
            round_,
            walk.cursors.get(key, 0),
            max(_WINDOW, count),
        )
        for row in rows:
            if len(places) >= count:
                break
            walk.cursors[key] = row.position
            if not row.touched and queries.take_check(walk.tx, walk.campaign.id, row.comparison):
                places.append(Place(row.comparison, Purpose.SPOT_CHECK, round_))
        else:  # all looked at: what is judged later may stand before them
            if len(rows) < max(_WINDOW, count):
                walk.cursors[key] = 0
    return places


def _lease(walk: Walk, places: Sequence[Place], until: int) -> list[Lease]:
    """Lease places in their order; what the same person let lapse before, here or in another
    campaign, is taken up again."""
    if not places:
        return []
    rows = [_row(walk, place, offset, until) for offset, place in enumerate(places, start=1)]
    walk.issued += len(rows)
    if queries.insert_assignments(walk.tx, rows) < len(rows):
        rows = _taken_up(walk, rows, until)
    return [
        Lease(row["id"], row["comparison"], row["first_shown"], row["lease_until"]) for row in rows
    ]


def _taken_up(walk: Walk, rows: list[dict[str, Any]], until: int) -> list[dict[str, Any]]:
    lapsed = queries.lapsed(walk.tx, walk.annotator, [row["comparison"] for row in rows])
    known = [lapsed.get((row["comparison"], row["purpose"], row["round"])) for row in rows]
    sequences = {
        old.id: row["sequence"] for old, row in zip(known, rows, strict=True) if old is not None
    }
    queries.renew(walk.tx, walk.campaign.id, until, sequences)
    return [
        row if old is None else {**row, "id": old.id, "first_shown": old.first_shown}
        for old, row in zip(known, rows, strict=True)
    ]


def _row(walk: Walk, place: Place, offset: int, until: int) -> dict[str, Any]:
    seed = walk.campaign.settings.seed
    return {
        "id": new_id(),
        "campaign": walk.campaign.id,
        "comparison": place.comparison,
        "annotator": walk.annotator,
        "purpose": place.purpose.value,
        "round": place.round,
        "sequence": walk.issued + offset,
        "first_shown": first_shown(
            walk.tx, seed, walk.annotator, place.comparison, place.purpose, place.round
        ),
        "state": "leased",
        "lease_until": until,
    }


def _coin(walk: Walk, what: str, offset: int) -> float:
    """A fair draw from [0, 1) for the annotator's next item but `offset`."""
    seed = walk.campaign.settings.seed
    return coin(walk.tx, seed, what, walk.annotator, walk.issued + offset)


def _kind(walk: Walk, offset: int) -> Purpose:
    """Whether this annotator's next item but `offset` is gold, a repeat or work."""
    settings, drawn = walk.campaign.settings, _coin(walk, "kind", offset)
    if drawn < settings.gold_share:
        return Purpose.GOLD
    if drawn < settings.gold_share + settings.duplicate_share:
        return Purpose.DUPLICATE
    return settings.purpose


def _gold(walk: Walk, lanes: Sequence[str], count: int) -> list[Place]:
    if not count:
        return []
    found = find(walk, lanes, count, "gold", Purpose.GOLD)
    passed(walk, found, "gold")
    return [Place(row.comparison, Purpose.GOLD, walk.campaign.settings.round) for row in found]


def _repeats(walk: Walk, count: int) -> list[tuple[Place, int]]:
    """Own earlier work to be shown again, each with its sequence number."""
    settings = walk.campaign.settings
    upto = walk.issued - settings.duplicate_distance
    if not count or upto <= walk.repeated:
        return []
    found = queries.repeatable(
        walk.tx, walk.campaign.id, walk.annotator, walk.repeated, upto, count
    )
    return [
        (Place(one.comparison, Purpose.DUPLICATE, settings.round), one.sequence) for one in found
    ]


def _items(walk: Walk, lanes: Sequence[str], count: int) -> tuple[list[str], bool]:
    """Up to `count` comparisons of work, and whether there is more than that: what has priority
    first, except where the coin says random."""
    share, purpose = walk.campaign.settings.random_share, walk.campaign.settings.purpose
    ranked = sum(_coin(walk, "random", k) >= share for k in range(count)) if walk.ranked else 0
    first = ahead(walk, lanes, ranked, "work", purpose, "rank") if ranked else []
    passed(walk, first, "rank")
    taken = {row.comparison for row in first}
    wanted = max(count - len(first), 1)  # one even where none is wanted: is there any?
    found = find(walk, lanes, wanted + len(first), "work", purpose)
    rest = [row for row in found if row.comparison not in taken]
    chosen = rest[: count - len(first)]
    passed(walk, chosen, "work")
    return [row.comparison for row in [*first, *chosen]], len(rest) >= wanted


def _interleave(
    kinds: list[Purpose],
    gold: list[Place],
    repeats: list[Place],
    work: list[Place],
    more: bool,
) -> list[Place]:
    """Places in the order the coins said; what is missing of one kind is filled with work.

    Gold and repeats only ever stand between work: when the work runs out, so do they.
    """
    stacks = {Purpose.GOLD: gold[::-1], Purpose.DUPLICATE: repeats[::-1]}
    rest, order = work[::-1], list[Place]()
    for kind in kinds:
        stack = stacks.get(kind) or rest
        if not rest and not more:
            break
        order.append(stack.pop())
    return order
