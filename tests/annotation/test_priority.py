"""Priority arrives as a record, and a fifth of the work stays random whatever it says."""

from typing import Any

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
    rows,
    submit,
    work,
)
from tests.annotation.test_queue import violations

from prefloop.annotation import campaigns, queue, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.errors import BadInput, Conflict, NotPermitted
from prefloop.store import Ledger
from prefloop.store.verify import verify


def prioritise(
    ledger: Ledger, campaign: Campaign, scores: dict[str, Any], source: str = "reward model"
) -> int:
    with ledger.transaction(LEAD) as tx:
        return queue.prioritise(tx, campaign, scores, source=source)


def order(ledger: Ledger, campaign: Campaign) -> list[str]:
    """The comparisons of the work, in queue order."""
    work = [row for row in rows(ledger, tables.queue_item) if row.kind == "work"]
    return [row.comparison for row in sorted(work, key=lambda row: row.position)]


def given(ledger: Ledger, campaign: Campaign, who: str, count: int) -> list[str]:
    """What somebody is given, one at a time."""
    found = list[str]()
    for _ in range(count):
        (one,) = claim(ledger, campaign, who)
        name = {row.id: row.comparison for row in rows(ledger, tables.assignment)}
        found.append(name[one.assignment])
        submit(ledger, campaign, who, [one])
    return found


def test_the_highest_score_comes_first_and_a_fifth_is_random(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=[item(n, overlap=3) for n in range(300)])
    queued = order(sqlite_ledger, campaign)
    scores = {one: float(place) for place, one in enumerate(queued[100:])}  # the last is highest
    prioritise(sqlite_ledger, campaign, scores)
    found = given(sqlite_ledger, campaign, "ann0", 100)
    ranked = [one for one in found if one in scores]
    assert 68 <= len(ranked) <= 92  # 80 expected, standard deviation 4
    assert ranked == sorted(ranked, key=lambda one: -scores[one])
    assert ranked[0] == queued[-1]
    drawn = [one for one in found if one not in scores]
    assert drawn == queued[: len(drawn)]
    other = given(sqlite_ledger, campaign, "ann1", 10)  # everybody begins at the top
    assert next(one for one in other if one in scores) == queued[-1]


def test_a_new_record_replaces_the_old_one_even_for_who_is_half_way(
    sqlite_ledger: Ledger,
) -> None:
    campaign = open_campaign(sqlite_ledger, items=60)
    queued = order(sqlite_ledger, campaign)
    assert prioritise(sqlite_ledger, campaign, dict.fromkeys(queued[40:], 1.0)) == 1
    first = given(sqlite_ledger, campaign, "ann0", 10)
    left = [one for one in queued[20:40] if one not in first]
    assert prioritise(sqlite_ledger, campaign, dict.fromkeys(left, 5), "disagreement") == 2
    again = given(sqlite_ledger, campaign, "ann0", 10)
    assert sum(one in left for one in again) >= 6
    assert not set(again) & set(queued[40:]) - set(left)
    records = rows(sqlite_ledger, tables.priority)
    assert [(row.number, row.source, len(row.scores)) for row in records] == [
        (1, "reward model", 20),
        (2, "disagreement", len(left)),
    ]
    assert verify(sqlite_ledger).ok


def test_everything_is_judged_in_the_end_with_and_without_priority(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, items=[item(n, overlap=2) for n in range(30)])
    scores = {one: float(n) for n, one in enumerate(order(ledger, campaign)[::2])}
    prioritise(ledger, campaign, scores)
    for n in range(3):
        work(ledger, campaign, f"ann{n}", 4)
    assert violations(ledger) == []


def test_a_lapsed_item_with_priority_comes_back_before_work_that_has_none(
    timed: Ledger, clock: Clock
) -> None:
    campaign = open_campaign(timed, items=60)
    queued = order(timed, campaign)
    prioritise(timed, campaign, dict.fromkeys(queued[50:], 1.0))
    claim(timed, campaign, "ann0", 8)
    clock.now += 16 * MINUTE
    found = given(timed, campaign, "ann1", 12)
    assert sum(one in queued[50:] for one in found) >= 7


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({}, "needs scores"),
        ({"nothing": 1.0}, "is not in campaign support: leave it out"),
        ({"first": float("nan")}, "a finite number"),
        ({"first": float("inf")}, "a finite number"),
        ({"first": True}, "a finite number"),
    ],
)
def test_scores_that_mean_nothing_are_refused(
    sqlite_ledger: Ledger, scores: dict[str, Any], said: str
) -> None:
    campaign = open_campaign(sqlite_ledger)
    first = order(sqlite_ledger, campaign)[0]
    with pytest.raises(BadInput, match=said):
        prioritise(
            sqlite_ledger, campaign, {first if k == "first" else k: v for k, v in scores.items()}
        )
    assert rows(sqlite_ledger, tables.priority) == []


def test_priority_takes_a_role_a_source_and_an_open_campaign(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    scores = dict.fromkeys(order(sqlite_ledger, campaign), 1.0)
    with pytest.raises(BadInput, match="needs its source"):
        prioritise(sqlite_ledger, campaign, scores, "")
    for who in ("ann0", SENIOR):
        with pytest.raises(NotPermitted), sqlite_ledger.transaction(who) as tx:
            queue.prioritise(tx, campaign, scores, source="x")
    with sqlite_ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "closed", "done")
    with pytest.raises(Conflict, match="is closed"):
        prioritise(sqlite_ledger, campaign, scores)


def test_many_scores_are_kept_in_parts_and_gold_is_no_work(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.annotation.priority._PART", 4)
    campaign = open_campaign(sqlite_ledger, items=[*(item(n) for n in range(9)), item(0, "gold")])
    scores = {row.comparison: 1.0 for row in rows(sqlite_ledger, tables.queue_item)}
    with pytest.raises(BadInput, match="is not in campaign support"):
        prioritise(sqlite_ledger, campaign, scores)  # naming gold would give it away
    scores = dict.fromkeys(order(sqlite_ledger, campaign), 0.5)
    prioritise(sqlite_ledger, campaign, scores)
    assert [len(row.scores) for row in rows(sqlite_ledger, tables.priority)] == [4, 4, 1]
    with sqlite_ledger.reader() as reader:
        ranks = reader.all(sa.select(tables.queue_item.c.rank))
    assert sum(row.rank is not None for row in ranks) == 9
