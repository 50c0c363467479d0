"""Who is shown what next: exactly the wanted overlap, gold and duplicates in between, one commit.

Each annotator walks the queue with a cursor per lane, so a claim is one index seek however many
items there are or were judged. Items whose lease ran out go to the end, ahead of every cursor;
only an annotator who finds nothing ahead looks back once over what others skipped.

What a browser gets (`Shown`) has no purpose, no model, no gold flag and nobody else's verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefloop.annotation import calibration, queries, sessions
from prefloop.annotation.campaigns import Campaign
from prefloop.core.digest import digest, new_id
from prefloop.core.errors import BadInput, Conflict, NotPermitted
from prefloop.core.records import Message, Purpose
from prefloop.store import people, texts
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import ERASED

__all__ = ["Shown", "claim", "give_back", "show"]

Row = Any


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison as one annotator sees it: the first completion, the second, nothing else."""

    assignment: str
    messages: tuple[Message, ...]
    first: str
    second: str
    language: str
    lease_until: int


@dataclass(frozen=True, slots=True)
class _Place:
    comparison: str
    purpose: Purpose
    round: int


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
    state = queries.hold_campaign(tx, campaign.id, "work in")
    if state != "open":
        raise Conflict(f"campaign {campaign.name} is {state}: nothing is handed out")
    sessions.touch(tx, annotator, campaign.settings)
    row = queries.progress(tx, campaign.id, annotator)
    overdue = queries.overdue(tx, campaign.id)
    queries.end_leases(tx, overdue, "expired")
    leases = queries.own_leases(tx, campaign.id, annotator, tx.now)
    held = [one for one in leases if (one.purpose == Purpose.SPOT_CHECK) == checking][:count]
    places, values = _next(tx, campaign, annotator, row, count - len(held), purpose)
    fresh = _lease(tx, campaign, annotator, row.issued, places)
    if places:
        queries.save_progress(tx, row, issued=row.issued + len(places), **values)
    if fresh or overdue:
        tx.event(
            "queue.lease",
            campaign.id,
            {"leased": [one["id"] for one in fresh], "expired": [one.id for one in overdue]},
        )
    ids = [one.id for one in held] + [one["id"] for one in fresh]
    return show(tx, ids)


def give_back(tx: Transaction, campaign: Campaign, annotator: str) -> int:
    """Return everything the annotator holds (sign-out, end of session); returns how many."""
    if tx.actor != annotator:
        people.require(tx, "campaign.manage")
    queries.hold_campaign(tx, campaign.id, "work in")
    held = [one.id for one in queries.own_leases(tx, campaign.id, annotator, tx.now)]
    leases = [one for one in queries.assignments(tx, held).values() if one.state == "leased"]
    queries.end_leases(tx, leases, "returned")
    if leases:
        tx.event("queue.return", campaign.id, {"returned": [one.id for one in leases]})
    return len(leases)


def show(tx: Transaction, assignments: Sequence[str]) -> list[Shown]:
    """What the annotator sees of these assignments, in this order."""
    rows = queries.assigned(tx, assignments)
    compared = queries.comparisons(tx, {row.comparison for row in rows.values()})
    words = _words(tx, compared.values())
    return [_shown(rows[one], compared[rows[one].comparison], words) for one in assignments]


def first_shown(
    seed: int, annotator: str, comparison: str, purpose: Purpose, round_: int
) -> Literal["a", "b"]:
    """Which completion stands first: a fair coin that the same inputs always land alike."""
    coin = digest([seed, annotator, comparison, purpose.value, round_])
    return "a" if int(coin[:2], 16) % 2 == 0 else "b"


def _shown(row: Row, compared: Row, words: dict[str, str]) -> Shown:
    a, b = words[compared.a], words[compared.b]
    first, second = (a, b) if row.first_shown == "a" else (b, a)
    return Shown(
        row.id,
        tuple(Message(m["role"], words[m["text"]]) for m in compared.messages),
        first,
        second,
        compared.facts["language"],
        row.lease_until,
    )


def _words(reader: Reader, compared: Any) -> dict[str, str]:
    rows = list(compared)
    wanted = {row.a for row in rows} | {row.b for row in rows}
    wanted |= {m["text"] for row in rows for m in row.messages}
    return {
        name: body if body is not None else ERASED
        for name, body in texts.get_many(reader, wanted).items()
    }


def _next(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    row: Row,
    count: int,
    purpose: Purpose | None,
) -> tuple[list[_Place], dict[str, Any]]:
    """The next places, and what to remember about them."""
    if count <= 0:
        return [], {}
    round_ = campaign.settings.round
    if purpose is Purpose.SPOT_CHECK:
        found = queries.unchecked(tx, campaign.id, annotator, round_, count)
        return [_Place(one, Purpose.SPOT_CHECK, round_) for one in found], {}
    if calibration.standing(tx, campaign, annotator)["status"] != "cleared":
        anchors, at = calibration.due(tx, campaign, annotator)
        return [_Place(one, Purpose.ANCHOR, at) for one in anchors[:count]], {}
    kinds = [_kind(campaign, annotator, row.issued + k) for k in range(count)]
    gold = _gold(tx, campaign, annotator, kinds.count(Purpose.GOLD))
    repeats = _repeats(tx, campaign, annotator, row, kinds.count(Purpose.DUPLICATE))
    wanted = count - len(gold) - len(repeats)
    work, cursors, more = _work(tx, campaign, annotator, row, wanted)
    places = _interleave(kinds, gold, [one for one, _ in repeats], work, more)
    repeated = max([at for one, at in repeats if one in places], default=row.repeated)
    return places, {"cursors": cursors, "repeated": repeated}


