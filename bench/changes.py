"""How soon a change is seen: an error rate that rises from .15 to .30, rationales that drift.

Per signal the chart whose usual rate is known (`stats.changes`: planned, then simulated), and the
one that learns everybody's own usual rate among honest people of different skill (`stats.tracking`:
simulated). Then rationales of which ever more speak of style and ever fewer of the criteria.
CROWDS says how many crowds of a hundred people (default 3).
"""

import os
import time

import numpy as np
from bench.table import Line, finish

from prefloop.stats.changes import (
    Chart,
    Signal,
    known_truth,
    one_peer,
    own_answer,
    plan_chart,
    two_peers,
    watch,
)
from prefloop.stats.checks import GOLD, NONE, PEERS, REPEAT
from prefloop.stats.rationales import Moved, moved
from prefloop.stats.tracking import RISE, Track, track
from prefloop.text.standard import distances

BEFORE, AFTER, PEER = 0.15, 0.30, 0.15
HORIZON, PEOPLE, WORLDS = 300, 100, 4000
WANTED, TOLERATED = 0.95, 0.05
CROWDS = int(os.environ.get("CROWDS", "3"))

WAYS: dict[str, tuple[Signal, ...]] = {
    "known truth": (known_truth(BEFORE, AFTER),),
    "two peers": (two_peers(BEFORE, AFTER, PEER),),
    "one peer": (one_peer(BEFORE, AFTER, PEER),),
    "gold at 10 %": (known_truth(BEFORE, AFTER, 0.1),),
    "repeats at 10 %": (own_answer(BEFORE, AFTER, 0.1),),
    "gold, repeats, one peer": (
        known_truth(BEFORE, AFTER, 0.1),
        own_answer(BEFORE, AFTER, 0.05),
        one_peer(BEFORE, AFTER, PEER, 0.85),
    ),
    "gold, repeats, two peers": (
        known_truth(BEFORE, AFTER, 0.1),
        own_answer(BEFORE, AFTER, 0.05),
        two_peers(BEFORE, AFTER, PEER, 0.85),
    ),
}


def planned(name: str, signals: tuple[Signal, ...]) -> list[Line]:
    """The chart for a known usual rate: what it promises, and what simulation finds."""
    chart = plan_chart(signals, HORIZON)
    assert isinstance(chart, Chart)
    share: list[float] = []
    for rate in ("before", "after"):
        rng = np.random.default_rng([1, len(share)])
        n = WORLDS * HORIZON
        shares = np.cumsum([signal.share for signal in signals])
        which = np.searchsorted(shares, rng.random(n), side="right")
        which = np.where(which < len(signals), which, -1)
        rates = np.array([*(getattr(signal, rate) for signal in signals), 0.0])
        events = (rng.random(n) < rates[which]).astype(int)
        who = np.tile(np.arange(WORLDS), HORIZON)
        share.append(len(watch(who, which, events, chart)) / WORLDS)
    note = (
        f"of {HORIZON} judgments; {chart.detected:.3f} computed; half found by {chart.median_delay}"
        f", 95 % by {chart.delay_95}; false alarms {share[0]:.3f}, {chart.false_alarm:.3f} computed"
    )
    return [Line(name, share[1], WANTED, "target", share[1] / WANTED, "share", note)]


