"""Each annotator from a campaign as it stands: by hand, with a clock that is moved."""

from dataclasses import replace
from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    MINUTE,
    Clock,
    claim,
    item,
    open_campaign,
    purposes,
    right,
    submit,
)
from tests.annotation.quality.conftest import DAY, MONDAY, WEEK, row, said, work

from prefloop.annotation import batches, campaigns, improvement
from prefloop.annotation.campaigns import Calibration
from prefloop.annotation.quality import of_batch, of_campaign
from prefloop.annotation.quality.annotators import Annotators, Person, annotators
from prefloop.annotation.quality.checks import anchors, gold, own_first, repeats
from prefloop.annotation.quality.drift import Drift, drifts
from prefloop.annotation.quality.habits import Pace, first_side, pace
from prefloop.annotation.quality.reasons import Reasons, reasons
from prefloop.annotation.quality.told import told
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AnnotatorGates
from prefloop.stats import NotEnough
from prefloop.store import Ledger, texts

GATES = AnnotatorGates()
AGREED = ["price", "date", "refund", "step", "source", "exact", "wrong", "amount", "fee", "due"]
ODD = ["charm", "warm", "flow", "lovely", "voice", "style", "feels", "gentle", "rhythm", "humor"]


def look(ledger: Ledger, name: str = "support", gates: AnnotatorGates = GATES) -> Annotators:
    with ledger.reader() as reader:
        found = of_campaign(reader, campaigns.get(reader, name))
        return annotators(reader, found, gates, 0)


def person(ledger: Ledger, name: str, **how: Any) -> Person:
    return next(one for one in look(ledger, **how).people if one.name == name)


@pytest.fixture
def desk(timed_sqlite: Ledger, clock: Clock) -> Ledger:
    """ann0 is always right, ann1 only on every second item; one judgment a minute."""
    items = [item(n, overlap=2) for n in range(60)] + [item(n, "gold") for n in range(30)]
    items += [item(n, "anchor") for n in range(20)]
    campaign = open_campaign(
        timed_sqlite,
        items=items,
        annotators=2,
        gold_share=0.3,
        duplicate_share=0.3,
        duplicate_distance=3,
        session_minutes=1000,
        calibration=Calibration(anchors=20, max_disagreement=0.6),
    )
    for who in ("ann0", "ann1"):
        n = 0
        while shown := claim(timed_sqlite, campaign, who):
            clock.now += MINUTE
            wrong = who == "ann1" and n % 2 == 0 and purposes(timed_sqlite, shown) != ["anchor"]
            choice = 3 - right(shown[0]) if wrong else right(shown[0])
            submit(timed_sqlite, campaign, who, shown, choice=choice, active_ms=30_000,
                   rationale="It answers." if n % 4 == 0 else "")  # fmt: skip
            n += 1
    return timed_sqlite


def test_somebody_who_is_always_right(desk: Ledger) -> None:
    one = person(desk, "ann0")
    assert isinstance(one.gold, Estimate)
    assert isinstance(one.repeats, Estimate)
    assert (one.gold.estimate, one.repeats.estimate) == (1, 1)
    assert one.gold.n >= 15
    assert one.judgments == 60
    assert isinstance(one.first_side, Estimate)
    assert abs(one.first_side.estimate - 0.5) < 0.25  # 60 fair coins: 3.9 standard errors
    assert isinstance(one.rationales, Estimate)
    assert one.rationales.low < 0.25 < one.rationales.high
    assert one.anchors is not None
    assert (one.anchors.judged, one.anchors.disagreed) == (20, 0)
    assert one.standing == "cleared"
    assert one.due == ""
    assert one.recognized is (one.gold.low >= 0.85 and one.repeats.low >= 0.8)
    # A judgment a minute: 60 an hour.
    assert isinstance(one.pace, Pace)
    assert one.pace.per_hour == pytest.approx(60, rel=0.05)
    assert one.pace.median_seconds == 30


def test_somebody_who_is_right_half_of_the_time(desk: Ledger) -> None:
    one = person(desk, "ann1")
    assert isinstance(one.gold, Estimate)
    assert one.gold.low < 0.5 < one.gold.high
    assert not one.recognized


def test_a_closed_batch_says_what_the_campaign_said(desk: Ledger) -> None:
    before = look(desk).json()
    with desk.transaction(LEAD) as tx:
        batch = batches.close(tx, campaigns.get(tx, "support"))
    with desk.reader() as reader:
        after = annotators(reader, of_batch(reader, batch), GATES, 0).json()
    assert after["annotators"] == before["annotators"]
    assert after["of"].startswith(batch.short)


def test_the_quarter_ends_and_anchors_are_due(desk: Ledger, clock: Clock) -> None:
    clock.now += 90 * DAY
    assert person(desk, "ann0").due == ""
    clock.now += 2 * DAY
    assert "days since the last anchors; due after 91" in person(desk, "ann0").due
    assert person(desk, "ann0", gates=AnnotatorGates(recalibrate_days=365)).due == ""


def test_a_plan_counts_from_the_day_it_was_made(desk: Ledger, clock: Clock) -> None:
    with desk.transaction(LEAD) as tx:
        improvement.write(tx, "ann1", {"gold": 0.4, "pace": 10}, clock.now + DAY, "be exact")
    plan = person(desk, "ann1").plan
    assert plan is not None
    assert [(goal.measure, goal.word) for goal in plan.goals] == [
        ("gold", "not yet"), ("pace", "not yet")
    ]  # fmt: skip
    clock.now += 2 * DAY
    plan = person(desk, "ann1").plan
    assert plan is not None
    assert plan.word == "missed"


