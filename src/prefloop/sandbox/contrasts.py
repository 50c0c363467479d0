"""Two runs beside the story, to show what does the work in it.

Without a price on KL the policy chases the reward wherever it leads. At a desk whose staff look
prices up before they sound certain, nothing misleads, and the first pass must not be refused.
"""

from pathlib import Path
from typing import Any

from prefloop.flows import loop
from prefloop.flows.loop import Ground, Pass
from prefloop.flows.project import Project
from prefloop.flows.runs import Tell
from prefloop.flows.world import LoopSettings
from prefloop.sandbox import desk
from prefloop.sandbox.grammar import HONEST_DEMONSTRATIONS
from prefloop.sandbox.opening import open_demo
from prefloop.sandbox.oracle import truth
from prefloop.sandbox.story import history
from prefloop.sandbox.world import SupportDesk

__all__ = ["walk", "without_kl"]

_FREE_STEPS = 80


def walk(
    project: Project,
    folder: Path,
    ground: Ground,
    settings: LoopSettings,
    seed: int,
    tell: Tell,
) -> list[dict[str, Any]]:
    """Both contrasts, as the report tells them."""
    tell("contrast: the same reward model, and KL costs nothing")
    free = without_kl(project, SupportDesk(seed), ground, settings, tell)
    tell("contrast: a desk whose staff look the price up before they sound certain")
    other = open_demo(folder / "honest", seed)
    try:
        world = SupportDesk(seed, HONEST_DEMONSTRATIONS)
        desk.hire(other, world.people)
        honest_ground = loop.first_ground(other, world, settings, tell)
        honest = loop.go_round(other, world, settings, honest_ground, "first", tell)
        return [
            _told(project, "KL is free", ground, free, settings.temperature, seed),
            _told(other, "nothing misleads", honest_ground, honest, settings.temperature, seed),
        ]
    finally:
        other.ledger.close()


def without_kl(
    project: Project, world: SupportDesk, ground: Ground, settings: LoopSettings, tell: Tell
) -> Pass:
    """The first pass again, from the same reward model, with nothing to hold the policy back."""
    loose = {"kl_coef": 0.0, "over_budget": "warn", "steps": _FREE_STEPS}
    free = settings.model_copy(update={"ppo": settings.ppo.model_copy(update=loose)})
    return loop.go_round(project, world, free, ground, "free", tell)


def _told(
    project: Project, name: str, ground: Ground, done: Pass, temperature: float, seed: int
) -> dict[str, Any]:
    steps = history(project, done.policy)
    found = truth(project, done.policy, ground.baseline, temperature, seed)
    return {
        "name": name,
        "win_rate": done.comparison.manifest["win_rate"],
        "kl_nats": done.policy.manifest["kl_nats"],
        "reward": [steps[0]["reward"], steps[-1]["reward"]],
        "tokens": [steps[0]["completion_tokens"], steps[-1]["completion_tokens"]],
        "true_utility": found.utility.json(),
        "decision": done.decision,
        "reasons": done.release.manifest["reasons"],
    }
