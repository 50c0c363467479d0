"""Detectors on crowds whose attackers are known, on crowds of honest people, and on bad input."""

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bench.crowds import ATTACKS, Crowd, crowd

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.detection import (
    Detected,
    Judged,
    Together,
    adjusted,
    detect,
    inverted_share,
    judged,
    needed_overlap,
    roc,
)

SEEDS = range(5)


@cache
def seen(seed: int, spread: float) -> tuple[Crowd, Together]:
    made = crowd(np.random.default_rng(seed), spread=spread)
    return made, detect(made.data)


def kinds(found: Together) -> dict[int, set[str]]:
    named: dict[int, set[str]] = {}
    for alarm in found.alarms:
        named.setdefault(alarm.annotator, set()).add(alarm.kind)
    return named


@pytest.mark.parametrize("spread", [0.25, 0.5])
def test_every_attack_is_found_and_hardly_anybody_honest_is_accused(spread: float) -> None:
    hits = dict.fromkeys([name for name, kind in ATTACKS.items() if kind], 0)
    accused = honest = 0
    for seed in SEEDS:
        made, found = seen(seed, spread)
        named = kinds(found)
        for who, role in enumerate(made.roles):
            honest += role == ""
            accused += role == "" and who in named
            if ATTACKS.get(role):
                hits[role] += ATTACKS[role] in named.get(who, ())
    # 25 attackers of each sort: at a true rate of .97, fewer than 21 have a chance below .001.
    assert {role: count for role, count in hits.items() if count < 21} == {}
    assert accused / honest <= 0.02


def test_a_partial_inverter_is_a_curve_and_an_effect_not_a_verdict() -> None:
    made, found = seen(0, 0.25)
    shares = inverted_share(made.data, found.traits)
    quarter = [shares[who] for who, role in enumerate(made.roles) if role == "partial inversion"]
    for one in quarter:
        assert isinstance(one, Estimate)
        # A quarter turned round, on top of everybody's honest errors: between .1 and .45.
        assert 0.1 < one.estimate < 0.45
        assert one.low < one.estimate < one.high
    assert sum(role == "partial inversion" for role in made.roles) == 5


def test_a_ring_names_its_members_to_each_other() -> None:
    made, found = seen(1, 0.25)
    ring = {who for who, role in enumerate(made.roles) if role == "colluding ring"}
    alarms = [alarm for alarm in found.alarms if alarm.kind == "ring"]
    assert ring <= {alarm.annotator for alarm in alarms}
    for alarm in alarms:
        if alarm.annotator in ring:
            assert set(alarm.partners) == ring - {alarm.annotator}
            assert alarm.effect > 0.3


def of_kind(found: Together, kind: str) -> set[int]:
    return {alarm.annotator for alarm in found.alarms if alarm.kind == kind}


@pytest.mark.parametrize("common", [60, 300])
@pytest.mark.parametrize("known", [True, False])
def test_a_minority_with_its_own_view_is_neither_a_ring_nor_random(
    common: int, known: bool
) -> None:
    accused = honest = members = hits = alike = 0
    for seed in range(3):
        made = crowd(
            np.random.default_rng(seed), spread=0.5, common=common, minority=0.2,
            topics_known=known,
        )  # fmt: skip
        found = detect(made.data)
        named = of_kind(found, "ring") | of_kind(found, "random")
        accused += len(named & set(np.flatnonzero(np.array(made.roles) == "")))
        honest += made.roles.count("")
        members += int(made.minority.sum())
        ring = found.detected["ring"]
        assert isinstance(ring, Detected)
        alike += len(set(ring.alike) & set(np.flatnonzero(made.minority)))
        hits += sum(made.roles[who] == "colluding ring" for who in of_kind(found, "ring"))
    assert accused / honest <= 0.02
    assert hits >= 14  # of 15
    # With 300 items and no topics the shared view shows, and is told as what it is.
    assert alike / members >= 0.5 if common == 300 and not known else alike / members <= 0.2


