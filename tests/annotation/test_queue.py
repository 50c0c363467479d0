"""Who is shown what: exactly the wanted overlap, nothing twice, nothing given away."""

import dataclasses
import itertools
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import (
    LEAD,
    MINUTE,
    SENIOR,
    Clock,
    claim,
    item,
    open_campaign,
    purposes,
    rows,
    submit,
    work,
)
from tests.conftest import make_ledger

from prefloop.annotation import campaigns, queries, queue, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.items import add_items
from prefloop.annotation.sessions import SessionOver
from prefloop.core.errors import BadInput, Conflict, NotPermitted
from prefloop.core.records import Purpose
from prefloop.store import Ledger
from prefloop.store import tables as store
from prefloop.store.verify import verify

LEASE = 900 * 1_000_000  # the default


def violations(ledger: Ledger) -> list[str]:
    """Everything that exact overlap forbids."""
    judged = [row for row in rows(ledger, tables.assignment) if row.state == "judged"]
    live = [row for row in judged if row.purpose == "live"]
    counts = Counter(row.comparison for row in live)
    twice = Counter((row.comparison, row.annotator) for row in live)
    found = [f"{key} twice" for key, count in twice.items() if count > 1]
    for place in rows(ledger, tables.queue_item):
        seen = (place.taken, place.judged, counts[place.comparison])
        if seen != (place.wanted,) * 3:
            found.append(f"{place.comparison[:8]}: wanted {place.wanted}, found {seen}")
    if len(rows(ledger, tables.judgment)) != len(judged):
        found.append("judgments and judged assignments differ in number")
    return found


# -- exactly the wanted overlap


def test_sixty_four_workers_give_exactly_the_wanted_overlap(ledger: Ledger) -> None:
    items = [item(n, overlap=1 + n % 4) for n in range(24)]  # 6 * (1 + 2 + 3 + 4) = 60 places
    campaign = open_campaign(ledger, items=items, annotators=64)
    start, failed = threading.Barrier(64), list[BaseException]()

    def worker(name: str) -> None:
        start.wait()
        try:
            for _ in range(2):
                work(ledger, campaign, name)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=worker, args=(f"ann{n}",)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for n in range(64):  # what was locked by somebody else when everybody looked
        work(ledger, campaign, f"ann{n}")
    assert violations(ledger) == []
    assert len(rows(ledger, tables.judgment)) == 60
    assert verify(ledger).ok


