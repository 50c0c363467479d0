"""The loop, to be read aloud.

    Write down what better means, and how it will be tested.
    Start from a policy that was shown how to answer.
    Let it answer prompts drawn by plan, and let calibrated people compare the answers.
    Freeze what they said. Train a reward model on it, and examine it on what it never saw.
    Ask the gate whether it may guide a policy. Improve the policy by it.
    Compare blindly with the policy before, run the suite, ask the gate, record the decision.

Every step is remembered in the ledger, so a loop that was interrupted goes on where it stopped.
People come in through `World`: at a real desk they work through the browser, in the sandbox they
are simulated, and both go through the same queue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.records import Prompt
from prefloop.flows import evaluate, gate, improve, labels, train
from prefloop.flows.approval import approve
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.project import Project
from prefloop.flows.prompts import keep_prompts
from prefloop.flows.steps import step
from prefloop.spec import publish
from prefloop.spec.model import Spec
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import BestOfNSettings, RewardSettings, SFTSettings

__all__ = ["Finished", "LoopSettings", "Tell", "World", "first_pass"]

Tell = Callable[[str], None]


class World(Protocol):
    """Who works here, and what they bring: everything about a desk that is not prefloop's."""

    lead: str
    engineer: str
    second: str  # approves what the others propose
    spec: Spec
    harmful: str  # the suite's dimension whose failures are harmful outputs

    def base(self) -> Any:
        """The policy to start from (models.load.LoadedPolicy)."""

    def demonstrations(self) -> Sequence[tuple[Prompt, str]]:
        """Prompts with completions worth imitating."""

    def prompts(self) -> tuple[Sequence[Prompt], Sequence[Prompt], dict[str, Any]]:
        """Prompts to label, prompts reserved for validation, and the plan they were drawn by."""

    def conversations(self) -> Sequence[Prompt]:
        """New prompts for the blind comparison."""

    def suite(self) -> SuiteCases:
        """The behavioural suite."""

    def label(self, project: Project, completions: Artifact, tell: Tell) -> Artifact:
        """Calibrate people and let them compare; the label batch of the live campaign."""

    def compare(self, project: Project, completions: Artifact, tell: Tell) -> Artifact:
        """Let people compare blindly; the batch of an evaluation campaign."""


class LoopSettings(BaseModel):
    """The settings of every stage of one loop."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sft: SFTSettings = Field(default_factory=SFTSettings)
    reward: RewardSettings = Field(default_factory=RewardSettings)
    best_of_n: BestOfNSettings = Field(default_factory=BestOfNSettings)
    held_out: float = Field(0.15, gt=0, lt=1, description="share of prompts held out of training")
    suite_samples: int = Field(1, ge=1, description="completions per suite case")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a pass left in the ledger."""

    spec: Artifact
    baseline: Artifact
    batch: Artifact
    dataset: Artifact
    reward: Artifact
    examination: Artifact
    policy_gate: Artifact
    policy: Artifact
    comparison: Artifact
    suite: Artifact
    release_gate: Artifact
    release: Artifact


