"""Which attackers the detectors find, and how many honest people they accuse, over many crowds.

A hundred annotators with 300 judgments each, five of every attack, honest skill that varies by .25
and .5 in log-odds. The same crowds go to a fixed model, in which everybody is equally skilled: what
people would write first. Then one and ten million judgments against the clock.
SEEDS says how many crowds (default 20); START is the first seed, none of which was tuned on.
"""

import os
import time
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field

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
        self.accused_fixed += int((fixed(one.data.per_person, found) & (roles == "")).sum())
        for who, role in enumerate(one.roles):
            named = ATTACKS.get(role, "")
            self.found[role] += named in kinds.get(who, ()) if named else who in kinds
        skilled = np.isin(roles, ["", "partial inversion"])
        curve = roc(-found.traits.slopes[skilled, 0], roles[skilled] == "partial inversion")
        self.curves.append(curve)
        ring = found.detected["ring"]
        self.no_ring = ring.reason if isinstance(ring, NotEnough) else ""


def fixed(n: np.ndarray, found: Together) -> np.ndarray:
    """Who is accused if everybody is taken to be equally accurate: the test of each share against
    the median's, to the low side alone, at the same false-discovery rate.  # (A,)"""
    right = (1 + found.traits.slopes[:, 0]) / 2
    usual = float(np.median(right))
    p = stats.norm.cdf((right - usual) / np.sqrt(usual * (1 - usual) / n))
    return np.asarray(adjusted(p) <= found.rate)


def over(seeds: range, spread: float, accuracy: float = 0.85, common: int = 60) -> Tally:
    """The tally over these seeds."""
    tally = Tally()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        tally.add(crowd(rng, spread=spread, accuracy=accuracy, common=common))
    return tally


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
        rows += lines(over(seeds, spread), spread, f".85±{spread:g}")
    harder = over(seeds, 0.5, accuracy=0.80)
    rows += [one for one in lines(harder, 0.5, ".80±0.5") if one.name.startswith(("random", "hon"))]
    thin = over(range(start, start + 1), 0.25, common=0)
    print(f"without a common block: {thin.no_ring}")
    rows += [large(1_000_000), large(10_000_000)]
    print(f"{time.perf_counter() - begun:.0f} s")
    finish("detectors", rows)


if __name__ == "__main__":
    main()