def test_workers_who_walk_away_cost_nothing_but_time(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=[item(n, overlap=2) for n in range(20)], annotators=16)
    failed = list[BaseException]()

    def worker(name: str) -> None:
        luck = random.Random(name)
        for _ in range(6):
            try:
                shown = claim(timed, campaign, name, luck.randint(1, 4))
                kept = [one for one in shown if luck.random() < 0.6]
                if luck.random() < 0.2:
                    with timed.transaction(name) as tx:
                        queue.give_back(tx, campaign, name)
                submit(timed, campaign, name, kept)
            except Conflict:
                continue  # too late: somebody else was given the place
            except BaseException as error:
                failed.append(error)
            finally:
                clock.now += LEASE // 3

    threads = [threading.Thread(target=worker, args=(f"ann{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    clock.now += LEASE + 1
    for n in range(16):
        work(timed, campaign, f"ann{n}", 5)
    assert violations(timed) == []
    assert verify(timed).ok


WORKER = """
import sys, threading
from pathlib import Path
from tests.annotation.conftest import work
from prefloop.annotation import campaigns
from prefloop.annotation.items import add_items
from prefloop.store import Ledger
from prefloop.store.files import FileStore

url, folder, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(url, FileStore(folder), b"k" * 32)
with ledger.reader() as reader:
    campaign = campaigns.get(reader, "support")
names = [f"ann{first + n}" for n in range(6)]
threads = [threading.Thread(target=work, args=(ledger, campaign, name)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_several_processes_on_postgresql_give_exactly_the_wanted_overlap(
    copied_postgresql_url: str, tmp_path: Path
) -> None:
    ledger = make_ledger(copied_postgresql_url, tmp_path)
    campaign = open_campaign(ledger, items=[item(n, overlap=3) for n in range(20)], annotators=12)
    command = [sys.executable, "-c", WORKER, copied_postgresql_url, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    running = [subprocess.Popen([*command, str(first)], cwd=root) for first in (0, 6)]
    assert [process.wait() for process in running] == [0, 0]
    for n in range(12):
        work(ledger, campaign, f"ann{n}")
    assert violations(ledger) == []
    assert verify(ledger).ok
    ledger.close()


def test_nobody_is_shown_the_same_comparison_twice(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=[item(n, overlap=5) for n in range(7)])
    assert [work(sqlite_ledger, campaign, f"ann{n}", 3) for n in range(3)] == [7, 7, 7]
    with sqlite_ledger.reader() as reader:
        counts = queries.queue_counts(reader, campaign.id)["work"]
    assert counts == {"items": 7, "wanted": 35, "taken": 21, "judged": 21}


def test_a_new_round_asks_the_same_people_again(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(4)]
    first = open_campaign(sqlite_ledger, "first", items)
    again = open_campaign(sqlite_ledger, "again", items)
    second = open_campaign(sqlite_ledger, "second", items, round=2)
    assert work(sqlite_ledger, first, "ann0", 10) == 4
    assert work(sqlite_ledger, again, "ann0", 10) == 0
    assert work(sqlite_ledger, second, "ann0", 10) == 4
    assert work(sqlite_ledger, again, "ann1", 10) == 4


def test_one_annotator_in_eight_windows_never_gets_one_thing_twice(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, items=40, annotators=1)
    start, failed = threading.Barrier(8), list[BaseException]()

    def window() -> None:
        start.wait()
        for _ in range(12):
            try:
                submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0"))
            except Conflict:
                continue  # the other window was faster
            except BaseException as error:
                failed.append(error)

    threads = [threading.Thread(target=window) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    work(ledger, campaign, "ann0")
    assert violations(ledger) == []


# -- leases


def test_what_is_held_is_shown_again_before_anything_new(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=5)
    first = claim(sqlite_ledger, campaign, "ann0", 2)
    assert claim(sqlite_ledger, campaign, "ann0", 2) == first
    assert claim(sqlite_ledger, campaign, "ann0", 3)[:2] == first
    assert len(claim(sqlite_ledger, campaign, "ann0", 100)) == 5


def test_an_expired_lease_goes_to_somebody_else(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=1)
    (held,) = claim(timed, campaign, "ann0")
    clock.now += LEASE
    assert claim(timed, campaign, "ann1") == []
    assert claim(timed, campaign, "ann0") == [held]
    clock.now += 1
    (again,) = claim(timed, campaign, "ann1")
    assert again.messages == held.messages
    assert again.assignment != held.assignment
    assert [row.taken for row in rows(timed, tables.queue_item)] == [1]


def test_an_expired_lease_may_come_back_to_the_one_who_had_it(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=1)
    (held,) = claim(timed, campaign, "ann0")
    clock.now += LEASE + 1
    (again,) = claim(timed, campaign, "ann0")
    assert again == dataclasses.replace(held, lease_until=clock.now + LEASE)
    submit(timed, campaign, "ann0", [again])
    assert violations(timed) == []


def test_a_thousand_leases_that_ran_out_all_come_back_at_once(
    timed_sqlite: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed_sqlite, items=1000, annotators=2)
    assert len(claim(timed_sqlite, campaign, "ann0", 1000)) == 1000
    clock.now += LEASE + 1
    assert len(claim(timed_sqlite, campaign, "ann1", 1000)) == 1000


def test_a_stale_judgment_is_taken_while_its_place_is_free(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=2)
    shown = claim(timed, campaign, "ann0", 2)
    clock.now += LEASE + 1
    submit(timed, campaign, "ann0", shown[:1])  # nobody has noticed yet
    (taken,) = claim(timed, campaign, "ann1")  # the other one went back, and to ann1
    assert taken.messages == shown[1].messages
    with timed.transaction("ann1") as tx:
        assert queue.give_back(tx, campaign, "ann1") == 1
    submit(timed, campaign, "ann0", shown[1:])
    assert violations(timed) == []
    assert claim(timed, campaign, "ann1") == []


def test_a_stale_judgment_is_refused_when_its_place_is_gone(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=1)
    shown = claim(timed, campaign, "ann0")
    clock.now += LEASE + 1
    theirs = claim(timed, campaign, "ann1")
    with pytest.raises(Conflict, match="somebody else"):
        submit(timed, campaign, "ann0", shown)
    submit(timed, campaign, "ann1", theirs)
    with pytest.raises(Conflict, match="somebody else"):
        submit(timed, campaign, "ann0", shown)
    assert violations(timed) == []


def test_giving_back_frees_the_places_once(timed: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed, items=[item(n, overlap=2) for n in range(3)])
    claim(timed, campaign, "ann0", 3)
    with timed.transaction("ann0") as tx:
        assert queue.give_back(tx, campaign, "ann0") == 3
        assert queue.give_back(tx, campaign, "ann0") == 0
    assert {row.taken for row in rows(timed, tables.queue_item)} == {0}
    for n in range(3):
        work(timed, campaign, f"ann{n}", 2)
    assert violations(timed) == []


def test_a_lease_that_expires_while_it_is_given_back_frees_one_place(
    timed: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(timed, items=1)
    claim(timed, campaign, "ann0")
    with timed.reader() as reader:
        seen_before = queries.own_leases(reader, campaign.id, "ann0", clock.now, clock.now + LEASE)
    clock.now += LEASE + 1
    claim(timed, campaign, "ann1")
    monkeypatch.setattr(queries, "own_leases", lambda *_: seen_before)
    with timed.transaction("ann0") as tx:
        assert queue.give_back(tx, campaign, "ann0") == 0
    assert [row.taken for row in rows(timed, tables.queue_item)] == [1]


def test_only_a_lead_gives_back_what_somebody_else_holds(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    claim(sqlite_ledger, campaign, "ann0", 2)
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ann1") as tx:
        queue.give_back(tx, campaign, "ann0")
    with sqlite_ledger.transaction(LEAD) as tx:
        assert queue.give_back(tx, campaign, "ann0") == 2


def test_a_lease_that_lapsed_in_one_campaign_can_be_taken_up_in_another(
    timed: Ledger, clock: Clock
) -> None:
    one, two = open_campaign(timed, "one", [item(1)]), open_campaign(timed, "two", [item(1)])
    claim(timed, one, "ann0")
    clock.now += LEASE + 1
    claim(timed, one, "ann1")
    submit(timed, two, "ann0", claim(timed, two, "ann0"))
    (judgment,) = rows(timed, tables.judgment)
    assert judgment.campaign == two.id


# -- nobody skips anything for good


def test_what_others_had_locked_is_found_in_the_end(
    copied_postgresql_url: str, tmp_path: Path
) -> None:
    ledger = make_ledger(copied_postgresql_url, tmp_path)
    campaign = open_campaign(ledger, items=6)
    q = tables.queue_item
    with ledger.engine.connect() as other, other.begin():
        # Somebody else's claim is under way: it holds the first three.
        other.execute(sa.select(q).order_by(q.c.position).limit(3).with_for_update())
        assert work(ledger, campaign, "ann0", 10) == 3
        assert claim(ledger, campaign, "ann0", 10) == []
    # Somebody else dropped it; items added later do not hide the skipped ones either.
    with ledger.transaction(LEAD) as tx:
        add_items(tx, campaign, [item(100)])
    assert work(ledger, campaign, "ann0") == 4
    assert violations(ledger) == []
    ledger.close()


def test_everything_is_filled_however_claims_and_people_come(sqlite_ledger: Ledger) -> None:
    luck = random.Random(3)
    items = [
        item(
            n,
            overlap=1 + n % 3,
            specialty=("", "billing")[n % 2],
            language=("en", "de")[n % 5 == 0],
        )
        for n in range(60)
    ]
    campaign = open_campaign(sqlite_ledger, items=items, annotators=4)
    for n in range(4):
        with sqlite_ledger.transaction(LEAD) as tx:
            campaigns.set_profile(tx, f"ann{n}", ["billing"][: n < 3], ["en", "de"][: 1 + (n > 0)])
    for _ in range(100):
        who = f"ann{luck.randrange(4)}"
        shown = claim(sqlite_ledger, campaign, who, luck.randint(1, 9))
        if luck.random() < 0.3:
            with sqlite_ledger.transaction(who) as tx:
                queue.give_back(tx, campaign, who)
        else:
            submit(sqlite_ledger, campaign, who, shown[: luck.randint(0, 9)])
    for n in range(4):
        work(sqlite_ledger, campaign, f"ann{n}", 5)
    # Three annotators know billing and two of those German: places for three need all who can.
    with sqlite_ledger.reader() as reader:
        counts = queries.queue_counts(reader, campaign.id)["work"]
    able = {("en", ""): 4, ("en", "billing"): 3, ("de", ""): 3, ("de", "billing"): 2}
    expected = sum(
        min(one.overlap or 1, able[one.prompt.language, one.prompt.specialty]) for one in items
    )
    assert counts["taken"] == counts["judged"] == expected


# -- routing


def test_work_goes_to_those_who_know_the_language_and_the_specialty(sqlite_ledger: Ledger) -> None:
    lanes = [("en", ""), ("en", "billing"), ("en", "security"), ("de", ""), ("de", "billing")]
    items = [
        item(n, language=language, specialty=specialty, overlap=9)
        for n, (language, specialty) in enumerate(lanes)
    ]
    campaign = open_campaign(sqlite_ledger, items=items, annotators=4)
    with sqlite_ledger.transaction(LEAD) as tx:
        campaigns.set_profile(tx, "ann1", ["billing"])
        campaigns.set_profile(tx, "ann2", ["billing"], ["de", "en"])
        campaigns.set_profile(tx, "ann3", [], ["de"])
    seen = {
        f"ann{n}": {
            one.messages[0].text[-1] for one in claim(sqlite_ledger, campaign, f"ann{n}", 9)
        }
        for n in range(4)
    }
    assert seen == {
        "ann0": {"0"},  # no profile: general work in English
        "ann1": {"0", "1"},
        "ann2": {"0", "1", "3", "4"},
        "ann3": {"3"},
    }


def test_gold_and_anchors_are_routed_like_work(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(20)]
    items += [item(n, kind, language="de") for n in range(20) for kind in ("gold", "anchor")]
    campaign = open_campaign(sqlite_ledger, items=items, gold_share=0.5)
    shown = claim(sqlite_ledger, campaign, "ann0", 20)
    assert set(purposes(sqlite_ledger, shown)) == {"live"}
    strict = open_campaign(
        sqlite_ledger, "strict", items, calibration=campaigns.Calibration(anchors=5)
    )
    with pytest.raises(BadInput, match="none for ann0"):
        claim(sqlite_ledger, strict, "ann0")


# -- gold and repeats


def walk(ledger: Ledger, campaign: Campaign, count: int, upto: int) -> list[str]:
    """One annotator's purposes in the order shown, `count` claimed at a time."""
    found = list[str]()
    while len(found) < upto and (shown := claim(ledger, campaign, "ann0", count)):
        found += purposes(ledger, shown)
        submit(ledger, campaign, "ann0", shown)
    return found


@pytest.mark.parametrize(("count", "upto"), [(1, 100), (25, 500), (200, 500)])
def test_gold_and_repeats_come_as_often_as_the_settings_say(
    sqlite_ledger: Ledger, count: int, upto: int
) -> None:
    items = [item(n) for n in range(upto)] + [item(n, "gold") for n in range(200)]
    campaign = open_campaign(
        sqlite_ledger, items=items, gold_share=0.12, duplicate_share=0.15, session_minutes=9999
    )
    found = walk(sqlite_ledger, campaign, count, upto)
    assert len(found) >= upto  # a gold item that is due never stops the queue
    shares = {name: found.count(name) / len(found) for name in ("gold", "duplicate")}
    # Within three standard errors, and the first twenty cannot hold a repeat.
    error = (0.15 * 0.85 / len(found)) ** 0.5
    assert shares["gold"] == pytest.approx(0.12, abs=3 * error)
    assert shares["duplicate"] == pytest.approx(0.15, abs=3 * error + 20 / len(found))


@pytest.mark.parametrize("count", [1, 25])
def test_repeats_come_once_each_at_a_distance_and_from_the_whole_of_the_work(
    sqlite_ledger: Ledger, count: int
) -> None:
    campaign = open_campaign(sqlite_ledger, items=100, duplicate_share=0.3, duplicate_distance=20)
    walk(sqlite_ledger, campaign, count, 100)
    shown = rows(sqlite_ledger, tables.assignment)
    at = {row.comparison: row.sequence for row in shown if row.purpose == "live"}
    repeats = [row for row in shown if row.purpose == "duplicate"]
    assert len(repeats) > 15
    assert len({row.comparison for row in repeats}) == len(repeats)
    distances = [row.sequence - at[row.comparison] for row in repeats]
    assert min(distances) > 20
    assert max(at[row.comparison] for row in repeats) > 45  # not only the first things ever seen


def test_gold_that_runs_out_is_replaced_by_work(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(30)] + [item(n, "gold") for n in range(3)]
    campaign = open_campaign(sqlite_ledger, items=items, gold_share=0.8)
    found = walk(sqlite_ledger, campaign, 1, 999)
    assert Counter(found) == {"live": 30, "gold": 3}
    assert found[-1] == "live"  # gold alone would tell what it is


def test_when_the_work_runs_out_gold_does_too(sqlite_ledger: Ledger) -> None:
    items = [item(0)] + [item(n, "gold") for n in range(30)]
    campaign = open_campaign(sqlite_ledger, items=items, gold_share=0.5)
    found = walk(sqlite_ledger, campaign, 10, 999)
    assert found[-1] == "live"
    assert found.count("live") == 1
    assert claim(sqlite_ledger, campaign, "ann0", 10) == []


def test_a_relabelling_of_the_same_items_does_not_stumble_over_earlier_repeats(
    sqlite_ledger: Ledger,
) -> None:
    settings: dict[str, Any] = {"duplicate_share": 0.4, "duplicate_distance": 2}
    live = open_campaign(sqlite_ledger, "live", 30, **settings)
    walk(sqlite_ledger, live, 3, 999)
    again = open_campaign(sqlite_ledger, "again", 30, purpose="relabel", **settings)
    assert walk(sqlite_ledger, again, 3, 999).count("relabel") == 30


# -- nothing is given away


def test_what_is_shown_has_no_purpose_model_gold_flag_or_seed(sqlite_ledger: Ledger) -> None:
    fields = {field.name: str(field.type) for field in dataclasses.fields(queue.Shown)}
    assert fields == {
        "assignment": "<class 'str'>",
        "messages": "tuple[prefloop.core.records.Message, ...]",
        "first": "<class 'str'>",
        "second": "<class 'str'>",
        "language": "<class 'str'>",
        "lease_until": "<class 'int'>",
    }
    items = [item(n) for n in range(60)] + [item(n, "gold") for n in range(60)]
    campaign = open_campaign(
        sqlite_ledger, items=items, gold_share=0.3, duplicate_share=0.2, duplicate_distance=5
    )
    shown = claim(sqlite_ledger, campaign, "ann0", 30)
    submit(sqlite_ledger, campaign, "ann0", shown)
    shown = claim(sqlite_ledger, campaign, "ann0", 30)
    kinds = purposes(sqlite_ledger, shown)
    assert set(kinds) == {"live", "gold", "duplicate"}
    for one in shown:
        UUID(one.assignment)
        said = repr(one)
        assert not any(word in said for word in ("model-", "because", "purpose", "origin", "facts"))
        assert {one.first[-5:], one.second[-5:]} == {"right", "wrong"}
    assert len({one.lease_until for one in shown}) == 1
    # Ids carry the order of showing and nothing else; kinds stand mixed.
    assert [one.assignment for one in shown] == sorted(one.assignment for one in shown)
    changes = sum(a != b for a, b in itertools.pairwise(kinds))
    assert changes > 5


def test_sides_are_balanced_recorded_and_undone_in_the_verdict(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=[item(n, overlap=2) for n in range(200)])
    for who in ("ann0", "ann1"):
        shown = claim(sqlite_ledger, campaign, who, 200)
        right_first = sum(one.first.endswith("right") for one in shown)
        assert 70 <= right_first <= 130  # 100 expected, standard deviation 7
        submit(sqlite_ledger, campaign, who, shown)
    judged = rows(sqlite_ledger, tables.judgment)
    assert 160 <= sum(row.first_shown == "a" for row in judged) <= 240
    origin = {row.comparison: row.origin for row in rows(sqlite_ledger, tables.queue_item)}
    # Everybody chose the right one, which model-one wrote, wherever it stood.
    assert {origin[row.comparison][row.verdict] for row in judged} == {"model-one"}
    sides = [
        {row.comparison: row.first_shown for row in judged if row.annotator == who}
        for who in ("ann0", "ann1")
    ]
    same = sum(sides[0][key] == sides[1][key] for key in sides[0])
    assert 70 <= same <= 130  # each annotator has their own coin


def test_showing_again_keeps_the_side(timed_sqlite: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed_sqlite, items=20)
    before = claim(timed_sqlite, campaign, "ann0", 20)
    clock.now += LEASE + 1
    claim(timed_sqlite, campaign, "ann1", 1)
    after = {one.assignment: one.first for one in claim(timed_sqlite, campaign, "ann0", 19)}
    assert all(after[one.assignment] == one.first for one in before if one.assignment in after)


# -- who may


def test_only_those_who_may_judge_are_shown_anything(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with pytest.raises(NotPermitted, match="it takes the role annotator or senior"):
        claim(sqlite_ledger, campaign, LEAD)
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ann0") as tx:
        queue.claim(tx, campaign, "ann1")
    assert claim(sqlite_ledger, campaign, SENIOR) != []


def test_a_claim_for_nothing_or_for_gold_is_bad_input(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    for count, purpose in ((0, None), (-1, None), (1, Purpose.GOLD), (1, Purpose.ANCHOR)):
        with pytest.raises(BadInput):
            claim(sqlite_ledger, campaign, "ann0", count, purpose)


# -- spot checks


def test_a_spot_check_shows_others_judged_work_once_and_takes_no_place(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=4, spot_check_share=1)
    submit(timed, campaign, "ann0", claim(timed, campaign, "ann0", 2))
    submit(timed, campaign, SENIOR, claim(timed, campaign, SENIOR, 1))
    live = claim(timed, campaign, SENIOR, 1)
    check = claim(timed, campaign, SENIOR, 5, Purpose.SPOT_CHECK)
    assert purposes(timed, check) == ["spot check"] * 2  # not the unjudged, not their own
    theirs = claim(timed, campaign, LEAD, 5, Purpose.SPOT_CHECK)
    assert len(theirs) == 1  # what the senior judged, and nothing that is being checked
    submit(timed, campaign, LEAD, theirs)
    submit(timed, campaign, SENIOR, [*live, check[0]])
    with timed.reader() as reader:
        counts = queries.queue_counts(reader, campaign.id)["work"]
    assert counts == {"items": 4, "wanted": 4, "taken": 4, "judged": 4}


def test_a_spot_check_that_lapsed_is_not_lost(timed_sqlite: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed_sqlite, items=1, spot_check_share=1)
    submit(timed_sqlite, campaign, "ann0", claim(timed_sqlite, campaign, "ann0"))
    for who in (SENIOR, LEAD, SENIOR):
        (check,) = claim(timed_sqlite, campaign, who, 5, Purpose.SPOT_CHECK)
        clock.now += LEASE + 1
    submit(timed_sqlite, campaign, SENIOR, [check])
    assert claim(timed_sqlite, campaign, LEAD, 5, Purpose.SPOT_CHECK) == []


# -- sessions


def test_a_session_ends_at_the_limit_and_a_break_opens_the_next(
    timed_sqlite: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed_sqlite, items=50, session_minutes=60, break_minutes=10)
    for _ in range(12):
        submit(timed_sqlite, campaign, "ann0", claim(timed_sqlite, campaign, "ann0"))
        clock.now += 5 * MINUTE
    with pytest.raises(SessionOver, match="has worked 60 minutes: a break of 5 more minutes"):
        claim(timed_sqlite, campaign, "ann0")
    claim(timed_sqlite, campaign, "ann1")  # everybody has their own session
    clock.now += 5 * MINUTE - 1
    with pytest.raises(SessionOver, match="a break of 1 more minutes"):
        claim(timed_sqlite, campaign, "ann0")
    clock.now += 1
    assert claim(timed_sqlite, campaign, "ann0") != []


def test_asking_during_the_break_does_not_prolong_it(timed_sqlite: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed_sqlite, session_minutes=10, break_minutes=10)
    claim(timed_sqlite, campaign, "ann0")
    clock.now += 9 * MINUTE
    claim(timed_sqlite, campaign, "ann0")
    for _ in range(9):
        clock.now += 1 * MINUTE
        with pytest.raises(SessionOver):
            claim(timed_sqlite, campaign, "ann0")
    clock.now += 1 * MINUTE
    claim(timed_sqlite, campaign, "ann0")


def test_working_through_a_long_list_is_no_break(timed_sqlite: Ledger, clock: Clock) -> None:
    # One claim, then a judgment every five minutes: no break of ten, so the hour counts.
    campaign = open_campaign(timed_sqlite, items=50, session_minutes=60, break_minutes=10)
    shown = claim(timed_sqlite, campaign, "ann0", 13)
    for one in shown:
        clock.now += 5 * MINUTE
        submit(timed_sqlite, campaign, "ann0", [one])  # the last one, after the limit, is kept too
    with pytest.raises(SessionOver):
        claim(timed_sqlite, campaign, "ann0")


def test_sessions_count_over_all_campaigns(timed_sqlite: Ledger, clock: Clock) -> None:
    settings: dict[str, Any] = {"session_minutes": 60, "break_minutes": 10}
    one = open_campaign(timed_sqlite, "one", [item(1)], **settings)
    two = open_campaign(timed_sqlite, "two", [item(2)], **settings)
    for n in range(8):
        claim(timed_sqlite, (one, two)[n % 2], "ann0")
        clock.now += 8 * MINUTE
    with pytest.raises(SessionOver):
        claim(timed_sqlite, two, "ann0")


def test_what_was_handed_out_and_came_back_is_on_record(timed_sqlite: Ledger, clock: Clock) -> None:
    campaign = open_campaign(timed_sqlite, items=2)
    first = claim(timed_sqlite, campaign, "ann0", 2)
    clock.now += LEASE + 1
    second = claim(timed_sqlite, campaign, "ann1")
    found = [row for row in rows(timed_sqlite, store.event) if row.action == "queue.lease"]
    assert [row.actor for row in found] == ["ann0", "ann1"]
    assert found[0].detail == {"leased": [one.assignment for one in first], "expired": []}
    assert found[1].detail["leased"] == [one.assignment for one in second]
    assert sorted(found[1].detail["expired"]) == sorted(one.assignment for one in first)
