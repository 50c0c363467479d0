"""The simulated desk as the loop's world: prompts, staff, suite, and two specifications."""

from collections.abc import Sequence
from typing import Any

from prefloop.annotation import batches, campaigns
from prefloop.annotation.campaigns import Calibration, CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.core.digest import rng
from prefloop.core.errors import NotFound
from prefloop.core.records import CampaignRequest, Prompt, Purpose
from prefloop.flows import relabel
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.project import Project
from prefloop.flows.prompts import read_completions
from prefloop.flows.runs import Tell
from prefloop.flows.world import Revision
from prefloop.prompts.plan import Plan, draw
from prefloop.sandbox import desk
from prefloop.sandbox.annotators import UNCALIBRATED, annotators
from prefloop.sandbox.grammar import DEMONSTRATIONS, Mixture, demonstrate
from prefloop.sandbox.preferences import V1, V2
from prefloop.sandbox.probes import checker, probes
from prefloop.sandbox.questions import draw_prompts
from prefloop.sandbox.spec import SPEC_V1, SPEC_V2
from prefloop.sandbox.vocabulary import vocabulary
from prefloop.spec.model import Spec
from prefloop.store import names
from prefloop.store.artifacts import Artifact

__all__ = ["SupportDesk"]

SHARED = 1000  # comparisons that all five judge, before and after calibration
POOL = 14800  # prompts the desk was asked, of all sources
PAIRS = 6200  # prompts whose two answers are compared
CONVERSATIONS = 400  # of each blind comparison
PASSES = ("first", "second", "free")
SEARCHED = 1000  # comparisons looked through for gold, and as many for anchors
ANCHORS = 30
GOLD = 120
SHOWN = 6000  # prompts with two demonstrations each
CONTROL = 400  # comparisons judged again although nothing changed for them


