"""The demo: the case study at the simulated desk, through the product's own loop.

Calibrate five people, let them compare thousands of answers, train a reward model, improve the
policy by it, compare blindly, and be refused, because what was written down said nothing of
accuracy. Mend that, let people judge again exactly what it touches, go round once more, and decide.
Every figure is measured in the run.
"""

import os
import time
from pathlib import Path
from typing import Any

from prefloop.flows import loop
from prefloop.flows.loop import Mended
from prefloop.flows.runs import Tell
from prefloop.flows.world import LoopSettings
from prefloop.sandbox import contrasts, desk, report
from prefloop.sandbox.opening import open_demo
from prefloop.sandbox.story import tell_story
from prefloop.sandbox.world import SupportDesk
from prefloop.training.settings import PPOSettings, RewardSettings, SFTSettings

__all__ = ["SETTINGS", "run"]

SETTINGS = LoopSettings(
    temperature=0.7,
    sft=SFTSettings(
        steps=1200,
        batch_size=32,
        learning_rate=3e-3,
        max_tokens=160,
        weight_decay=0.0,
        checkpoint_every=200,
        eval_every=200,
    ),
    reward=RewardSettings(
        epochs=2,
        batch_size=32,
        learning_rate=1e-3,
        max_tokens=160,
        weight_decay=0.0,
        checkpoint_every=100,
        eval_every=70,
    ),
    ppo=PPOSettings(
        steps=30,
        rollouts=96,
        learning_rate=2e-4,
        kl_coef=0.02,
        max_new_tokens=64,
        max_tokens=160,
        warmup=0.0,
        weight_decay=0.0,
        checkpoint_every=10,
        eval_every=10,
    ),
)


def run(folder: Path, seed: int, tell: Tell, contrast: bool = False) -> dict[str, Any]:
    """Walk the loop in `folder` and write report.html and report.json there; returns the latter.

    A folder with a demo of the same seed goes on where it stopped; anything else in the way is
    refused untouched. `contrast` adds what happens without a price on KL, and at a desk where
    nothing misleads.
    """
    # Matrices this small gain nothing from a second thread and pay a third more CPU for it. Takes
    # effect because torch is only imported when the first model is made.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    project = open_demo(folder, seed)
    clock = _Clock(project.work("demo") / "seconds")

    def say(line: str) -> None:
        tell(f"{clock.spent():5.0f} s  {line}")

    try:
        world = SupportDesk(seed)
        desk.hire(project, world.people)
        ground = loop.first_ground(project, world, SETTINGS, say)
        passes = [loop.go_round(project, world, SETTINGS, ground, "first", say)]
        mended: Mended | None = None
        if passes[0].decision != "promote":
            mended = loop.mend(project, world, SETTINGS, ground, passes[0], say)
            passes.append(loop.go_round(project, world, SETTINGS, ground, "second", say, mended))
        seconds = clock.spent()
        others = contrasts.walk(project, folder, ground, SETTINGS, seed, say) if contrast else []
        say("writing the report")
        found = tell_story(project, world, ground, passes, mended, others, seconds)
        report.write(found, folder)
        return found
    finally:
        project.ledger.close()


class _Clock:
    """Seconds spent on a demo, over all the runs it took."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = float(path.read_text()) if path.exists() else 0.0
        self._started = time.perf_counter()

    def spent(self) -> float:
        """Seconds so far; noted on disk, so that a run that goes on counts from there."""
        total = self._before + time.perf_counter() - self._started
        self._path.write_text(f"{total:.1f}")
        return total
