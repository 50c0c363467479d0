"""The loop, to be read aloud.

    Write down what better means, and how it will be tested.
    Start from a policy that was shown how to answer.
    Let it answer prompts drawn by plan, and let calibrated people compare the answers.
    Freeze what they said. Train a reward model on it, and examine it on what it never saw.
    Ask the gate whether it may guide a policy. Improve the policy by it, under a KL budget.
    Compare blindly with the policy before, run the suite, ask the gate, record the decision.
    If it was refused: mend what was written down, let people judge again exactly what that
    touches, and go round once more, from the same start.

Every step is remembered in the ledger, so a loop that was interrupted goes on where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from prefloop.flows import acts, evaluate, gate, improve, relabel, train
from prefloop.flows.acts import Team
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.ppo import ppo
from prefloop.flows.project import Project
from prefloop.flows.runs import Tell
from prefloop.flows.steps import step
from prefloop.flows.world import LoopSettings, World
from prefloop.store.artifacts import Artifact

__all__ = ["Ground", "Mended", "Pass", "first_ground", "go_round", "mend"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every pass stands on."""

    spec: Artifact
    suite: Artifact
    baseline: Artifact
    prompts: Artifact
    batch: Artifact
    dataset: Artifact
    cases: SuiteCases = field(compare=False)  # the suite, ready to run


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass left in the ledger."""

    name: str
    spec: Artifact
    dataset: Artifact
    reward: Artifact
    examination: Artifact
    policy_gate: Artifact
    policy: Artifact
    comparison: Artifact
    suite: Artifact
    release_gate: Artifact
    release: Artifact

    @property
    def decision(self) -> str:
        """promote, hold or refuse."""
        return str(self.release.manifest["decision"])


@dataclass(frozen=True, slots=True)
class Mended:
    """What changed between two passes, and what it changed in the labels."""

    spec: Artifact
    relabelled: Artifact
    control: Artifact
    changes: Artifact
    dataset: Artifact


def first_ground(project: Project, world: World, settings: LoopSettings, tell: Tell) -> Ground:
    """From a written specification to people's labels, frozen."""
    team = Team(project, world)

    tell("writing down what better means, and how it will be tested")
    spec = step(project, "loop/spec", lambda: acts.spec(team, world.spec, "the first"))
    cases = world.suite()
    suite = step(
        project, "loop/suite", lambda: evaluate.keep_suite(team.engineer, cases, spec.digest)
    )

    tell("training the policy that was shown how to answer (SFT)")
    shown = step(project, "loop/demonstrations", lambda: acts.demonstrations(team, world))
    baseline = step(
        project, "loop/sft", lambda: train.sft(team.engineer, shown, world.base, settings.sft, tell)
    )

    tell("drawing prompts by plan and sampling two answers to each")
    asked = step(project, "loop/prompts", lambda: acts.prompts(team, world))
    answers = step(
        project,
        "loop/answers",
        lambda: improve.candidates(team.engineer, baseline, asked, 2, settings.sft.seed),
    )

    tell("people compare")
    batch = step(project, "loop/labels", lambda: world.label(team.lead, answers, tell))
    dataset = step(project, "loop/dataset", lambda: acts.freeze(team, [batch], settings.held_out))
    return Ground(spec, suite, baseline, asked, batch, dataset, cases)


def go_round(
    project: Project,
    world: World,
    settings: LoopSettings,
    ground: Ground,
    name: str,
    tell: Tell,
    mended: Mended | None = None,
) -> Pass:
    """One pass, from frozen labels to a decision. Raises GateClosed where the gate before the
    policy stays shut."""
    team, baseline = Team(project, world), ground.baseline
    spec, dataset = (mended.spec, mended.dataset) if mended else (ground.spec, ground.dataset)

    def done(what: str, make: Callable[[], Artifact]) -> Artifact:
        return step(project, f"{name}/{what}", make)

    tell("training the reward model and examining it on what it never saw")
    reward = done(
        "reward", lambda: train.reward(team.engineer, dataset, baseline, settings.reward, tell)
    )
    examined = done("examined", lambda: evaluate.reward(team.engineer, reward, dataset))

    tell("asking the gate whether it may guide a policy")
    may_guide = gate.before_policy(team.engineer, examined)  # anew each time: gates may change
    gate.require_open(may_guide)

    tell("improving the policy by PPO, under a KL budget")
    price = world.revision.kl_coef if mended else settings.ppo.kl_coef
    dear = settings.ppo.model_copy(update={"kl_coef": price})
    policy = done(
        "policy",
        lambda: ppo(
            team.engineer, baseline, reward, may_guide, ground.prompts, dear, tell, ground.cases
        ),
    )

    compared, passed = _judge(team, world, settings, ground, name, policy, tell)

    tell("asking the gate whether it may stand before users")
    release = done("release", lambda: acts.decide(team, policy, compared, passed))
    return Pass(
        name, spec, dataset, reward, examined, may_guide, policy, compared, passed,
        acts.gate_of(project, release), release,
    )  # fmt: skip


def _judge(
    team: Team,
    world: World,
    settings: LoopSettings,
    ground: Ground,
    name: str,
    policy: Artifact,
    tell: Tell,
) -> tuple[Artifact, Artifact]:
    """People and the suite on a new policy beside the one before; the reward has no part in it."""
    project, baseline = team.project, ground.baseline

    tell("comparing blindly with the policy before")
    talks = step(
        project,
        f"{name}/conversations",
        lambda: improve.against(
            team.engineer, policy, baseline, world.conversations(name), settings.temperature
        ),
    )
    blind = step(project, f"{name}/blind", lambda: world.compare(team.lead, name, talks, tell))
    compared = step(
        project,
        f"{name}/compared",
        lambda: evaluate.keep_comparison(team.engineer, blind, policy, baseline),
    )

    tell("running the suite on both")
    passed = step(
        project,
        f"{name}/suite-run",
        lambda: improve.run_suite(
            team.engineer, ground.suite, ground.cases, policy, baseline, world.harmful,
            settings.suite_samples, settings.temperature,
        ),
    )  # fmt: skip
    return compared, passed


def mend(
    project: Project,
    world: World,
    settings: LoopSettings,
    ground: Ground,
    refused: Pass,
    tell: Tell,
) -> Mended:
    """What was written down is changed, and people judge again exactly what that touches."""
    team, change = Team(project, world), world.revision

    tell(f"mending the specification: {change.why}")
    spec = step(project, "mend/spec", lambda: acts.spec(team, change.spec, change.why))

    tell(f"people judge again: {change.topic}, and a control that nothing was changed about")
    request = acts.request(team, ground.batch, spec, change, refused.suite)
    again = cache(lambda: world.relabel(team.lead, request, tell))  # two steps, judged once
    batch = step(project, "mend/labels", lambda: again()[0])
    control = step(project, "mend/control", lambda: again()[1])
    changes = step(
        project,
        "mend/changes",
        lambda: relabel.changes(team.engineer, ground.batch, batch, control),
    )
    dataset = step(
        project,
        "mend/dataset",
        lambda: acts.freeze(team, [ground.batch, batch], settings.held_out),
    )
    return Mended(spec, batch, control, changes, dataset)
