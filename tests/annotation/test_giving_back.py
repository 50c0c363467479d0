"""What comes back to whom, and in which order, tells nobody what an item is for."""

import hashlib
import hmac
from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    SENIOR,
    Clock,
    assigned,
    claim,
    item,
    open_campaign,
    purposes,
    rows,
    submit,
    work,
)

from prefloop.annotation import campaigns, edits, queries, queue, skipping
from prefloop.annotation import tables as t
from prefloop.annotation.calibration import Locked
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.chance import coin, draw
from prefloop.annotation.edits import Edit
from prefloop.core.digest import canonical
from prefloop.core.errors import Conflict
from prefloop.core.records import Purpose
from prefloop.store import Ledger

MIXED: dict[str, Any] = {"gold_share": 0.3, "duplicate_share": 0.2, "duplicate_distance": 2}
LEASE = 30 * 60_000_000


def mixed(ledger: Ledger, **settings: Any) -> Campaign:
    """Work with much gold and many repeats; the first annotator has judged some of it."""
    items = [*(item(n) for n in range(40)), *(item(n, "gold") for n in range(10))]
    campaign = open_campaign(ledger, items=items, **{**MIXED, **settings})
    work(ledger, campaign, "ann0", 4, rounds=3)
    return campaign


def leave(ledger: Ledger, campaign: Campaign, who: str) -> int:
    with ledger.transaction(who) as tx:
        return queue.give_back(tx, campaign, who)


def test_who_leaves_and_returns_is_given_the_same_in_the_same_order(timed: Ledger) -> None:
    campaign = mixed(timed)
    before = claim(timed, campaign, "ann0", 10)
    assert {"live", "gold", "duplicate"} == set(purposes(timed, before))
    for _ in range(3):
        assert leave(timed, campaign, "ann0") == 10
        again = claim(timed, campaign, "ann0", 10)
        assert [one.assignment for one in again] == [one.assignment for one in before]
        assert [one.first for one in again] == [one.first for one in before], "on the same sides"
    more = claim(timed, campaign, "ann0", 12)
    assert [one.assignment for one in more[:10]] == [one.assignment for one in before]
    assert len(submit(timed, campaign, "ann0", more)) == 12


def test_what_lapsed_comes_back_first_too(timed: Ledger, clock: Clock) -> None:
    campaign = mixed(timed)
    before = claim(timed, campaign, "ann0", 10)
    clock.now += LEASE + 1
    claim(timed, campaign, "ann1")  # whose look ends what ran out
    assert {row.state for row in assigned(timed, before)} == {"expired"}
    again = claim(timed, campaign, "ann0", 10)
    assert [one.assignment for one in again] == [one.assignment for one in before]


def test_what_others_took_meanwhile_does_not_come_back(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=3, overlap=1)
    first, second = claim(timed, campaign, "ann0", 2)
    leave(timed, campaign, "ann0")
    taken = claim(timed, campaign, "ann1", 2)  # the third, and one of those
    (back,) = claim(timed, campaign, "ann0", 5)
    assert back.assignment in (first.assignment, second.assignment)
    assert back.first not in {one.first for one in taken} | {one.second for one in taken}
    assert {(row.wanted, row.taken) for row in rows(timed, t.queue_item)} == {(1, 1)}


def test_checks_stand_among_a_seniors_work_and_come_back_like_it(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=60, spot_check_share=1)
    work(timed, campaign, "ann0", 10, rounds=2)
    with timed.transaction(SENIOR) as tx:
        turn = queue.turn(tx, campaign, SENIOR, want=20)
    kinds = [row.purpose for row in assigned(timed, turn.next)]
    assert 3 <= kinds.count("spot check") <= 17  # a fair coin twenty times
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)
    leave(timed, campaign, SENIOR)
    with timed.transaction(SENIOR) as tx:
        assert queue.turn(tx, campaign, SENIOR, want=20).held == turn.held
    counted = {row.comparison: row.unchecked for row in rows(timed, t.queue_item)}
    checked = [row.comparison for row in assigned(timed, turn.next) if row.purpose == "spot check"]
    assert {counted[one] for one in checked} == {0}


def test_a_senior_who_has_to_be_calibrated_uses_up_no_checks(timed: Ledger) -> None:
    items = [item(0, "anchor"), item(1, "anchor"), *(item(n) for n in range(8))]
    asked = {"anchors": 2}
    campaign = open_campaign(timed, items=items, spot_check_share=1, calibration=asked)
    submit(timed, campaign, "ann0", claim(timed, campaign, "ann0", 2))
    work(timed, campaign, "ann0", 2, rounds=2)
    wrong = claim(timed, campaign, SENIOR, 2)
    assert purposes(timed, wrong) == ["anchor", "anchor"]
    submit(timed, campaign, SENIOR, wrong, choice=0)
    with pytest.raises(Locked):
        claim(timed, campaign, SENIOR)
    with timed.transaction(SENIOR) as tx:
        assert queue.turn(tx, campaign, SENIOR, want=5).state == "locked"
    assert len(claim(timed, campaign, LEAD, 9, Purpose.SPOT_CHECK)) == 4


def test_a_skipped_comparison_cannot_be_judged_or_edited_any_more(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=1, overlap=1)
    (shown,) = claim(timed, campaign, "ann0")
    with timed.transaction("ann0") as tx:
        skipping.skip(tx, campaign, "ann0", shown.assignment, "no idea")
    assert work(timed, campaign, "ann1") == 1
    with pytest.raises(Conflict, match="you skipped this"):
        submit(timed, campaign, "ann0", [shown])
    with timed.transaction("ann0") as tx, pytest.raises(Conflict, match="you skipped this"):
        edits.record(tx, campaign, "ann0", Edit(shown.assignment, 1, "better", "k"))
    with timed.reader() as reader:
        counts = queries.queue_counts(reader, campaign.id)["work"]
    assert counts == {"items": 1, "wanted": 1, "taken": 1, "judged": 1}


def test_nothing_is_skipped_in_a_closed_campaign(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=1)
    (shown,) = claim(timed, campaign, "ann0")
    with timed.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "closed", "enough")
    with timed.transaction("ann0") as tx, pytest.raises(Conflict, match="closed"):
        skipping.skip(tx, campaign, "ann0", shown.assignment, "no idea")
    assert rows(timed, t.skip) == []


def test_late_gold_is_refused_when_late_work_is(timed: Ledger, clock: Clock) -> None:
    campaign = mixed(timed, duplicate_share=0.0)
    held = claim(timed, campaign, "ann0", 10)
    clock.now += LEASE + 1
    gold = next(o for o, p in zip(held, purposes(timed, held), strict=True) if p == "gold")
    for who in ("ann1", "ann2"):
        work(timed, campaign, who, 5)
    with pytest.raises(Conflict, match="somebody else has judged"):
        submit(timed, campaign, "ann0", [gold])


def test_draws_are_keyed_and_the_same_each_time(ledger: Ledger) -> None:
    with ledger.reader() as reader:
        known = hmac.new(ledger.key, canonical([0, "kind", "ann0", 1]), hashlib.sha256).hexdigest()
        assert draw(reader, 0, "kind", "ann0", 1) == known
        assert coin(reader, 0, "kind", "ann0", 1) == int(known[:8], 16) / 2**32
    plain = hashlib.sha256(canonical([0, "kind", "ann0", 1])).hexdigest()
    assert known != plain