def _kind(campaign: Campaign, annotator: str, sequence: int) -> Purpose:
    """Whether this annotator's next item is gold, a repeat or work: a coin nobody can see."""
    coin = int(digest([campaign.settings.seed, "kind", annotator, sequence])[:8], 16) / 2**32
    if coin < campaign.settings.gold_share:
        return Purpose.GOLD
    if coin < campaign.settings.gold_share + campaign.settings.duplicate_share:
        return Purpose.DUPLICATE
    return campaign.settings.purpose


def _gold(tx: Transaction, campaign: Campaign, annotator: str, count: int) -> list[_Place]:
    round_ = campaign.settings.round
    if not count:
        return []
    found = queries.items_of_kind(tx, campaign.id, "gold", annotator, round_, count)
    return [_Place(one, Purpose.GOLD, round_) for one in found]


def _repeats(
    tx: Transaction, campaign: Campaign, annotator: str, row: Row, count: int
) -> list[tuple[_Place, int]]:
    """Own earlier work to be shown again, each with its sequence number."""
    upto = row.issued - campaign.settings.duplicate_distance
    if not count or upto <= row.repeated:
        return []
    found = queries.repeatable(tx, campaign.id, annotator, row.repeated, upto, count)
    round_ = campaign.settings.round
    return [(_Place(one.comparison, Purpose.DUPLICATE, round_), one.sequence) for one in found]


def _work(
    tx: Transaction, campaign: Campaign, annotator: str, row: Row, count: int
) -> tuple[list[_Place], dict[str, int], bool]:
    """Up to `count` places of work, the cursors after them, and whether there is more than that."""
    settings, cursors = campaign.settings, dict(row.cursors)
    lanes, look_for = queries.lanes(tx, annotator), max(count, 1)

    def ahead(of: dict[str, int]) -> list[Row]:
        found = [
            item
            for lane in lanes
            for item in queries.free_work(
                tx,
                campaign.id,
                lane,
                of.get(lane, 0),
                annotator,
                settings.purpose.value,
                settings.round,
                look_for,
            )
        ]
        return sorted(found, key=lambda item: item.position)[:look_for]

    # Nothing ahead: look back once over what was locked by somebody else when we passed it.
    found = ahead(cursors) or (ahead({}) if cursors else [])
    items = found[:count]
    for item in items:
        cursors[item.lane] = item.position
    queries.take_places(tx, campaign.id, [item.comparison for item in items])
    places = [_Place(item.comparison, settings.purpose, settings.round) for item in items]
    return places, cursors, len(found) == look_for


def _interleave(
    kinds: list[Purpose],
    gold: list[_Place],
    repeats: list[_Place],
    work: list[_Place],
    more: bool,
) -> list[_Place]:
    """Places in the order the coins said; what is missing of one kind is filled with work.

    Gold and repeats only ever stand between work: when the work runs out, so do they.
    """
    stacks = {Purpose.GOLD: gold[::-1], Purpose.DUPLICATE: repeats[::-1]}
    rest, order = work[::-1], list[_Place]()
    for kind in kinds:
        stack = stacks.get(kind) or rest
        if not rest and not more:
            break
        order.append(stack.pop())
    return order


def _lease(
    tx: Transaction, campaign: Campaign, annotator: str, issued: int, places: list[_Place]
) -> list[dict[str, Any]]:
    until = tx.now + campaign.settings.lease_seconds * 1_000_000
    lapsed = {
        (row.comparison, row.purpose, row.round): row
        for purpose, round_ in {(p.purpose, p.round) for p in places}
        for row in queries.lapsed(
            tx,
            annotator,
            purpose.value,
            round_,
            [p.comparison for p in places if p.purpose is purpose],
        ).values()
    }
    leased, fresh, again = list[dict[str, Any]](), list[dict[str, Any]](), dict[str, int]()
    for offset, place in enumerate(places, start=1):
        old = lapsed.get((place.comparison, place.purpose.value, place.round))
        if old is not None:
            again[old.id] = issued + offset
            leased.append({"id": old.id})
            continue
        row = {
            "id": new_id(),
            "campaign": campaign.id,
            "comparison": place.comparison,
            "annotator": annotator,
            "purpose": place.purpose.value,
            "round": place.round,
            "sequence": issued + offset,
            "first_shown": first_shown(
                campaign.settings.seed, annotator, place.comparison, place.purpose, place.round
            ),
            "state": "leased",
            "lease_until": until,
        }
        leased.append(row)
        fresh.append(row)
    queries.renew(tx, campaign.id, until, again)
    queries.insert_assignments(tx, fresh)
    return leased
