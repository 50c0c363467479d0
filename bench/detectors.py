"""Which attackers the detectors find, and how many honest people they accuse, over many crowds.

A hundred annotators with 300 judgments each, five of every attack, honest skill that varies by .25
and .5 in log-odds. The same crowds go to a fixed model, in which everybody is equally skilled: what
people would write first. Then crowds whose honest people differ in more than skill: a minority that
takes the other side on one of five topics, writers of few words, a ring that copies somebody good;
and one and ten million judgments against the clock.
SEEDS says how many crowds (default 20); START is the first seed, none of which was tuned on.
"""

import os
import time
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bench.crowds import ATTACKS, Crowd, crowd
from bench.table import Line, finish, timed
from scipy import stats

from prefloop.stats import NotEnough
from prefloop.stats.detection import Curve, detect, judged, roc
from prefloop.stats.detection.together import Together, adjusted

PEOPLE, OF_EACH = 100, 5
WANTED, TOLERATED, SECONDS = 0.95, 0.02, 10.0


@dataclass
class Tally:
    """What came out over all crowds of one kind."""

    crowds: int = 0
    honest: int = 0
    accused: int = 0
    minority: int = 0
    minority_accused: int = 0
    told_apart: int = 0  # of the minority: a shared view or copying, no alarm
    accused_fixed: int = 0
    found: Counter[str] = field(default_factory=Counter)
    curves: list[Curve] = field(default_factory=list)  # of partial inversion
    no_ring: str = ""

    def add(self, one: Crowd) -> None:
        """Run the detectors on one more crowd."""
        found = detect(one.data)
        kinds: dict[int, set[str]] = {}
        for alarm in found.alarms:
            kinds.setdefault(alarm.annotator, set()).add(alarm.kind)
        roles = np.array(one.roles)
        self.crowds += 1
        self.honest += int((roles == "").sum())
        self.accused += sum(one.roles[who] == "" for who in kinds)
        self.minority += int(one.minority.sum())
        self.minority_accused += sum(one.minority[who] for who in kinds)
        self.accused_fixed += int((fixed(one.data.per_person, found) & (roles == "")).sum())
        for who, role in enumerate(one.roles):
            named = ATTACKS.get(role, "")
            self.found[role] += named in kinds.get(who, ()) if named else who in kinds
        skilled = np.isin(roles, ["", "partial inversion"])
        curve = roc(-found.traits.slopes[skilled, 0], roles[skilled] == "partial inversion")
        self.curves.append(curve)
        ring = found.detected["ring"]
        if isinstance(ring, NotEnough):
            self.no_ring = ring.reason
        else:
            self.told_apart += sum(one.minority[who] for who in ring.alike)


def fixed(n: np.ndarray, found: Together) -> np.ndarray:
    """Who is accused if everybody is taken to be equally accurate: the test of each share against
    the median's, to the low side alone, at the same false-discovery rate.  # (A,)"""
    right = (1 + found.traits.slopes[:, 0]) / 2
    usual = float(np.median(right))
    p = stats.norm.cdf((right - usual) / np.sqrt(usual * (1 - usual) / n))
    return np.asarray(adjusted(p) <= found.rate)


def over(seeds: range, spread: float = 0.5, **how: Any) -> Tally:
    """The tally over these seeds."""
    tally = Tally()
    for seed in seeds:
        tally.add(crowd(np.random.default_rng(seed), spread=spread, **how))
    return tally


# What else honest people may be, beside skill that varies by .5.
OTHERWISE: dict[str, dict[str, Any]] = {
    "minority, 60 common": {"minority": 0.2},
    "minority, 150 common": {"minority": 0.2, "common": 150},
    "minority, all common": {"minority": 0.2, "common": 300},
    "minority, 60 common, topics unknown": {"minority": 0.2, "topics_known": False},
    "minority, all common, topics unknown": {
        "minority": 0.2, "common": 300, "topics_known": False,
    },
    "minority on 1 of 2 topics": {"minority": 0.2, "topics": 2},
    "minority on 1 of 2 topics, unknown": {"minority": 0.2, "topics": 2, "topics_known": False},
    "short writers": {"short": 0.15},
    "ring with a good leader": {"leader": True},
    "all of it": {"minority": 0.2, "short": 0.15, "leader": True},
}  # fmt: skip


