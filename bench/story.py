"""Does the case study tell itself on seeds that nobody tuned on, and do its gates decide rightly?

Each seed is another desk: other prompts, demonstrations, models and annotator noise. After each
pass an oracle of 2,000 probes, which only a simulation has, says whether customers are truly better
off.
SEEDS="2 3 4" chooses others; JOBS says how many run at once (each takes one core).
"""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.table import Line, finish

SEEDS = tuple(range(2, 12))
STUDY_WINS = 0.68


@dataclass(frozen=True, slots=True)
class Told:
    """What one seed's demo came to."""

    seed: int
    story: dict[str, Any]
    better: tuple[bool, ...]  # by the oracle, pass by pass

    @property
    def as_told(self) -> bool:
        """Liked better and refused for its prices first; mended and promoted then."""
        passes = self.story["passes"]
        if [one["decision"] for one in passes] != ["refuse", "promote"]:
            return False
        blamed = any("wrong" in why or "accuracy" in why for why in passes[0]["reasons"])
        return blamed and all(one["win_rate"]["low"] > 0.5 for one in passes)

    @property
    def agrees(self) -> bool:
        """Whether every decision is the oracle's: promote what is better, and nothing else."""
        decided = tuple(one["decision"] == "promote" for one in self.story["passes"])
        return decided == self.better


def walk(seed: int, folder: Path) -> Told:
    """One demo, and what the oracle says of its passes."""
    from prefloop.flows import project as projects
    from prefloop.sandbox import demo, desk, oracle
    from prefloop.store import names

    story = demo.run(folder, seed, lambda line: None)
    project = projects.open_project(folder, desk.LEAD)
    try:
        with project.reader() as reader:
            baseline = names.resolve(reader, "loop/sft@v1")
            policies = [
                names.resolve(reader, f"{one['name']}/policy@v1") for one in story["passes"]
            ]
        heat = demo.SETTINGS.temperature
        truths = [oracle.truth(project, policy, baseline, heat, seed) for policy in policies]
        return Told(seed, story, tuple(one.better for one in truths))
    finally:
        project.ledger.close()


def row(told: Told) -> str:
    """A seed: what it began with, and a line for each pass."""
    story = told.story
    reward = " ".join(f"{one['accuracy']['estimate']:.3f}" for one in story["reward_models"])
    kappa = [story["calibration"][f"kappa_{when}"]["estimate"] for when in ("before", "after")]
    base = story["baseline"]
    first = (
        f"{told.seed:>4} {story['seconds']:>5.0f}s  kappa {kappa[0]:.2f} {kappa[1]:.2f}  "
        f"reward {reward}  | prices {base['pricing_accuracy']['estimate']:.2f} "
        f"wrong {base['assertively_wrong']['estimate']:.2f}"
    )
    passes = [
        f"       {one['decision']:<7} ({'better' if better else 'worse'}) wins "
        f"{one['win_rate']['estimate']:.2f} KL {one['kl_nats']['estimate']:.1f} "
        f"prices {one['pricing_accuracy']['estimate']:.2f} "
        f"wrong {one['assertively_wrong']['estimate']:.2f}"
        for one, better in zip(story["passes"], told.better, strict=True)
    ]
    return "\n".join([first, *passes])


def main() -> None:
    """Walk all seeds, print a row each, and the summary."""
    seeds = [int(word) for word in os.environ.get("SEEDS", "").split()] or list(SEEDS)
    found: list[Told] = []
    with TemporaryDirectory() as place:
        jobs = int(os.environ.get("JOBS", "2"))
        # A fresh process for each: a demo settles how many threads torch has.
        with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
            running = [pool.submit(walk, seed, Path(place) / str(seed)) for seed in seeds]
            for done in as_completed(running):
                found.append(done.result())
                print(row(found[-1]), flush=True)
    told, agrees = sum(one.as_told for one in found), sum(one.agrees for one in found)
    n = len(found)
    wins = [one.story["passes"][-1]["win_rate"]["estimate"] for one in found]
    mean = sum(wins) / n
    finish(
        "story",
        [
            _share("story-told", told, n, "seeds whose story is the case study's"),
            _share("gate-agrees", agrees, n, "seeds where both decisions are the oracle's"),
            Line("wins", mean, STUDY_WINS, "case study", mean / STUDY_WINS, "share", "last pass"),
        ],
    )


def _share(name: str, count: int, n: int, note: str) -> Line:
    return Line(name, count, 0.8 * n, "target: 8 of 10", count / (0.8 * n), "seeds", note)


if __name__ == "__main__":
    main()