def test_gold_repeats_and_anchors_by_hand() -> None:
    rows = [
        row("g1", said("ann", "a", purpose="gold"), said("ben", "b", purpose="gold")),
        row("g2", said("ann", "b", purpose="gold")),
        row("w1", said("ann", "a"), said("ann", "a", purpose="duplicate")),
        row("w2", said("ann", "a"), said("ann", "tie", purpose="duplicate")),
        row("x1", said("ann", "b", purpose="anchor"), said("ann", "a", purpose="anchor", round=2)),
    ]
    found = told(work(rows, answers={"g1": "a", "g2": "a", "x1": "a"}))
    ann, ben = found.names.index("ann"), found.names.index("ben")
    one, other = gold(found, ann), gold(found, ben)
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert (one.estimate, one.n, other.estimate, other.n) == (0.5, 2, 0, 1)
    again = repeats(found, own_first(found), ann)
    assert isinstance(again, Estimate)
    assert (again.estimate, again.n) == (0.5, 2)
    assert isinstance(repeats(found, own_first(found), ben), NotEnough)
    first = anchors(found, ann, 0.25)  # the first word alone counts
    assert first is not None
    assert (first.judged, first.disagreed) == (1, 1)
    assert anchors(found, ben, 0.25) is None


def test_the_documents_rule_catches_good_people_in_seven_of_a_hundred_cases() -> None:
    rows = [row(str(n), said("ann", "a" if n > 5 else "b", purpose="anchor")) for n in range(20)]
    found = told(work(rows, answers={str(n): "a" for n in range(20)}))
    one = anchors(found, 0, 0.25)
    assert one is not None
    # 6 of 20 are 30 %: over 25 %, not over 30 %. Binomial(20, .15): P(> 5) = .067, P(> 6) = .022.
    assert one.by_count == (True, False)
    assert one.by_chance == pytest.approx((0.067, 0.022), abs=0.001)
    assert one.above == pytest.approx(0.744, abs=0.001)  # Beta(7, 15) above .25
    assert "in 7% of cases with 20 anchors" in one.note()


def test_sides_and_pace_by_hand() -> None:
    minute = 60_000_000
    rows = [
        row("1", said("ann", "a", first_shown="a", at=0, active_ms=1000)),
        row("2", said("ann", "b", first_shown="a", at=minute, active_ms=3000)),
        row("3", said("ann", "tie", first_shown="a", at=2 * minute, active_ms=0)),
        row("4", said("ann", "b", first_shown="b", at=100 * minute, active_ms=2000)),
    ]
    found = told(work(rows))
    side = first_side(found, 0)
    assert isinstance(side, Estimate)
    assert side.estimate == pytest.approx(2 / 3)
    assert side.n == 3
    one = pace(found, 0)  # two minutes of work; the long gap is a break
    assert isinstance(one, Pace)
    assert one.hours == pytest.approx(2 / 60)
    assert one.per_hour == pytest.approx(4 / (2 / 60))
    assert one.median_seconds == 2
    silent = pace(told(work([row("1", said("ann", "a"))])), 0)
    assert isinstance(silent, NotEnough)


def test_an_error_rate_that_rises_is_an_alarm_and_anchors_are_due() -> None:
    # 600 items a day apart from each other in time; zed errs in .05, after item 300 in .5.
    random = rng(1)
    rows = []
    for n in range(600):
        judged = []
        for who in ("ann", "ben", "cy", "zed"):
            error = 0.5 if who == "zed" and n >= 300 else 0.05
            verdict = "ba"[n % 2] if random.random() < error else "ab"[n % 2]
            judged.append(said(who, verdict, at=n * 1_000_000))
        rows.append(row(f"{n:03}", *judged))
    found = drifts(work(rows), told(work(rows)), 0)
    zed = found["zed"]
    assert isinstance(zed, Drift)
    assert zed.alarm
    assert 300 <= zed.raised <= 340
    assert zed.q < 0.01
    assert "errs more since judgment" in zed.line()
    assert sum(isinstance(one, Drift) and one.alarm for one in found.values()) == 1
    unknown = [row(one["comparison"], *(said(j["annotator"], "a") for j in one["judgments"]))
               for one in rows[:5]]  # fmt: skip
    assert all(
        isinstance(one, NotEnough) for one in drifts(work(unknown), told(work(unknown)), 0).values()
    )


def test_reasons_that_move_away_from_the_standard_are_named(sqlite_ledger: Ledger) -> None:
    # Everybody speaks of price and date; from the fifth of ten weeks on zed speaks of charm.
    random = rng(2)
    names = [f"p{n:02}" for n in range(11)] + ["zed"]
    rows, texts_ = [], {}
    for n in range(600):
        judged = []
        for who in random.permutation(names)[:3]:
            odd = who == "zed" and n >= 300
            words = ODD if odd else AGREED
            text = " ".join(random.choice(words, 5))
            texts_[text] = ""
            judged.append(said(str(who), "a", at=MONDAY + n * WEEK // 60, rationale=text))
        rows.append(row(f"{n:03}", *judged))
    with sqlite_ledger.transaction(LEAD) as tx:
        texts_ = texts.put_many(tx, texts_)
    for one in rows:
        for judgment in one["judgments"]:
            judgment["rationale"] = texts_[judgment["rationale"]]
    standard = tuple(" ".join(random.choice(AGREED, 6)) for _ in range(40))
    found = replace(work(rows), explanations=standard)
    with sqlite_ledger.reader() as reader:
        away = reasons(reader, found, told(found))
        silent = reasons(reader, work(rows), told(work(rows)))
    assert isinstance(away, Reasons)
    assert away.alarms == ("zed",)
    gained = away.gained["zed"]
    assert isinstance(gained, Estimate)
    assert gained.low > 0.2
    assert len(away.weeks["zed"]) == 10
    assert isinstance(silent, NotEnough)
    assert "set the standard" in silent.reason
