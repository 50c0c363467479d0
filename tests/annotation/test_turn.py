"""A turn: what was judged goes in and what is next comes out, in one commit."""

from typing import Any

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import (
    LEAD,
    MINUTE,
    SENIOR,
    Clock,
    item,
    open_campaign,
    right,
    rows,
)

from prefloop.annotation import campaigns, queue, tables
from prefloop.annotation.campaigns import Calibration, Campaign
from prefloop.annotation.judgments import Submission
from prefloop.annotation.queue import Shown, Turn
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import Ledger, people
from prefloop.store import tables as store
from prefloop.store.verify import verify

LEASE = 900 * 1_000_000  # the default


def take(
    ledger: Ledger,
    campaign: Campaign,
    who: str,
    shown: Shown | None = None,
    want: int = 2,
    have: Any = (),
    **said: Any,
) -> Turn:
    """A turn that judges `shown` for the right one of `item`."""
    sent = None
    if shown is not None:
        known = {"choice": right(shown), "key": shown.assignment, **said}
        sent = Submission(shown.assignment, **known)
    with ledger.transaction(who) as tx:
        return queue.turn(tx, campaign.name, who, sent, want, have)


def test_the_first_turn_hands_out_and_the_next_takes_in_and_hands_out_in_one_commit(
    ledger: Ledger,
) -> None:
    campaign = open_campaign(ledger)
    first = take(ledger, campaign, "ann0")
    assert first.judgment is None
    assert (first.state, first.why, first.done, first.target) == ("work", "", 0, 60)
    one, two = first.next
    assert first.held == (one.assignment, two.assignment)
    assert first.ends - first.started == 90 * MINUTE
    second = take(ledger, campaign, "ann0", one, have={two.assignment})
    (three,) = second.next
    assert second.held == (two.assignment, three.assignment)
    assert second.done == 1
    (row,) = rows(ledger, tables.judgment)
    assert (row.id, row.assignment) == (second.judgment, one.assignment)
    assert [event.action for event in rows(ledger, store.event)][-3:] == [
        "queue.lease",  # the first turn
        "judgment.submit",
        "queue.lease",
    ]
    assert verify(ledger).ok


def test_a_reload_shows_what_is_held_and_leases_nothing_more(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    first = take(sqlite_ledger, campaign, "ann0")
    events = verify(sqlite_ledger).events
    again = take(sqlite_ledger, campaign, "ann0")
    assert (again.next, again.held) == (first.next, first.held)
    assert verify(sqlite_ledger).events == events


def test_a_campaign_may_be_named_by_its_id(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with sqlite_ledger.transaction("ann0") as tx:
        assert queue.turn(tx, campaign.id, "ann0").held
        with pytest.raises(NotFound, match="no campaign 'other'"):
            queue.turn(tx, "other", "ann0")


def test_sending_again_after_a_lost_answer_gives_the_same_judgment_and_counts_once(
    ledger: Ledger,
) -> None:
    campaign = open_campaign(ledger)
    one, two = take(ledger, campaign, "ann0").next
    first = take(ledger, campaign, "ann0", one)
    again = take(ledger, campaign, "ann0", one)
    assert again.judgment == first.judgment
    assert (again.held, again.done) == (first.held, 1)
    assert again.held[0] == two.assignment
    with pytest.raises(Conflict, match="was used for another judgment"):
        take(ledger, campaign, "ann0", one, choice=0)
    assert len(rows(ledger, tables.judgment)) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"choice": 3}, BadInput),
        ({"key": ""}, BadInput),
        ({"strength": 9}, BadInput),
        ({"rationale": "\ud800"}, BadInput),
    ],
)
def test_what_is_refused_leases_nothing(
    sqlite_ledger: Ledger, wrong: dict[str, Any], error: type[Exception]
) -> None:
    campaign = open_campaign(sqlite_ledger)
    one, _ = take(sqlite_ledger, campaign, "ann0").next
    before = rows(sqlite_ledger, tables.assignment)
    with pytest.raises(error):
        take(sqlite_ledger, campaign, "ann0", one, want=5, **wrong)
    assert rows(sqlite_ledger, tables.assignment) == before
    assert rows(sqlite_ledger, tables.judgment) == []