def first_pass(project: Project, world: World, settings: LoopSettings, tell: Tell) -> Finished:
    """Once round. Raises GateClosed where the first gate stays shut."""
    lead, engineer = project.as_(world.lead), project.as_(world.engineer)
    second = project.as_(world.second)

    tell("writing down what better means, and how it will be tested")
    spec = step(project, "loop/spec", lambda: _publish(lead, second, world.spec))
    cases = world.suite()
    suite = step(project, "loop/suite", lambda: evaluate.keep_suite(engineer, cases, spec.digest))

    tell("training the policy that was shown how to answer (SFT)")
    shown = step(project, "loop/demonstrations", lambda: _demonstrations(engineer, second, world))
    baseline = step(
        project, "loop/sft", lambda: train.sft(engineer, shown, world.base, settings.sft, tell)
    )

    tell("drawing prompts by plan and sampling two answers to each")
    asked = step(project, "loop/prompts", lambda: _prompts(lead, world))
    answers = step(
        project,
        "loop/answers",
        lambda: improve.candidates(engineer, baseline, asked, 2, settings.sft.seed),
    )

    tell("people compare")
    batch = step(project, "loop/labels", lambda: world.label(lead, answers, tell))
    dataset = step(
        project, "loop/dataset", lambda: _freeze(engineer, second, batch, settings.held_out)
    )

    tell("training the reward model and examining it on what it never saw")
    reward = step(
        project,
        "loop/reward",
        lambda: train.reward(engineer, dataset, baseline, settings.reward, tell),
    )
    examined = step(project, "loop/examined", lambda: evaluate.reward(engineer, reward, dataset))

    tell("asking the gate whether it may guide a policy")
    may_guide = gate.before_policy(engineer, examined)  # anew each time: gates.yaml may change
    gate.require_open(may_guide)

    tell(f"improving the policy: best of {settings.best_of_n.n} by the reward model")
    policy = step(
        project,
        "loop/policy",
        lambda: improve.best_of_n(engineer, baseline, reward, may_guide, settings.best_of_n),
    )

    tell("comparing blindly with the policy before")
    talks = step(
        project,
        "loop/conversations",
        lambda: improve.against(engineer, policy, baseline, world.conversations()),
    )
    blind = step(project, "loop/blind", lambda: world.compare(lead, talks, tell))
    compared = step(
        project,
        "loop/compared",
        lambda: evaluate.keep_comparison(engineer, blind, policy, baseline),
    )

    tell("running the suite on both")
    passed = step(
        project,
        "loop/suite-run",
        lambda: improve.run_suite(
            engineer, suite, cases, policy, baseline, world.harmful, settings.suite_samples
        ),
    )

    tell("asking the gate whether it may stand before users")
    release_gate, release = _decide(project, engineer, second, policy, compared, passed)
    return Finished(
        spec, baseline, batch, dataset, reward, examined, may_guide, policy, compared, passed,
        release_gate, release,
    )  # fmt: skip


def _publish(lead: Project, second: Project, spec: Spec) -> Artifact:
    with lead.transaction() as tx:
        now = publish.current(tx, lead.settings.spec)
        if now is not None and publish.read(now) == spec:
            return now  # published and approved by a run that was then interrupted
        made = publish.publish(tx, spec, lead.settings.spec, "the first specification")
    approve(second, made.proposal)
    return made.artifact


def _demonstrations(engineer: Project, second: Project, world: World) -> Artifact:
    dataset, proposal = labels.freeze_demonstrations(
        engineer, "demonstrations", world.demonstrations()
    )
    approve(second, proposal)
    return dataset


def _prompts(lead: Project, world: World) -> Artifact:
    use, reserved, plan = world.prompts()
    return keep_prompts(lead, use, {"plan": plan}, reserved)


def _freeze(engineer: Project, second: Project, batch: Artifact, held_out: float) -> Artifact:
    settings = labels.FreezeSettings(held_out=held_out, seed=engineer.settings.seed)
    dataset, proposal = labels.freeze_dataset(engineer, "preferences", [batch.digest], settings)
    approve(second, proposal)
    return dataset


def _decide(
    project: Project,
    engineer: Project,
    second: Project,
    policy: Artifact,
    compared: Artifact,
    passed: Artifact,
) -> tuple[Artifact, Artifact]:
    def decide() -> Artifact:
        _, recorded = gate.before_release(engineer, policy, compared, passed, gate.kl_of(policy))
        if recorded.proposal is not None:
            approve(second, recorded.proposal)
        return recorded.release

    release = step(project, "loop/release", decide)
    with project.reader() as reader:
        above = [artifacts.get(reader, parent) for parent in release.parents]
    return next(one for one in above if one.kind == "gate_result"), release