def test_somebody_who_follows_half_the_topics_and_opposes_the_others_is_no_coin() -> None:
    rng = np.random.default_rng(4)
    items, who = np.tile(np.arange(200), 24), np.repeat(np.arange(24), 200)
    truth, topic = rng.choice([-1, 1], 200), np.arange(200) % 2
    view = np.where((who == 3) & (topic[items] == 0), -1, 1)
    said = view * np.where(rng.random(4800) < 0.85, truth[items], -truth[items])
    said[who == 7] = rng.choice([-1, 1], 200)
    assert of_kind(detect(judged(items, who, said, topics=topic[items])), "random") == {7}
    assert of_kind(detect(judged(items, who, said)), "random") == {3, 7}


def test_two_of_one_mind_are_no_coins_though_no_topics_are_known() -> None:
    rng = np.random.default_rng(5)
    items, who = np.tile(np.arange(200), 24), np.repeat(np.arange(24), 200)
    truth = rng.choice([-1, 1], 200)
    view = np.where((who < 2) & (items % 2 == 0), -1, 1)
    said = view * np.where(rng.random(4800) < 0.85, truth[items], -truth[items])
    found = detect(judged(items, who, said))
    assert not {0, 1} & {alarm.annotator for alarm in found.alarms}
    ring = found.detected["ring"]
    assert isinstance(ring, Detected)
    assert set(ring.alike) == {0, 1}
    assert ring.alike[0].partners == (1,)
    assert ring.alike[0].agreed == (said[who == 0] == said[who == 1]).mean()
    assert ring.alike[0].shared == 200


def test_a_ring_that_copies_somebody_good_is_a_ring() -> None:
    hits = 0
    for seed in range(3):
        made = crowd(np.random.default_rng(seed), spread=0.25, leader=True)
        found = of_kind(detect(made.data), "ring")
        hits += sum(made.roles[who] == "colluding ring" for who in found)
    assert hits >= 13  # of 15


def test_writers_of_few_words_use_no_templates() -> None:
    made = crowd(np.random.default_rng(0), spread=0.5, short=0.3)
    found = detect(made.data)
    guilty = {who for who, role in enumerate(made.roles) if role == "templated rationales"}
    assert of_kind(found, "templates") == guilty


def test_the_share_of_templates_by_hand() -> None:
    # 40 rationales: "a" ten times, five others three times each, and fifteen said once. The five
    # commonest are a and four of the others: 9 + 4 * 2 = 17 said again, of 40.
    own = np.r_[np.zeros(10), np.repeat(np.arange(1, 6), 3), np.arange(6, 21)].astype(int)
    items, who = np.tile(np.arange(40), 12), np.repeat(np.arange(12), 40)
    wording = np.where(who == 5, np.tile(own, 12), 100 + np.arange(480))
    said = detect(judged(items, who, np.ones(480, int), rationales=wording)).detected["templates"]
    assert isinstance(said, Detected)
    assert dict(zip(said.annotators.tolist(), said.effect.tolist(), strict=True)) == {
        person: 17 / 40 if person == 5 else 0.0 for person in range(12)
    }


def test_people_who_like_the_same_length_are_no_ring() -> None:
    made, found = seen(2, 0.25)
    alike = {who for who, role in enumerate(made.roles) if role == "longer wins"}
    assert not alike & {alarm.annotator for alarm in found.alarms if alarm.kind == "ring"}


def test_a_ring_in_a_thin_assignment_is_not_enough_and_says_what_is_needed() -> None:
    made = crowd(np.random.default_rng(3), spread=0.25, common=0)
    said = detect(made.data).detected["ring"]
    assert isinstance(said, NotEnough)
    assert "no two annotators share more than" in said.reason
    assert "common block" in said.reason


def test_the_overlap_that_is_needed() -> None:
    # Two coins agree on m items with chance 2^-m. Among 2 people, 1 pair: 2^-m <= .05 from m = 5.
    assert needed_overlap(0.0, 2) == 5
    # 100 people, 4,950 pairs: 2^-m <= 1.01e-5, m = log2(99,000) = 16.6.
    assert needed_overlap(0.0, 100) == 17
    # Skill .7 (accuracy .85): they agree in .745 anyway; ln(99,000) / -ln(.745) = 39.1
    assert needed_overlap(0.7, 100) == 40