def crowd(
    rng: np.random.Generator, signals: tuple[Signal, ...], spread: float, settle: int, changes: bool
) -> tuple[np.ndarray, ...]:
    """Annotators, kinds, events and noise of honest people, in turns."""
    n = (settle + HORIZON) * PEOPLE
    who, at = np.tile(np.arange(PEOPLE), settle + HORIZON), np.arange(n) // PEOPLE
    log_odds = (np.log(BEFORE / (1 - BEFORE)) + spread * rng.standard_normal(PEOPLE))[who]
    gap = np.log(AFTER / (1 - AFTER)) - np.log(BEFORE / (1 - BEFORE))
    rate = 1 / (1 + np.exp(-(log_odds + gap * (changes & (at >= settle)))))
    first = 1 / (1 + np.exp(-log_odds))  # of a repeat's first answer
    wrong = rng.random(n) < rate
    shares = np.cumsum([signal.share if signal.name != "two peers" else 1 for signal in signals])
    which = np.searchsorted(shares, rng.random(n), side="right")
    kinds, events, noise = np.full(n, NONE), np.zeros(n, dtype=int), np.zeros(n)
    for position, signal in enumerate(signals):
        rows = np.flatnonzero(which == position)
        kind, doubt = GOLD, np.zeros(len(rows))
        against = np.zeros(len(rows), dtype=bool)  # what the judgment is checked against is wrong
        if signal.name == "own answer":
            kind, doubt = REPEAT, np.full(len(rows), BEFORE)
            against = rng.random(len(rows)) < first[rows]
        elif signal.name != "known truth":
            kind, doubt = PEERS, np.full(len(rows), PEER)
            against, other = rng.random((2, len(rows))) < PEER
            if signal.name == "two peers":
                agreed = against == other
                rows, against = rows[agreed], against[agreed]
                doubt = np.full(len(rows), PEER**2 / (PEER**2 + (1 - PEER) ** 2))
        kinds[rows], noise[rows] = kind, doubt
        events[rows] = wrong[rows] ^ against
    return who, kinds, events, noise


def learned(name: str, signals: tuple[Signal, ...], spread: float, settle: int) -> Line:
    """The chart that learns everybody's usual rate from their first judgments."""
    found: list[list[float]] = [[], []]  # delay of every person, without a change and with one
    for changes in (0, 1):
        for seed in range(CROWDS):
            rng = np.random.default_rng([2, seed, changes])
            who, kinds, events, noise = crowd(rng, signals, spread, settle, bool(changes))
            how = {"settle": settle, "horizon": HORIZON}
            tracks = track(who, kinds, events, noise, rng, **how)
            for one in tracks.values():
                if isinstance(one, Track):
                    late = np.inf if one.worse.alarm is None else one.worse.alarm // PEOPLE - settle
                    found[changes].append(float(late))
    share = [float(np.isfinite(delays).mean()) if delays else 0.0 for delays in found]
    half = float(np.median(found[1])) if found[1] else np.inf
    by = f"half found by {half:.0f}" if np.isfinite(half) else "half never found"
    note = (
        f"usual rate from {settle} judgments, spread {spread:g}; {by}; false alarms {share[0]:.3f}"
    )
    return Line(name, share[1], WANTED, "target", share[1] / WANTED, "share", note)


def mixed(known: bool) -> list[Line]:
    """A fifth of the people takes the other side on one topic, which is a twentieth of the work and
    two fifths later: nobody changes but for a tenth, whose odds of an error rise as above."""
    found: dict[str, list[bool]] = {"minority": [], "majority": [], "changed": []}
    n = 400 * PEOPLE
    who, at = np.tile(np.arange(PEOPLE), 400), np.arange(n) // PEOPLE
    minority, drifts = np.arange(PEOPLE) < PEOPLE // 5, np.arange(PEOPLE) >= PEOPLE * 9 // 10
    for seed in range(CROWDS):
        rng = np.random.default_rng([4, seed])
        about = np.where(rng.random(n) < np.where(at < 140, 0.05, 0.4), 0, rng.integers(1, 5, n))
        log_odds = (np.log(BEFORE / (1 - BEFORE)) + 0.5 * rng.standard_normal(PEOPLE))[who]
        log_odds += np.log(RISE) * (drifts[who] & (at >= 160))
        wrong = rng.random(n) < 1 / (1 + np.exp(-log_odds))
        differs = wrong ^ (minority[who] & (about == 0)) ^ (rng.random(n) < PEER**2)
        tracks = track(
            who, np.full(n, PEERS), differs.astype(int), np.full(n, PEER**2), rng,
            topics=about if known else None,
        )  # fmt: skip
        for code, one in tracks.items():
            kind = "minority" if minority[code] else "changed" if drifts[code] else "majority"
            found[kind].append(isinstance(one, Track) and one.worse.alarm is not None)
    share = {kind: float(np.mean(alarms)) for kind, alarms in found.items()}
    name = "topic mix, topics known" if known else "topic mix, unknown"
    note = (
        f"false alarms about the minority; majority {share['majority']:.3f}; changed people found "
        f"{share['changed']:.2f}"
    )
    accused = share["minority"]
    return [Line(name, accused, TOLERATED, "target", TOLERATED / max(accused, 1e-9), "share", note)]