def test_nobody_takes_a_turn_for_somebody_else_or_without_a_role(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with sqlite_ledger.transaction("ann1") as tx, pytest.raises(NotPermitted):
        queue.turn(tx, campaign, "ann0")
    with sqlite_ledger.transaction(LEAD) as tx:
        people.add(tx, "otto", ("auditor",))
    with pytest.raises(NotPermitted, match="it takes the role annotator or senior"):
        take(sqlite_ledger, campaign, "otto")
    with pytest.raises(NotFound, match="nobody here is called mallory"):
        take(sqlite_ledger, campaign, "mallory")


def test_a_revision_in_a_turn_supersedes_and_is_no_new_judgment(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    one, _ = take(ledger, campaign, "ann0").next
    take(ledger, campaign, "ann0", one)
    sent = Submission(one.assignment, 0, "second thoughts")
    with ledger.transaction("ann0") as tx:
        revised = queue.turn(tx, campaign, "ann0", sent, revises=True)
    assert revised.done == 1
    by_id = {row.id: row for row in rows(ledger, tables.judgment)}
    assert by_id[str(revised.judgment)].verdict == "tie"
    assert len(by_id) == 2


# -- leases


def test_who_is_at_work_keeps_what_they_hold_and_who_left_does_not(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=6)
    mine = take(timed, campaign, "ann0")
    take(timed, campaign, "ann1")
    clock.now += LEASE * 2 // 3
    kept = take(timed, campaign, "ann0")
    assert kept.held == mine.held
    assert {one.lease_until for one in kept.next} == {clock.now + LEASE}
    clock.now += LEASE * 2 // 3  # ann1's leases ran out, ann0's were extended
    assert take(timed, campaign, "ann2", want=9).held != ()
    states = {row.annotator: set[str]() for row in rows(timed, tables.assignment)}
    for row in rows(timed, tables.assignment):
        states[row.annotator].add(row.state)
    assert states == {"ann0": {"leased"}, "ann1": {"expired"}, "ann2": {"leased"}}
    assert take(timed, campaign, "ann0").held == mine.held


def test_a_stale_judgment_is_taken_in_the_turn_that_finds_it_stale(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=2)
    one, two = take(timed, campaign, "ann0").next
    clock.now += LEASE + 1
    turn = take(timed, campaign, "ann0", one, have={two.assignment})
    assert turn.judgment is not None
    assert turn.held == (two.assignment,)  # the other was free too, and is leased again
    assert [place.taken for place in rows(timed, tables.queue_item)] == [1, 1]


def test_a_judgment_beyond_the_overlap_is_refused_and_the_next_turn_goes_on(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=1)
    (mine,) = take(timed, campaign, "ann0").next
    clock.now += LEASE + 1
    (theirs,) = take(timed, campaign, "ann1").next
    with pytest.raises(Conflict, match="somebody else has judged"):
        take(timed, campaign, "ann0", mine)
    take(timed, campaign, "ann1", theirs)
    with pytest.raises(Conflict, match="somebody else has judged"):
        take(timed, campaign, "ann0", mine)
    turn = take(timed, campaign, "ann0")
    assert (turn.state, turn.held) == ("nothing", ())
    assert turn.why == "There is nothing for you to judge just now."
    assert [(p.taken, p.judged) for p in rows(timed, tables.queue_item)] == [(1, 1)]


def test_a_clock_that_ran_ahead_holds_nothing_back(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=4)
    clock.now += 24 * 60 * MINUTE
    first = take(timed, campaign, "ann0").next
    clock.now -= 24 * 60 * MINUTE  # set right: those leases would last a day
    assert len(take(timed, campaign, "ann1", want=4).held) == 4
    with pytest.raises(Conflict, match="somebody else has judged"):
        take(timed, campaign, "ann0", first[0])
    assert verify(timed).ok


def test_a_clock_set_back_takes_nothing_from_a_session_and_loses_nothing(
    timed_sqlite: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed_sqlite, items=9, session_minutes=60, break_minutes=10)
    (one, *_) = take(timed_sqlite, campaign, "ann0").next
    clock.now += 9 * MINUTE
    (two, *_) = take(timed_sqlite, campaign, "ann0", one).next
    clock.now -= 500 * MINUTE
    turn = take(timed_sqlite, campaign, "ann0", two)
    assert turn.judgment is not None
    assert clock.now - turn.started == 9 * MINUTE  # what was worked before
    assert turn.ends - clock.now == 51 * MINUTE
    assert turn.done == 2


# -- why nothing comes


def test_at_the_limit_the_judgment_is_kept_and_the_leases_go_back(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=9, session_minutes=10, break_minutes=15)
    one, two = take(timed, campaign, "ann0").next
    clock.now += 10 * MINUTE
    turn = take(timed, campaign, "ann0", one)
    assert turn.judgment is not None
    assert (turn.state, turn.next, turn.held, turn.done) == ("break", (), (), 1)
    assert turn.why == "You have worked 10 minutes: take a break, then go on."
    assert turn.break_until == clock.now + 15 * MINUTE
    states = {row.id: row.state for row in rows(timed, tables.assignment)}
    assert states == {one.assignment: "judged", two.assignment: "returned"}
    clock.now += 13 * MINUTE
    waiting = take(timed, campaign, "ann0")
    assert (waiting.state, waiting.break_until) == ("break", turn.break_until)
    clock.now += 2 * MINUTE
    rested = take(timed, campaign, "ann0", want=9)
    assert (rested.state, rested.done, rested.started) == ("work", 0, clock.now)
    assert len(rested.held) == 8  # and the one that was returned is among them
    assert two.assignment in rested.held


def test_a_paused_campaign_takes_what_is_held_and_a_closed_one_nothing(
    sqlite_ledger: Ledger,
) -> None:
    campaign = open_campaign(sqlite_ledger)
    one, two = take(sqlite_ledger, campaign, "ann0").next
    with sqlite_ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "paused", "lunch")
    turn = take(sqlite_ledger, campaign, "ann0", one)
    assert turn.judgment is not None
    assert (turn.state, turn.held) == ("paused", (two.assignment,))
    assert turn.why == "support is paused. What you hold can still be sent."
    with sqlite_ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "closed", "enough")
    with pytest.raises(Conflict, match="is closed: keep the text"):
        take(sqlite_ledger, campaign, "ann0", two)
    turn = take(sqlite_ledger, campaign, "ann0")
    assert (turn.state, turn.held) == ("closed", ())
    again = take(sqlite_ledger, campaign, "ann0", one)  # it was recorded, and is not lost
    assert again.judgment is not None


