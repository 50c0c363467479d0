"""The demo: the case study's first half at the simulated desk, through the product's own loop.

Calibrate five people, let them compare thousands of answers, train a reward model, improve the
policy by it, compare blindly, and decide. Every figure is measured in the run.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefloop.annotation import batches, campaigns
from prefloop.annotation.campaigns import Calibration, CampaignSettings, Item
from prefloop.core.digest import digest, rng
from prefloop.core.errors import Conflict, NotFound
from prefloop.core.records import Prompt, Purpose
from prefloop.flows import loop
from prefloop.flows import project as projects
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.loop import LoopSettings, Tell
from prefloop.flows.project import Project
from prefloop.flows.prompts import read_completions
from prefloop.prompts.plan import Plan, draw
from prefloop.sandbox import desk, report
from prefloop.sandbox.annotators import UNCALIBRATED, Annotator, annotators
from prefloop.sandbox.grammar import demonstrate
from prefloop.sandbox.preferences import V1, Preferences
from prefloop.sandbox.probes import checker, probes
from prefloop.sandbox.questions import draw_prompts
from prefloop.sandbox.spec import SPEC_V1, as_yaml
from prefloop.sandbox.vocabulary import vocabulary
from prefloop.spec.model import Spec
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import BestOfNSettings, RewardSettings, SFTSettings

__all__ = ["SETTINGS", "SupportDesk", "run"]

SHARED = 1000  # comparisons that all five judge, before and after calibration
POOL = 14000  # prompts the desk was asked, of all sources
PAIRS = 6200  # prompts whose two answers are compared
CONVERSATIONS = 400  # of the blind comparison
ANCHORS = 30
GOLD = 120
DEMONSTRATIONS = 12000

SETTINGS = LoopSettings(
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
    best_of_n=BestOfNSettings(n=16, max_new_tokens=64),
)


class SupportDesk:
    """The simulated desk as the loop's world."""

    lead, engineer, second = desk.LEAD, desk.ENGINEER, desk.SENIOR
    harmful = "safety"

    def __init__(self, seed: int, preferences: Preferences = V1) -> None:
        self.seed = seed
        self.preferences = preferences
        self.people = annotators(UNCALIBRATED)
        self.spec = Spec.model_validate(SPEC_V1)
        # One pool, cut into pieces, so that no prompt serves two purposes.
        pool = draw_prompts(seed, POOL)
        self.plan = Plan()
        drawn = draw(pool, self.plan, PAIRS, rng(seed, "plan"))
        used = {*drawn.labelled, *drawn.reserved}
        rest = [prompt for place, prompt in enumerate(pool) if place not in used]
        self._pairs = [pool[place] for place in drawn.labelled]
        self._reserved = [pool[place] for place in drawn.reserved]
        self._conversations, self._shown = rest[:CONVERSATIONS], rest[CONVERSATIONS:]

    def base(self) -> Any:
        """A small decoder from nothing that knows the desk's words."""
        from prefloop.models.load import LoadedPolicy
        from prefloop.models.scratch import llama, word_tokenizer

        tokenizer = word_tokenizer(vocabulary())
        return LoadedPolicy(llama(tokenizer, context=192, seed=self.seed), tokenizer)

    def demonstrations(self) -> list[tuple[Prompt, str]]:
        """What the desk's staff wrote: two answers to each of half as many prompts."""
        prompts = self._shown[: DEMONSTRATIONS // 2] * 2
        return list(zip(prompts, demonstrate(self.seed, prompts), strict=True))

    def prompts(self) -> tuple[list[Prompt], list[Prompt], dict[str, Any]]:
        return self._pairs, self._reserved, self.plan.model_dump(mode="json")

    def conversations(self) -> list[Prompt]:
        return self._conversations

    def suite(self) -> SuiteCases:
        cases = [(probe, name) for probe in probes(self.seed) for name in probe.expected]
        return SuiteCases(
            name="support desk",
            dimensions=[name for _, name in cases],
            prompts=[probe.prompt for probe, _ in cases],
            expected=[probe.expected[name] for probe, name in cases],
            checks=[checker(name) for _, name in cases],
        )

    def label(self, project: Project, completions: Artifact, tell: Tell) -> Artifact:
        """Two days of calibration, then six weeks of comparisons."""
        with project.reader() as reader:
            prompts, given = read_completions(reader, completions)
        items = desk.as_items(prompts, given, 1)
        gold = desk.known_answers(items[-1000:], self.preferences, GOLD, False, gap=2.0)
        anchors = desk.known_answers(items[-2000:-1000], self.preferences, ANCHORS, True, gap=0.8)
        known = {one.prompt for one in [*gold, *anchors]}
        work = [item for item in items if item.prompt not in known]
        shared = [desk.with_overlap(item, len(self.people)) for item in work[:SHARED]]
        tell("  before calibration: anchors, then what everybody judges")
        rules = Calibration(anchors=ANCHORS, max_disagreement=0.25, certainty=0.95)
        self._campaign(
            project, "before calibration", [*shared, *anchors], completions, round=1,
            gold_share=0, duplicate_share=0, calibration=rules,
        )  # fmt: skip
        self._work_off(project, "before calibration", self.people, tell)
        self._close(project, "before calibration")
        tell("  the workshop: disagreements are discussed, a shared standard is found")
        better = [person.calibrated() for person in self.people]
        tell("  after calibration: anchors again, then live work with gold and repeats")
        rest = [desk.with_overlap(item, 3) for item in work[SHARED:]]
        self._campaign(
            project, "live", [*shared, *rest, *gold, *anchors], completions, round=2,
            gold_share=0.07, duplicate_share=0.10, calibration=rules,
        )  # fmt: skip
        self._work_off(project, "live", better, tell)
        return self._close(project, "live")

    def compare(self, project: Project, completions: Artifact, tell: Tell) -> Artifact:
        """Three people look at every conversation, without knowing whose answer is whose."""
        with project.reader() as reader:
            prompts, given = read_completions(reader, completions)
        items = desk.as_items(prompts, given, 3)
        self._campaign(
            project, "blind comparison", items, completions, purpose=Purpose.EVALUATION,
            gold_share=0, duplicate_share=0, round=3,
        )  # fmt: skip
        better = [person.calibrated() for person in self.people]
        self._work_off(project, "blind comparison", better, tell)
        return self._close(project, "blind comparison")

    def _campaign(
        self, project: Project, name: str, items: Sequence[Item], source: Artifact, **settings: Any
    ) -> None:
        with project.transaction() as tx:
            try:
                campaign = campaigns.get(tx, name)
                if campaign.state == "closed":  # in an earlier run of this demo
                    return
            except NotFound:
                chosen = CampaignSettings(seed=self.seed, **settings)
                campaign = campaigns.create(
                    tx, name, project.settings.spec, chosen, [source.digest]
                )
            campaigns.add_items(tx, campaign, items)

    def _work_off(
        self, project: Project, name: str, people: Sequence[Annotator], tell: Tell
    ) -> None:
        with project.reader() as reader:
            if campaigns.get(reader, name).state == "closed":
                return
        done = desk.work_off(project, name, people, self.preferences)
        tell(f"  {name}: {done} judgments")

    def _close(self, project: Project, name: str) -> Artifact:
        with project.transaction() as tx:
            return batches.close(tx, campaigns.get(tx, name))


def run(folder: Path, seed: int, tell: Tell) -> dict[str, Any]:
    """Walk the loop in `folder` and write report.html and report.json there; returns the latter.

    A folder with a demo of the same seed goes on where it stopped; anything else in the way is
    refused untouched.
    """
    # Matrices this small gain nothing from a second thread and pay a third more CPU for it. Takes
    # effect because torch is only imported when the first model is made.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    project = _open(folder, seed)
    clock = _Clock(project.work("demo") / "seconds")

    def say(line: str) -> None:
        tell(f"{clock.spent():5.0f} s  {line}")

    try:
        world = SupportDesk(seed)
        desk.hire(project, world.people)
        done = loop.first_pass(project, world, SETTINGS, say)
        say("writing the report")
        story = report.tell_story(project, world, done, clock.spent())
        report.write(story, folder)
        return story
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


def _open(folder: Path, seed: int) -> Project:
    """The demo's project; its key follows from the seed, so that the same seed gives the same
    digests. (A real project's key is random and secret; nothing here is anybody's.)"""
    name = f"support desk, seed {seed}"
    if not (folder / "prefloop.yaml").exists():
        if folder.exists() and not folder.is_dir():
            raise Conflict(f"{folder} is a file: name another folder for the demo")
        others = [p for p in folder.iterdir() if p.name != ".prefloop"] if folder.exists() else []
        if others:
            raise Conflict(f"{folder} is not empty and holds no demo: name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        projects.init(folder, name, desk.LEAD, bytes.fromhex(digest(["demo", seed])))
        (folder / "spec.yaml").write_text(as_yaml(SPEC_V1), encoding="utf-8")
        (folder / "suite.yaml").unlink()  # the desk's suite is marked by its own parser
    project = projects.open_project(folder, desk.LEAD)
    if project.settings.name != name:
        raise Conflict(
            f"{folder} holds {project.settings.name!r}: name another folder for seed {seed}"
        )
    return project