def test_annotators_by_other_names_and_items_in_another_order_change_nothing() -> None:
    made, found = seen(0, 0.5)
    data = made.data
    rng = np.random.default_rng(0)
    names, order = rng.permutation(1000)[:100], rng.permutation(len(data.verdicts))
    again = detect(rebuilt(data, lambda who: names[who], order))
    before = {(names[a.annotator], a.kind): a.p for a in found.alarms}
    after = {(a.annotator, a.kind): a.p for a in again.alarms}
    assert before.keys() == after.keys()
    for key, p in before.items():
        assert after[key] == pytest.approx(p, rel=1e-3, abs=1e-12)


def test_exchanging_a_and_b_changes_nothing() -> None:
    made, found = seen(0, 0.5)
    again = detect(rebuilt(made.data, lambda who: who, None, sign=-1))
    before = {(a.annotator, a.kind) for a in found.alarms}
    assert before == {(a.annotator, a.kind) for a in again.alarms}


def rebuilt(
    data: Judged,
    rename: Callable[[np.ndarray], np.ndarray],
    order: np.ndarray | None,
    sign: int = 1,
) -> Judged:
    pick = np.arange(len(data.verdicts)) if order is None else order
    signs = {
        name: (sign * getattr(data, name)[pick]).astype(int)
        for name in ("first", "longer", "bullets")
    }
    rest = {name: getattr(data, name)[pick] for name in ("words", "active_ms", "rationales")}
    said = (sign * data.verdicts[pick]).astype(int)
    return judged(data.rows.items[pick], rename(data.rows.annotators[pick]), said, **signs, **rest)


def test_honest_people_alone_are_left_alone() -> None:
    accused = 0
    for seed in range(3):
        made = crowd(np.random.default_rng(seed), spread=0.5, of_each=0)
        accused += len(kinds(detect(made.data)))
    assert accused <= 3  # of 300: at most 1 %


def test_what_was_not_recorded_is_said_and_the_rest_still_found() -> None:
    made, _ = seen(0, 0.25)
    rows = made.data.rows
    found = detect(judged(rows.items, rows.annotators, made.data.verdicts.astype(int)))
    reasons = {k: d.reason for k, d in found.detected.items() if isinstance(d, NotEnough)}
    assert reasons.keys() == {"one side", "longer wins", "bullets win", "too fast", "templates"}
    assert reasons["too fast"] == "active time was not recorded"
    clickers = {who for who, role in enumerate(made.roles) if role == "random clicker"}
    assert clickers <= {a.annotator for a in found.alarms if a.kind == "random"}


def test_a_person_with_few_judgments_is_missing_with_the_reason() -> None:
    made, _ = seen(0, 0.25)
    rows = made.data.rows
    keep = (rows.annotators != 99) | (np.cumsum(rows.annotators == 99) <= 12)
    found = detect(
        judged(rows.items[keep], rows.annotators[keep], made.data.verdicts[keep].astype(int))
    )
    said = found.detected["random"]
    assert isinstance(said, Detected)
    assert said.missing[99].reason == (
        "12 judgments on comparisons that others judged too: at least 30 are needed"
    )
    assert 99 not in said.annotators


def test_a_person_who_gives_one_answer_is_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([-1, 1], 200)
    items, who = np.tile(np.arange(200), 20), np.repeat(np.arange(20), 200)
    said = np.where(rng.random(4000) < 0.85, truth[items], -truth[items])
    said[who == 7] = 1
    (alarm,) = [a for a in detect(judged(items, who, said)).alarms if a.kind == "one answer"]
    assert (alarm.annotator, alarm.effect, alarm.n) == (7, 1.0, 200)


def test_among_real_raters_the_constant_one_and_those_who_always_say_yes_are_named(
    shared_data: Path,
) -> None:
    path = shared_data / "dices" / "dices_350_crowdsourced.json.gz"
    codes = {"Yes": 1, "No": -1, "Unsure": 0}
    rows = [
        (item, rater, codes[said])
        for item, one in enumerate(json.loads(gzip.decompress(path.read_bytes()))["instances"])
        for rater, said in enumerate(one["annotations"]["safety"]["individual_human_scores"])
        if said in codes
    ]
    found = detect(judged(*zip(*rows, strict=True)))
    same = {a.annotator: a.effect for a in found.alarms if a.kind == "one answer"}
    # Counted by hand: rater 61 said No 249 times of 249, 80 and 99 said Yes 248 and 247 times.
    assert same[61] == 1.0
    assert same[80] == pytest.approx(248 / 249)
    assert same[99] == pytest.approx(247 / 249)
    assert len({a.annotator for a in found.alarms}) <= 0.1 * 123
    # Raters 21 and 24 gave the same answer to 234 of 249.
    assert {a.annotator: a.partners for a in found.alarms if a.kind == "ring"}[21] == (24,)