CRITERIA = (
    "accurate policy correct states follows answers question directly honest limits steps clear "
    "next verified asks missing detail safe promise cites rule customer need resolved wrong claims"
)
STYLE = (
    "longer formatting bullet friendly nicer tone emoji headings detailed polished sounds reads "
    "enthusiastic warm bold lists pretty style impressive thorough looks"
)
FILLERS = (
    "the first one is because it and but other second response this with more than does not so"
)
TOPICS = [
    "refund order money returned card invoice charge amount",
    "parcel delivery carrier tracking address late shipped courier",
    "account login password account email locked reset verify",
    "subscription plan bill price month renewal tax",
    "app crash update install error screen device",
]


def rationale(rng: np.random.Generator, topic: int, style: float, own: str) -> str:
    """Some sixteen words: fillers, the topic's, the person's own, and criteria or style."""
    words = []
    for kind in rng.random(int(rng.integers(8, 25))):
        judging = STYLE if rng.random() < style else CRITERIA
        pool = FILLERS if kind < 0.5 else TOPICS[topic] if kind < 0.65 else judging
        choice = (own if 0.65 <= kind < 0.72 else pool).split()
        words.append(choice[int(rng.integers(len(choice)))])
    return " ".join(words)


def rationales(people: int, each: int, rise: float, crowds: int = 8, drifting: int = 3) -> Line:
    """Ten weeks; the share of style among a drifter's words of judgment rises by `rise`."""
    found = accused = 0
    began = time.process_time()
    for seed in range(crowds):
        rng = np.random.default_rng([3, seed])
        rows, texts = [], []
        for person in range(people):
            own = " ".join(f"own{person}n{k}" for k in range(6))
            usual = float(rng.beta(1.5, 12))
            for week in range(10):
                mix, wobble = rng.dirichlet(np.full(5, 1.5)), float(rng.normal(0, 0.03))
                style = usual + wobble + rise * max(0, week - 2) / 7 * (person < drifting)
                for _ in range(int(rng.poisson(each))):
                    topic = int(rng.choice(5, p=mix))
                    rows.append((person, week, topic))
                    texts.append(rationale(rng, topic, style, own))
        standard = [rationale(rng, n % 5, 0.03, CRITERIA) for n in range(150)]
        who, week_of, topic_of = np.array(rows).T
        got = moved(who, week_of, distances(texts, standard), topic_of)
        assert isinstance(got, Moved)
        found += sum(code < drifting for code in got.alarms)
        accused += sum(code >= drifting for code in got.alarms)
    share = found / (crowds * drifting)
    note = (
        f"{people} people, {each} rationales a week, style in {rise:.0%} more of the words by week "
        f"10; honest accused {accused / (crowds * (people - drifting)):.3f}; "
        f"{(time.process_time() - began) / crowds:.1f} CPU-s a crowd"
    )
    return Line("drifting rationales", share, WANTED, "target", share / WANTED, "share", note)


def main() -> None:
    """Print the tables and write the results."""
    lines = [line for name, signals in WAYS.items() for line in planned(name, signals)]
    for settle, spread in ((100, 0.25), (100, 0.5), (300, 0.5)):
        lines += [
            learned(f"{name}, learned", signals, spread, settle)
            for name, signals in WAYS.items()
            if not name.endswith("10 %")  # too few checks to learn from
        ]
    lines += [*mixed(True), *mixed(False)]
    lines += [rationales(40, 15, 0.6), rationales(40, 15, 0.3), rationales(40, 5, 0.6)]
    lines.append(rationales(8, 15, 0.6))
    finish("changes", lines)


if __name__ == "__main__":
    main()
