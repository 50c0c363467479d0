"""PPO into the ledger: behind an open gate, under a KL budget, looked at while it runs.

The reward that is optimized never judges the result. What does is the behavioural suite, at every
checkpoint on a part of its cases, and how far the policy went from the one it started from.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.records import Estimate, Prompt
from prefloop.evaluation import signatures, suite
from prefloop.evaluation.signatures import Usual
from prefloop.flows import models, runs
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.gate import require_about, require_open
from prefloop.flows.project import Project
from prefloop.flows.prompts import read_prompts
from prefloop.flows.running import running
from prefloop.flows.runs import Tell
from prefloop.stats.intervals import student_mean
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import PPOSettings

if TYPE_CHECKING:
    from prefloop.models.load import LoadedPolicy, LoadedReward
    from prefloop.training.ppo.stage import PPOResult

__all__ = ["measured_kl", "ppo"]

_LOOKED_AT = 60  # suite cases per dimension at a checkpoint: enough to see a fall of 15 points
_KL_PROMPTS = 400
_SHOWN = ("reward", "kl", "completion_tokens", "suite")


def ppo(
    project: Project,
    baseline: Artifact,
    reward: Artifact,
    gate: Artifact,
    prompts: Artifact,
    settings: PPOSettings,
    tell: Tell,
    cases: SuiteCases | None = None,
) -> Artifact:
    """A policy that the reward model likes better than `baseline`, from which it starts and is
    kept near. Its run is refused without an open gate over this reward model.

    Raises BadInput for a gate that looked at another reward model, GateClosed for a shut one.
    """
    project.require("train")
    _fitting(baseline, reward, gate)
    inputs = {
        "stage": "ppo",
        "start": baseline.digest,
        "reward": reward.digest,
        "settings": settings.model_dump(mode="json"),
        "looked_at": cases.name if cases else None,
    }
    above = (baseline.digest, reward.digest, gate.digest, prompts.digest)
    work = runs.place(project, inputs, above)
    result, kl = _train(project, baseline, reward, prompts, settings, tell, cases, work)
    for line in result.loop.warnings:
        tell(f"  {line}")
    kl_nats = kl.json() if kl else None
    found = {
        "reward_scale": {"mean": result.scale.mean, "spread": result.scale.spread},
        "left_out": result.left_out,
        "returned_to": result.loop.returned_to,
        "kl_nats": kl_nats,
    }
    about = {"how": "ppo", "base": baseline.digest, "reward": reward.digest, "kl_nats": kl_nats}
    return runs.keep(project, inputs, found, result.loop, work / "model", "policy", above, about)


def _train(
    project: Project,
    baseline: Artifact,
    reward: Artifact,
    prompts: Artifact,
    settings: PPOSettings,
    tell: Tell,
    cases: SuiteCases | None,
    work: Path,
) -> "tuple[PPOResult, Estimate | None]":
    """Train, leave the policy in `work`/model, and measure its KL on prompts kept apart."""
    from prefloop.models.load import load_policy, load_reward_model, save_policy
    from prefloop.training.ppo.stage import train_ppo

    with project.reader() as reader:
        asked = read_prompts(reader, prompts)
        kept_apart = read_prompts(reader, prompts, reserved=True)
    start, judge = models.fetch(project, baseline), models.fetch(project, reward)
    policy, reference, judging = load_policy(start), load_policy(start), load_reward_model(judge)
    usual = _usual(reference, asked, settings)
    with running(project, "train ppo", work.name):
        result = train_ppo(
            policy,
            reference,
            judging,
            asked,
            scorer(judging, reward),
            settings,
            folder=work / "checkpoints",
            look=lambda _, texts, rewards: signatures.quick(texts, rewards, usual),
            evaluate=_checkpoint_suite(policy, cases, settings) if cases else None,
            best="suite" if cases else "",
            more_guards=[signatures.watch(usual, settings.rollouts, project.gates.hacking)],
            on_step=runs.teller(tell, "ppo", _SHOWN, max(1, settings.steps // 10)),
        )
    save_policy(policy, work / "model")
    if result.left_out:
        tell(f"  {result.left_out} of {len(asked)} prompts leave no room for max_new_tokens")
    measured = kept_apart or asked
    kl = measured_kl(policy, reference, measured, settings.max_new_tokens, settings.seed)
    runs.say_kl(tell, kl, baseline, "reserved prompts" if kept_apart else "prompts")
    return result, kl


def scorer(
    judge: "LoadedReward", model: Artifact
) -> Callable[[Sequence[tuple[Prompt, str]]], np.ndarray]:
    """Rewards by a model of the ledger; long texts are cut as they were in its training."""
    from prefloop.models.scores import score

    most = model.manifest.get("max_tokens")
    return lambda items: score(judge, items, max_tokens=most)


def measured_kl(
    policy: "LoadedPolicy",
    reference: "LoadedPolicy",
    prompts: Sequence[Prompt],
    longest: int,
    seed: int,
) -> Estimate | None:
    """KL from the reference in nats per completion of at most `longest` tokens, on fresh draws.

    Of different prompts, up to 400 that leave room for so many; None where fewer than two do.
    """
    from prefloop.models.divergence import sequence_kl
    from prefloop.models.generate import seeded, with_room
    from prefloop.models.sampling import Sampling

    different = list({prompt.messages: prompt for prompt in prompts}.values())
    asked = with_room(policy, different, longest)
    if len(asked) < 2:
        return None
    draws = seeded(int(rng(seed, "kl").integers(2**31)))
    sampling = Sampling(max_new_tokens=longest)
    return student_mean(sequence_kl(policy, reference, asked[:_KL_PROMPTS], sampling, draws))


def _fitting(baseline: Artifact, reward: Artifact, gate: Artifact) -> None:
    models.policy(baseline, "PPO")
    require_about(gate, models.reward(reward))
    require_open(gate)  # the store would refuse the run as well, but only when it is done


def _usual(
    reference: "LoadedPolicy", prompts: Sequence[Prompt], settings: PPOSettings
) -> Mapping[str, Usual]:
    """What is usual in the style of the policy it starts from."""
    from prefloop.models.generate import generate, seeded
    from prefloop.models.sampling import Sampling
    from prefloop.training.ppo.stage import fitting

    stream = rng(settings.seed, "usual style")
    asked = fitting(reference, prompts, settings.max_new_tokens)
    chosen = stream.integers(len(asked), size=settings.reference_samples)
    sampling = Sampling(max_new_tokens=settings.max_new_tokens)
    draws = seeded(int(stream.integers(2**31)))
    said = generate(reference, [asked[place] for place in chosen], sampling, draws)
    return signatures.usual([one.text for one in said])


def _checkpoint_suite(
    policy: "LoadedPolicy", cases: SuiteCases, settings: PPOSettings
) -> Callable[[], Mapping[str, float]]:
    """The share of cases passed, on the same part of the suite at every checkpoint."""
    from prefloop.models.generate import generate, seeded
    from prefloop.models.sampling import Sampling

    seen: dict[str, int] = {}
    chosen = []
    for place, dimension in enumerate(cases.dimensions):
        seen[dimension] = seen.get(dimension, 0) + 1
        if seen[dimension] <= _LOOKED_AT:
            chosen.append(place)
    prompts = list(dict.fromkeys(cases.prompts[place] for place in chosen))
    sampling = Sampling(max_new_tokens=settings.max_new_tokens)
    seed = int(rng(settings.seed, "checkpoint suite").integers(2**31))

    def look() -> dict[str, float]:
        texts = [one.text for one in generate(policy, prompts, sampling, seeded(seed))]
        said = dict(zip(prompts, texts, strict=True))
        found = suite.run(
            [cases.dimensions[place] for place in chosen],
            [cases.prompts[place] for place in chosen],
            [[said[cases.prompts[place]]] for place in chosen],
            [cases.checks[place] for place in chosen],
        )
        rates = {name: rate.estimate for name, rate in found.rates().items()}
        each = {f"suite: {name}": rate for name, rate in rates.items()}
        return {**each, "suite": float(np.mean(list(rates.values())))}

    return look