def otherwise(seeds: range) -> list[Line]:
    """Two lines per crowd: the attack found least, and the honest accused."""
    rows = []
    for name, how in OTHERWISE.items():
        tally = over(seeds, **how)
        each = tally.crowds * OF_EACH
        hits, least = min((tally.found[role], role) for role, kind in ATTACKS.items() if kind)
        rows.append(
            Line(f"found least: {name}", hits / each, WANTED, "target", hits / each / WANTED,
                 "share", f"{least}; {tally.crowds} crowds")
        )  # fmt: skip
        accused = tally.accused / tally.honest
        of_them = f"; minority: {tally.minority_accused} of {tally.minority} accused, "
        of_them += f"{tally.told_apart} of a shared view or copying"
        rows.append(
            Line(f"honest accused: {name}", accused, TOLERATED, "target",
                 TOLERATED / max(accused, 1e-9), "share",
                 f"{tally.accused} of {tally.honest}{of_them if tally.minority else ''}")
        )  # fmt: skip
    return rows


def lines(tally: Tally, spread: float, name: str) -> list[Line]:
    """One line per attack, and those about the honest."""
    note = f"{tally.crowds} crowds, honest log-odds spread {spread}"
    each = tally.crowds * OF_EACH
    rows = [
        Line(f"{role} {name}", hits / each, WANTED, "target", hits / each / WANTED, "share", note)
        for role, hits in ((role, tally.found[role]) for role, kind in ATTACKS.items() if kind)
    ]
    accused = tally.accused / tally.honest
    naive = tally.accused_fixed / tally.honest
    rows.append(
        Line(f"honest accused {name}", accused, naive, "a fixed model of skill",
             naive / max(accused, 1e-9), "share", f"at most {TOLERATED}; {note}")
    )  # fmt: skip
    area = float(np.mean([curve.area for curve in tally.curves]))
    points = (0.01, 0.02, 0.05, 0.1, 0.2)
    caught = [np.mean([curve.caught_at(share) for curve in tally.curves]) for share in points]
    drawn = ", ".join(f"{share:.0%} {hit:.2f}" for share, hit in zip(points, caught, strict=True))
    rows.append(
        Line(f"inversion AUC {name}", area, 0.5, "chance", area / 0.5, "area",
             f"the curve, honest accused and inverters caught: {drawn}")
    )  # fmt: skip
    return rows


def large(judgments: int) -> Line:
    """All detectors on judgments of 500 people, three per item and a common block; ten times the
    judgments have ten times the seconds."""
    each = judgments // 500
    made = crowd(np.random.default_rng(1), spread=0.5, annotators=500, judgments=each, of_each=25)
    data = made.data
    who, what = data.rows.annotators, data.verdicts.astype(np.int64)
    signs = {name: getattr(data, name).astype(np.int64) for name in ("first", "longer", "bullets")}
    rest = {name: getattr(data, name) for name in ("words", "active_ms", "rationales")}
    wall, cpu = timed(lambda: detect(judged(data.rows.items, who, what, **signs, **rest)), 1)
    tracemalloc.start()
    if judgments <= 1_000_000:  # following every allocation takes several times as long
        detect(judged(data.rows.items, who, what, **signs, **rest))
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    n, limit = len(data.verdicts), SECONDS * judgments / 1e6
    extra = f", {most:.0f} MB extra" if most > 1 else ""
    note = f"{n:,} judgments, 500 annotators; {1e6 * cpu / n:.1f} CPU-us per judgment{extra}"
    return Line("all detectors", wall, limit, "target", limit / wall, "s", note)


def main() -> None:
    """Print the tables and write the results."""
    start = int(os.environ.get("START", "1000"))
    seeds = range(start, start + int(os.environ.get("SEEDS", "20")))
    begun = time.perf_counter()
    rows: list[Line] = []
    for spread in (0.25, 0.5):
        rows += lines(over(seeds, spread), spread, f".85+-{spread:g}")
    harder = over(seeds, 0.5, accuracy=0.80)
    rows += [
        one for one in lines(harder, 0.5, ".80+-0.5") if one.name.startswith(("random", "hon"))
    ]
    rows += otherwise(seeds)
    thin = over(range(start, start + 1), 0.25, common=0)
    print(f"without a common block: {thin.no_ring}")
    rows += [large(1_000_000), large(10_000_000)]
    print(f"{time.perf_counter() - begun:.0f} s")
    finish("detectors", rows)


if __name__ == "__main__":
    main()