def test_the_last_anchor_is_recorded_even_when_it_locks(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(3)] + [item(n, "anchor") for n in range(4)]
    campaign = open_campaign(sqlite_ledger, items=items, calibration=Calibration(anchors=4))
    turn = take(sqlite_ledger, campaign, "ann0", want=4)
    assert len(turn.held) == 4
    for one in turn.next:
        turn = take(sqlite_ledger, campaign, "ann0", one, choice=3 - right(one), want=1)
        assert turn.judgment is not None
    assert (turn.state, turn.held) == ("locked", ())
    assert "ann0 is locked in support" in turn.why
    assert len(rows(sqlite_ledger, tables.judgment)) == 4
    passed = take(sqlite_ledger, campaign, "ann1", want=4)
    for one in passed.next:
        passed = take(sqlite_ledger, campaign, "ann1", one, want=1)
    assert passed.state == "work"


# -- spot checks


def test_seniors_check_all_high_stakes_work_and_a_share_of_the_rest(
    sqlite_ledger: Ledger,
) -> None:
    items = [item(n) for n in range(200)] + [item(n, high_stakes=True) for n in range(200, 210)]
    campaign = open_campaign(sqlite_ledger, items=items, spot_check_share=0.125)
    turn = take(sqlite_ledger, campaign, "ann0", want=210)
    for one in turn.next:
        take(sqlite_ledger, campaign, "ann0", one, want=0)
    checks = take(sqlite_ledger, campaign, SENIOR, want=300)
    shown = {row.id: row for row in rows(sqlite_ledger, tables.assignment)}
    assert {shown[one].purpose for one in checks.held} == {"spot check"}
    stakes = [n for n, one in enumerate(checks.next) if int(one.messages[0].text[14:]) >= 200]
    assert stakes == list(range(10))  # all of them, and first
    assert 12 <= len(checks.next) - 10 <= 38  # 25 expected, standard deviation 4.7
    for one in checks.next:
        take(sqlite_ledger, campaign, SENIOR, one, want=0)
    assert take(sqlite_ledger, campaign, LEAD, want=9).state == "nothing"  # each once
    with sqlite_ledger.reader() as reader:
        found = campaigns.status(reader, campaign)["checks"]
    assert found == {"due": len(checks.next), "high_stakes": 10, "checked": len(checks.next)}


def test_a_check_is_for_somebody_else_and_a_senior_without_any_judges(
    sqlite_ledger: Ledger,
) -> None:
    items = [item(n, high_stakes=True) for n in range(4)]
    campaign = open_campaign(sqlite_ledger, items=items)
    one, _ = take(sqlite_ledger, campaign, SENIOR).next
    turn = take(sqlite_ledger, campaign, SENIOR, one, want=9)
    purposes = {row.purpose for row in rows(sqlite_ledger, tables.assignment)}
    assert purposes == {"live"}  # nothing to check but the senior's own
    assert len(turn.held) == 3
    (check,) = take(sqlite_ledger, campaign, LEAD, want=9).next
    assert check.messages == one.messages
    assert take(sqlite_ledger, campaign, LEAD, check, want=9).state == "nothing"  # may not judge


def test_a_check_that_lapsed_is_given_to_another_senior(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=[item(0, high_stakes=True)])
    (one,) = take(timed, campaign, "ann0").next
    take(timed, campaign, "ann0", one)
    (held,) = take(timed, campaign, SENIOR).next
    assert take(timed, campaign, LEAD).state == "nothing"
    clock.now += LEASE + 1
    (again,) = take(timed, campaign, LEAD).next
    assert again.assignment != held.assignment
    take(timed, campaign, LEAD, again)
    assert take(timed, campaign, SENIOR).state == "nothing"
    assert {p.unchecked for p in rows(timed, tables.queue_item)} == {0}


# -- what it costs


def test_a_turn_asks_the_database_a_fixed_number_of_questions(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=60, annotators=1)
    asked = list[str]()

    @sa.event.listens_for(sqlite_ledger.engine, "before_cursor_execute")
    def _count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    turn, counts = take(sqlite_ledger, campaign, "ann0"), list[int]()
    for _ in range(50):
        asked.clear()
        (one, *_) = take(sqlite_ledger, campaign, "ann0").next
        asked.clear()
        turn = take(sqlite_ledger, campaign, "ann0", one, have=set(turn.held))
        counts.append(len(asked))
    assert max(counts) <= 30
    assert sum(statement.startswith("BEGIN") for statement in asked) == 1
