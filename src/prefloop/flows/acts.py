"""What the sentences of the loop do that take more than one call and more than one person."""

from prefloop.annotation.filters import Filter
from prefloop.core.records import CampaignRequest
from prefloop.flows import gate, labels, relabel
from prefloop.flows.approval import approve
from prefloop.flows.project import Project
from prefloop.flows.prompts import keep_prompts
from prefloop.flows.world import Revision, World
from prefloop.spec import publish
from prefloop.spec.model import Spec
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact

__all__ = [
    "Team",
    "decide",
    "demonstrations",
    "freeze",
    "gate_of",
    "prompts",
    "request",
    "spec",
]


class Team:
    """The project as each of those sees it who keep the loop going."""

    def __init__(self, project: Project, world: World) -> None:
        self.project = project
        self.lead = project.as_(world.lead)
        self.engineer = project.as_(world.engineer)
        self.second = project.as_(world.second)


def spec(team: Team, wanted: Spec, why: str) -> Artifact:
    """The specification, published by the lead and approved by the second person."""
    with team.lead.transaction() as tx:
        now = publish.current(tx, team.lead.settings.spec)
        if now is not None and publish.read(now) == wanted:
            return now  # published and approved by a run that was then interrupted
        made = publish.publish(tx, wanted, team.lead.settings.spec, why)
    approve(team.second, made.proposal)
    return made.artifact


def demonstrations(team: Team, world: World) -> Artifact:
    """Completions worth imitating, as a dataset that two people agreed on."""
    shown = world.demonstrations()
    dataset, proposal = labels.freeze_demonstrations(team.engineer, "demonstrations", shown)
    approve(team.second, proposal)
    return dataset


def prompts(team: Team, world: World) -> Artifact:
    """The prompts drawn by plan, and those reserved for validation."""
    use, reserved, plan = world.prompts()
    return keep_prompts(team.lead, use, {"plan": plan}, reserved)


def freeze(team: Team, batches: list[Artifact], held_out: float) -> Artifact:
    """Batches as the next version of the preference data; several where some were relabelled."""
    settings = labels.FreezeSettings(
        held_out=held_out, seed=team.engineer.settings.seed, across_epochs=len(batches) > 1
    )
    names = [batch.digest for batch in batches]
    dataset, proposal = labels.freeze_dataset(team.engineer, "preferences", names, settings)
    approve(team.second, proposal)
    return dataset


def request(
    team: Team, batch: Artifact, spec: Artifact, change: Revision, evidence: Artifact
) -> CampaignRequest:
    """The engineer asks for what the change touches to be judged again; twice asked is once."""
    wanted = Filter(topic=(change.topic,))
    return relabel.ask(
        team.engineer, batch, wanted, spec.digest, change.control, change.why, [evidence]
    )


def decide(team: Team, policy: Artifact, compared: Artifact, passed: Artifact) -> Artifact:
    """The release gate, and the decision that follows from it, agreed to by the second person."""
    kl = gate.kl_of(policy)
    _, recorded = gate.before_release(team.engineer, policy, compared, passed, kl)
    if recorded.proposal is not None:
        approve(team.second, recorded.proposal)
    return recorded.release


def gate_of(project: Project, release: Artifact) -> Artifact:
    """The gate that a decision rests on."""
    with project.reader() as reader:
        above = [artifacts.get(reader, parent) for parent in release.parents]
    return next(one for one in above if one.kind == "gate_result")