class SupportDesk:
    """The simulated desk. `mixture` says how its staff wrote what the policy is shown."""

    lead, engineer, second = desk.LEAD, desk.ENGINEER, desk.SENIOR
    harmful = "safety"

    def __init__(self, seed: int, mixture: Mixture = DEMONSTRATIONS) -> None:
        self.seed, self.mixture = seed, mixture
        self.people = annotators(UNCALIBRATED)
        self.calibrated = [person.calibrated() for person in self.people]
        self.spec = Spec.model_validate(SPEC_V1)
        self.revision = Revision(
            spec=Spec.model_validate(SPEC_V2),
            why="prices are stated with certainty and are wrong: accuracy has to count",
            topic="pricing",
            control=CONTROL,
            kl_coef=0.05,
        )
        # One pool, cut into pieces, so that no prompt serves two purposes.
        pool = draw_prompts(seed, POOL)
        self.plan = Plan()
        drawn = draw(pool, self.plan, PAIRS, rng(seed, "plan"))
        used = {*drawn.labelled, *drawn.reserved}
        rest = [prompt for place, prompt in enumerate(pool) if place not in used]
        self._pairs = [pool[place] for place in drawn.labelled]
        self._reserved = [pool[place] for place in drawn.reserved]
        ends = [turn * CONVERSATIONS for turn in range(len(PASSES) + 1)]
        self._conversations = {
            name: rest[start:end] for name, start, end in zip(PASSES, ends, ends[1:], strict=False)
        }
        self._shown = rest[ends[-1] :][:SHOWN]

    def base(self) -> Any:
        """A small decoder from nothing that knows the desk's words."""
        from prefloop.models.load import LoadedPolicy
        from prefloop.models.scratch import llama, word_tokenizer

        tokenizer = word_tokenizer(vocabulary())
        return LoadedPolicy(llama(tokenizer, context=192, seed=self.seed), tokenizer)

    def demonstrations(self) -> list[tuple[Prompt, str]]:
        """What the desk's staff wrote: two answers to each of half as many prompts."""
        prompts = self._shown * 2
        return list(zip(prompts, demonstrate(self.seed, prompts, self.mixture), strict=True))

    def prompts(self) -> tuple[list[Prompt], list[Prompt], dict[str, Any]]:
        return self._pairs, self._reserved, self.plan.model_dump(mode="json")

    def conversations(self, name: str) -> list[Prompt]:
        """Each pass has new ones, so that the second is not asked what the first was judged by."""
        return self._conversations[name]

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
        items, gold, anchors = self._known(project, completions)
        known = {one.prompt for one in [*gold, *anchors]}
        work = [item for item in items if item.prompt not in known]
        shared = [desk.with_overlap(item, len(self.people)) for item in work[:SHARED]]
        tell("  before calibration: anchors, then what everybody judges")
        self._campaign(
            project, "before calibration", [*shared, *anchors], completions, round=1,
            gold_share=0, duplicate_share=0, calibration=_rules(),
        )  # fmt: skip
        desk.work_off(project, "before calibration", self.people)
        self._close(project, "before calibration")
        tell("  the workshop: disagreements are discussed, a shared standard is found")
        tell("  after calibration: anchors again, then live work with gold and repeats")
        rest = [desk.with_overlap(item, 3) for item in work[SHARED:]]
        self._campaign(
            project, "live", [*shared, *rest, *gold, *anchors], completions, round=2,
            gold_share=0.07, duplicate_share=0.10, calibration=_rules(),
        )  # fmt: skip
        self._work_off(project, "live", tell)
        return self._close(project, "live")

    def relabel(
        self, project: Project, request: CampaignRequest, tell: Tell
    ) -> tuple[Artifact, Artifact]:
        """Anchors under the new specification first; then what was asked for, and its control."""
        with project.reader() as reader:
            answers = names.resolve(reader, "loop/answers@v1")
        _, gold, anchors = self._known(project, answers)
        plain = [Item(one.prompt, one.first, one.second) for one in [*gold, *anchors]]
        again = desk.known_answers(plain, V2, ANCHORS, True, gap=0.8)
        settings = CampaignSettings(
            seed=self.seed, overlap=3, gold_share=0, duplicate_share=0, calibration=_rules()
        )
        made = relabel.take_up(project, request, "prices again", settings, again)
        for campaign in made:
            self._work_off(project, campaign.name, tell)
        batch, control = (self._close(project, campaign.name) for campaign in made)
        return batch, control

    def compare(self, project: Project, name: str, completions: Artifact, tell: Tell) -> Artifact:
        """Three people look at every conversation, without knowing whose answer is whose."""
        with project.reader() as reader:
            prompts, given = read_completions(reader, completions)
        items = desk.as_items(prompts, given, 3)
        campaign = f"{name} blind comparison"
        self._campaign(
            project, campaign, items, completions, purpose=Purpose.EVALUATION,
            gold_share=0, duplicate_share=0, round=3,
        )  # fmt: skip
        self._work_off(project, campaign, tell)
        return self._close(project, campaign)

    def _known(
        self, project: Project, completions: Artifact
    ) -> tuple[list[Item], list[Item], list[Item]]:
        """All items, and those among them whose answers are known: gold and anchors."""
        with project.reader() as reader:
            prompts, given = read_completions(reader, completions)
        items = desk.as_items(prompts, given, 1)
        late, earlier = items[-SEARCHED:], items[-2 * SEARCHED : -SEARCHED]
        gold = desk.known_answers(late, V1, GOLD, False, gap=2.0)
        anchors = desk.known_answers(earlier, V1, ANCHORS, True, gap=0.8)
        return items, gold, anchors

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
            add_items(tx, campaign, items)

    def _work_off(self, project: Project, name: str, tell: Tell) -> None:
        with project.reader() as reader:
            if campaigns.get(reader, name).state == "closed":
                return
        done = desk.work_off(project, name, self.calibrated)
        tell(f"  {name}: {done} judgments")

    def _close(self, project: Project, name: str) -> Artifact:
        with project.transaction() as tx:
            return batches.close(tx, campaigns.get(tx, name))


def _rules() -> Calibration:
    return Calibration(anchors=ANCHORS, max_disagreement=0.25, certainty=0.95)
