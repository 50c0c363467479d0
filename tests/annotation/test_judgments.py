"""Taking judgments in: once each, never changed, never lost, all or none."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import (
    LEAD,
    SENIOR,
    claim,
    item,
    open_campaign,
    rows,
    submit,
)

from prefloop.annotation import campaigns, judgments, queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.core.records import Purpose
from prefloop.store import Ledger, people, texts
from prefloop.store.verify import verify


def send(ledger: Ledger, campaign: Campaign, who: str, *sent: Submission) -> list[str]:
    with ledger.transaction(who) as tx:
        return judgments.submit(tx, campaign, who, sent)


def revise(ledger: Ledger, campaign: Campaign, who: str, sent: Submission) -> str:
    with ledger.transaction(who) as tx:
        return judgments.revise(tx, campaign, who, sent)


def one_assignment(ledger: Ledger, campaign: Campaign, who: str = "ann0") -> str:
    return claim(ledger, campaign, who)[0].assignment


def test_a_judgment_keeps_everything_that_was_said_in_the_comparisons_own_words(
    ledger: Ledger,
) -> None:
    campaign = open_campaign(ledger)
    (shown,) = claim(ledger, campaign, "ann0")
    sent = Submission(
        shown.assignment,
        choice=2,
        key="k1",
        strength=3,
        dimensions={"accuracy": 1, "tone": 0, "length": 2},
        flags=("unsafe", "odd"),
        rationale="the second one\x00 names the price",
        active_ms=12_345,
    )
    (name,) = send(ledger, campaign, "ann0", sent)
    (row,) = rows(ledger, tables.judgment)
    first, second = row.first_shown, {"a": "b", "b": "a"}[row.first_shown]
    assert row.id == name
    assert (row.verdict, row.strength, row.active_ms) == (second, 3, 12_345)
    assert row.dimensions == {"accuracy": first, "tone": "tie", "length": second}
    assert row.flags == ["unsafe", "odd"]
    assert (row.annotator, row.purpose, row.round) == ("ann0", "live", 1)
    assert row.spec == campaign.spec
    with ledger.reader() as reader:
        assert texts.get(reader, row.rationale) == "the second one\x00 names the price"
    assert verify(ledger).ok


def test_a_tie_is_a_tie_on_both_sides(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=20)
    shown = claim(sqlite_ledger, campaign, "ann0", 20)
    submit(sqlite_ledger, campaign, "ann0", shown, choice=0)
    judged = rows(sqlite_ledger, tables.judgment)
    assert {row.first_shown for row in judged} == {"a", "b"}
    assert {row.verdict for row in judged} == {"tie"}


# -- once each


def test_sending_again_returns_the_first_judgment(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    one, two = (shown.assignment for shown in claim(ledger, campaign, "ann0", 2))
    first = Submission(one, 1, "k1", rationale="because", active_ms=5)
    (name,) = send(ledger, campaign, "ann0", first)
    late = Submission(one, 1, "k1", rationale="because", active_ms=900)  # a browser that retried
    assert send(ledger, campaign, "ann0", late) == [name]
    other = send(ledger, campaign, "ann0", Submission(two, 2, "k2"), late)  # mixed with a new one
    assert other[1] == name
    assert len(rows(ledger, tables.judgment)) == 2
    assert verify(ledger).ok


@pytest.mark.parametrize(
    "changed",
    [
        {"choice": 2},
        {"choice": 0},
        {"strength": 2},
        {"dimensions": {"accuracy": 2}},
        {"flags": ("unsafe",)},
        {"rationale": "other words"},
        {"rationale": ""},
    ],
)
def test_one_key_for_something_else_is_a_conflict(
    sqlite_ledger: Ledger, changed: dict[str, Any]
) -> None:
    campaign = open_campaign(sqlite_ledger)
    said: dict[str, Any] = {
        "assignment": one_assignment(sqlite_ledger, campaign),
        "choice": 1,
        "key": "k1",
        "dimensions": {"accuracy": 1},
        "rationale": "words",
    }
    send(sqlite_ledger, campaign, "ann0", Submission(**said))
    with pytest.raises(Conflict, match="key 'k1' was used for another judgment"):
        send(sqlite_ledger, campaign, "ann0", Submission(**{**said, **changed}))


def test_one_key_for_another_assignment_is_a_conflict_and_another_persons_key_is_not(
    sqlite_ledger: Ledger,
) -> None:
    campaign = open_campaign(sqlite_ledger)
    one, two = (shown.assignment for shown in claim(sqlite_ledger, campaign, "ann0", 2))
    send(sqlite_ledger, campaign, "ann0", Submission(one, 1, "k1"))
    with pytest.raises(Conflict, match="make a new key"):
        send(sqlite_ledger, campaign, "ann0", Submission(two, 1, "k1"))
    theirs = one_assignment(sqlite_ledger, campaign, "ann1")
    send(sqlite_ledger, campaign, "ann1", Submission(theirs, 1, "k1"))


def test_eight_senders_of_one_judgment_record_one(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    sent = Submission(one_assignment(ledger, campaign), 1, "k1", rationale="because")
    start, found = threading.Barrier(8), list[str]()

    def sender() -> None:
        start.wait()
        found.extend(send(ledger, campaign, "ann0", sent))

    threads = [threading.Thread(target=sender) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {row.id for row in rows(ledger, tables.judgment)}
    assert [q.judged for q in rows(ledger, tables.queue_item) if q.taken] == [1]


def test_what_is_judged_cannot_be_judged_again_under_a_new_key(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    name = one_assignment(sqlite_ledger, campaign)
    send(sqlite_ledger, campaign, "ann0", Submission(name, 1, "k1"))
    with pytest.raises(Conflict, match="judged already: revise it instead"):
        send(sqlite_ledger, campaign, "ann0", Submission(name, 1, "k2"))


# -- all or none


def test_a_batch_is_one_event(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    before = verify(sqlite_ledger).events
    shown = claim(sqlite_ledger, campaign, "ann0", 10)
    names = submit(sqlite_ledger, campaign, "ann0", shown)
    assert len(set(names)) == 10
    assert verify(sqlite_ledger).events == before + 2  # the leases, the judgments
    assert [row.assignment for row in sorted(rows(sqlite_ledger, tables.judgment))] == [
        one.assignment for one in shown
    ]


def test_one_bad_judgment_in_a_batch_and_nothing_is_recorded(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, annotators=2)
    mine = [one.assignment for one in claim(ledger, campaign, "ann0", 3)]
    theirs = one_assignment(ledger, campaign, "ann1")
    good = [Submission(name, 1, name, rationale=f"why {name}") for name in mine[:2]]
    events = verify(ledger).events
    bad: list[tuple[Submission, type[Exception]]] = [
        (Submission(mine[2], 3, "x"), BadInput),  # type: ignore[arg-type]
        (Submission(theirs, 1, "x"), NotFound),
        (Submission("nothing", 1, "x"), NotFound),
        (Submission(mine[2], 1, mine[0]), BadInput),  # a key twice
        (Submission(mine[0], 2, "x"), BadInput),  # an assignment twice
    ]
    for wrong, error in bad:
        with pytest.raises(error):
            send(ledger, campaign, "ann0", *good, wrong)
    assert rows(ledger, tables.judgment) == []
    assert {row.state for row in rows(ledger, tables.assignment)} == {"leased"}
    assert verify(ledger).events == events
    assert len(send(ledger, campaign, "ann0", *good)) == 2


def test_an_empty_batch_is_nothing(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    events = verify(sqlite_ledger).events
    assert send(sqlite_ledger, campaign, "ann0") == []
    assert verify(sqlite_ledger).events == events


# -- bad values


@pytest.mark.parametrize(
    "wrong",
    [
        {"choice": 3},
        {"choice": -1},
        {"choice": "1"},
        {"choice": 1.0},
        {"choice": True},
        {"choice": None},
        {"dimensions": {"accuracy": 5}},
        {"dimensions": {"accuracy": "a"}},
        {"strength": 0},
        {"strength": 4},
        {"strength": 1.5},
        {"strength": True},
        {"active_ms": -1},
        {"active_ms": 3.7},
        {"active_ms": 2**60},
        {"key": ""},
        {"key": "k" * 201},
        {"key": "\ud800"},
        {"rationale": "\ud800"},
        {"flags": "unsafe"},
        {"flags": (1,)},
        {"flags": ("\ud800",)},
    ],
)
def test_a_value_that_means_nothing_is_refused(
    sqlite_ledger: Ledger, wrong: dict[str, Any]
) -> None:
    campaign = open_campaign(sqlite_ledger, items=1)
    said = {"assignment": one_assignment(sqlite_ledger, campaign), "choice": 1, "key": "k"}
    with pytest.raises(BadInput):
        send(sqlite_ledger, campaign, "ann0", Submission(**{**said, **wrong}))
    assert rows(sqlite_ledger, tables.judgment) == []


def test_a_key_that_postgresql_cannot_hold_is_refused(
    ledger: Ledger,
) -> None:
    campaign = open_campaign(ledger, items=1)
    sent = Submission(one_assignment(ledger, campaign), 1, "nul\x00")
    if ledger.is_postgresql:
        with pytest.raises(BadInput, match="the ledger cannot hold this"):
            send(ledger, campaign, "ann0", sent)
    else:
        send(ledger, campaign, "ann0", sent)
        assert verify(ledger).ok


# -- whose


def test_nobody_judges_in_another_name_or_on_anothers_assignment(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    name = one_assignment(sqlite_ledger, campaign)
    with pytest.raises(NotFound, match="no such assignment of ann1"):
        send(sqlite_ledger, campaign, "ann1", Submission(name, 1, "k"))
    for actor in (LEAD, "ann1"):
        with (
            pytest.raises(NotPermitted, match="cannot judge in the name of ann0"),
            sqlite_ledger.transaction(actor) as tx,
        ):
            judgments.submit(tx, campaign, "ann0", [Submission(name, 1, "k")])


def test_an_assignment_belongs_to_its_campaign(sqlite_ledger: Ledger) -> None:
    one = open_campaign(sqlite_ledger, "one", [item(1)])
    two = open_campaign(sqlite_ledger, "two", [item(2)])
    name = one_assignment(sqlite_ledger, one)
    with pytest.raises(NotFound, match="in two"):
        send(sqlite_ledger, two, "ann0", Submission(name, 1, "k"))


def test_somebody_who_may_no_longer_judge_is_refused(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    name = one_assignment(sqlite_ledger, campaign)
    with sqlite_ledger.transaction(LEAD) as tx:
        people.grant(tx, "ann0", "annotator", granted=False)
    with pytest.raises(NotPermitted):
        send(sqlite_ledger, campaign, "ann0", Submission(name, 1, "k"))


def test_a_lead_who_may_not_judge_may_still_spot_check(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, spot_check_share=1)
    submit(sqlite_ledger, campaign, "ann0", claim(sqlite_ledger, campaign, "ann0"))
    submit(
        sqlite_ledger, campaign, LEAD, claim(sqlite_ledger, campaign, LEAD, 1, Purpose.SPOT_CHECK)
    )
    assert {r.purpose for r in rows(sqlite_ledger, tables.judgment)} == {"live", "spot check"}


# -- revising


def test_a_revision_supersedes_and_the_old_one_stays(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    name = one_assignment(ledger, campaign)
    (first,) = send(ledger, campaign, "ann0", Submission(name, 1, "k1", rationale="at first"))
    second = revise(ledger, campaign, "ann0", Submission(name, 2, "k2"))
    third = revise(ledger, campaign, "ann0", Submission(name, 0, "k3"))
    assert revise(ledger, campaign, "ann0", Submission(name, 0, "k3")) == third
    by_id = {row.id: row for row in rows(ledger, tables.judgment)}
    assert [by_id[n].supersedes for n in (first, second, third)] == [None, first, second]
    assert by_id[first].verdict != by_id[second].verdict
    with ledger.reader() as reader:
        assert texts.get(reader, by_id[first].rationale) == "at first"
        assert [row.id for row in queries.standing_judgments(reader, campaign.id)] == [third]
        assert queries.annotator_counts(reader, campaign.id) == {"ann0": 1}
        assert queries.queue_counts(reader, campaign.id)["work"]["judged"] == 1
    assert verify(ledger).ok


def test_only_a_judged_assignment_of_ones_own_can_be_revised(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    one, two = (shown.assignment for shown in claim(sqlite_ledger, campaign, "ann0", 2))
    send(sqlite_ledger, campaign, "ann0", Submission(one, 1, "k1"))
    with pytest.raises(Conflict, match="nothing to revise"):
        revise(sqlite_ledger, campaign, "ann0", Submission(two, 1, "k2"))
    with pytest.raises(NotFound):
        revise(sqlite_ledger, campaign, SENIOR, Submission(one, 1, "k2"))


def test_two_revisions_at_once_make_one_line_and_not_a_fork(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    name = one_assignment(ledger, campaign)
    send(ledger, campaign, "ann0", Submission(name, 1, "k"))
    start = threading.Barrier(6)

    def reviser(n: int) -> None:
        start.wait()
        revise(ledger, campaign, "ann0", Submission(name, 2, f"k{n}"))

    threads = [threading.Thread(target=reviser, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    superseded = [row.supersedes for row in rows(ledger, tables.judgment)]
    assert len(superseded) == 7
    assert len(set(superseded)) == 7
    with ledger.reader() as reader:
        assert len(queries.standing_judgments(reader, campaign.id)) == 1


# -- the campaign's state is the ledger's, not the caller's


def test_a_closed_campaign_takes_nothing_more_even_from_somebody_who_saw_it_open(
    ledger: Ledger,
) -> None:
    campaign = open_campaign(ledger)
    one, two = (shown.assignment for shown in claim(ledger, campaign, "ann0", 2))
    (kept,) = send(ledger, campaign, "ann0", Submission(one, 1, "k1"))
    with ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "closed", "complete")
    assert campaign.state == "open"  # as it was when it was read
    with pytest.raises(Conflict, match="is closed: keep the text"):
        send(ledger, campaign, "ann0", Submission(two, 1, "k2"))
    with pytest.raises(Conflict, match="is closed"):
        revise(ledger, campaign, "ann0", Submission(one, 2, "k3"))
    assert send(ledger, campaign, "ann0", Submission(one, 1, "k1")) == [kept]  # it was recorded


def test_what_is_held_when_a_campaign_is_paused_may_be_finished(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    shown = claim(sqlite_ledger, campaign, "ann0")
    with sqlite_ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "paused", "lunch")
    with pytest.raises(Conflict, match="is paused: nothing is handed out"):
        claim(sqlite_ledger, campaign, "ann0")
    submit(sqlite_ledger, campaign, "ann0", shown)


def test_closing_on_postgresql_waits_for_judgments_under_way(
    copied_postgresql_url: str, tmp_path: Any
) -> None:
    from tests.conftest import make_ledger

    ledger = make_ledger(copied_postgresql_url, tmp_path)
    campaign = open_campaign(ledger)
    name = one_assignment(ledger, campaign)
    closed = threading.Event()

    def close() -> None:
        with ledger.transaction(LEAD) as tx:
            campaigns.set_state(tx, campaign, "closed", "complete")
        closed.set()

    with ledger.transaction("ann0") as tx:
        judgments.submit(tx, campaign, "ann0", [Submission(name, 1, "k")])
        thread = threading.Thread(target=close)
        thread.start()
        assert not closed.wait(0.2)
    thread.join()
    (row,) = rows(ledger, tables.judgment)
    states = {state.state: state.event for state in rows(ledger, tables.campaign_state)}
    assert row.event < states["closed"]
    ledger.close()


def test_a_rationale_is_erasable_and_the_judgment_stays(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    name = one_assignment(sqlite_ledger, campaign)
    send(sqlite_ledger, campaign, "ann0", Submission(name, 1, "k", rationale="my number is 555"))
    (row,) = rows(sqlite_ledger, tables.judgment)
    with sqlite_ledger.transaction(LEAD) as tx:
        texts.erase(tx, [row.rationale], "asked to")
    assert verify(sqlite_ledger).ok
    assert send(  # a late retry is still the same judgment, and does not bring the words back
        sqlite_ledger, campaign, "ann0", Submission(name, 1, "k", rationale="my number is 555")
    ) == [row.id]
    with sqlite_ledger.reader() as reader:
        assert texts.get_many(reader, [row.rationale]) == {row.rationale: None}


def test_a_rationale_that_vanished_is_named_by_verify(sqlite_ledger: Ledger) -> None:
    from prefloop.store import tables as store

    campaign = open_campaign(sqlite_ledger)
    name = one_assignment(sqlite_ledger, campaign)
    send(sqlite_ledger, campaign, "ann0", Submission(name, 1, "k", rationale="gone soon"))
    (row,) = rows(sqlite_ledger, tables.judgment)
    with sqlite_ledger.engine.connect() as connection, connection.begin():
        connection.execute(sa.delete(store.text).where(store.text.c.digest == row.rationale))
    (problem,) = verify(sqlite_ledger).problems
    assert (
        problem == f"text {row.rationale[:12]}: is missing, and judgment(id={row.id}) stands on it"
    )