def test_a_handful_of_people_cannot_say_what_people_are_like() -> None:
    rng = np.random.default_rng(0)
    items, who = np.tile(np.arange(50), 3), np.repeat(np.arange(3), 50)
    truth = rng.choice([-1, 1], 50)[items]
    found = detect(judged(items, who, np.where(rng.random(150) < 0.9, truth, -truth)))
    assert found.alarms == ()
    said = found.detected["random"]
    assert isinstance(said, NotEnough)
    assert said.reason.startswith("3 annotators have enough judgments")


def test_no_judgments_at_all_is_not_enough_everywhere() -> None:
    found = detect(judged([], [], []))
    assert found.alarms == ()
    assert found.tests == 0
    assert all(isinstance(one, NotEnough) for one in found.detected.values())


def test_everybody_flipping_coins_accuses_nobody_of_it() -> None:
    rng = np.random.default_rng(5)
    items, who = np.tile(np.arange(100), 30), np.repeat(np.arange(30), 100)
    found = detect(judged(items, who, rng.choice([-1, 1], 3000)))
    assert not [a for a in found.alarms if a.kind == "random"]
    assert isinstance(found.detected["random"], NotEnough)


def test_everybody_of_one_mind_accuses_nobody() -> None:
    items, who = np.tile(np.arange(60), 15), np.repeat(np.arange(15), 60)
    truth = np.where(np.arange(60) % 2, 1, -1)
    assert detect(judged(items, who, truth[items])).alarms == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdicts": [1, 2]}, "verdicts has 2 at row 1: use 1, 0 or -1"),
        ({"first": [1]}, "columns differ in length"),
        ({"active_ms": [10.0, -1.0]}, "active_ms has -1 at row 1: 0 or more"),
        ({"words": [float("nan"), 1.0]}, "words has a value that is not finite at row 0"),
        ({"items": [4, 4], "annotators": [1, 1]}, "annotator 1 judged item 4 twice"),
        ({"rationales": ["good", "bad"]}, "rationales must be whole-number codes"),
        ({"topics": [1]}, "columns differ in length"),
        ({"items": [4, 4], "topics": [1, 2]}, "item 4 has two topics: give each item one"),
    ],
)
def test_bad_columns_are_one_clear_line(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"items": [0, 1], "annotators": [0, 1], "verdicts": [1, -1]}
    with pytest.raises(BadInput, match=message):
        judged(**{**given, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_that_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        detect(judged([0], [0], [1]), rate)


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    # m = 4, sorted .01 .02 .03 .5: .01*4/1 = .04, .02*4/2 = .04, .03*4/3 = .04, .5*4/4 = .5.
    found = adjusted(np.array([0.03, 0.5, 0.01, 0.02]))
    assert found == pytest.approx([0.04, 0.5, 0.04, 0.04])
    assert adjusted(np.zeros(0)).size == 0
    # Weights 3 and 1 (mean 2): .04 * 2/3 = .0267 and .01 * 2/1 = .02; times 2/2 and 2/1.
    weighted = adjusted(np.array([0.04, 0.01]), np.array([3.0, 1.0]))
    assert weighted == pytest.approx([0.02667, 0.02667], abs=1e-5)


def test_a_curve_by_hand() -> None:
    # Guilty .9 and .4, honest .5 and .1: of four pairs the guilty one leads in three.
    curve = roc(np.array([0.9, 0.4, 0.5, 0.1]), np.array([True, True, False, False]))
    assert curve.area == pytest.approx(0.75)
    assert curve.caught_at(0.0) == 0.5
    assert curve.caught_at(0.5) == 1.0
    perfect = roc(np.array([2.0, 1.0]), np.array([True, False]))
    assert perfect.area == 1.0
    with pytest.raises(BadInput, match="needs guilty and innocent"):
        roc(np.array([1.0]), np.array([True]))
