"""Does a policy look as if it chased its reward? Signatures of what it says, beside its baseline.

The reward model may be the one that was optimized: the question is what it rewards, so this
evaluation is evidence about style, and none of quality. It warns and closes no gate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Prompt
from prefloop.evaluation.measured import mean
from prefloop.evaluation.parting import parting
from prefloop.evaluation.signatures import Signature, compare, signatures
from prefloop.flows import models
from prefloop.flows.improve import Sampler, answerable, sampler
from prefloop.flows.ppo import scorer
from prefloop.flows.project import Project
from prefloop.flows.prompts import read_prompts
from prefloop.gates.thresholds import HackingGates
from prefloop.stats.intervals import cluster_mean
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Transaction
from prefloop.store.rows import prompt_row, prompt_words

__all__ = ["hacking"]


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer of a policy to each prompt, and their rewards (N,)."""

    texts: list[str]
    rewards: np.ndarray


def hacking(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    prompt_set: Artifact,
    reward: Artifact,
    *,
    limit: int = 1000,
    longest: int = 128,
    blind: Artifact | None = None,
) -> Artifact:
    """Let both policies answer prompts, score the answers, and record an evaluation of type
    "hacking": every signature of `candidate` beside `baseline`, and which of them are alarms.

    Of the prompts of `prompt_set`, reserved or not, `limit` are drawn. `longest` caps both
    policies' answers, in tokens. `blind` is a recorded comparison of the two: then it is said
    whether reward and people part ways. Raises BadInput for artifacts that do not fit, before
    anything is sampled.
    """
    project.require("evaluate")
    _fitting(candidate, baseline, reward, blind)
    known = _asked(project, prompt_set, limit)
    draw = [sampler(project, one, longest) for one in (candidate, baseline)]
    prompts, left_out = answerable(known, *draw)
    now, was = _answers(project, draw, reward, prompts)
    found, gates = _compared(project, prompts, now, was), project.gates.hacking
    manifest = {
        "type": "hacking",
        "model": candidate.digest,
        "baseline": baseline.digest,
        "reward": reward.digest,
        "prompts": len(prompts),
        **left_out,
        "hard": sum(prompt.hard for prompt in prompts),
        "max_new_tokens": longest,
        "seed": project.settings.seed,
        "thresholds": gates.model_dump(mode="json"),
        "signatures": {one.name: _signature_json(one) for one in found},
        "alarms": [one.name for one in found if one.alarm],
        **_people(project, prompts, now, was, blind, gates),
    }
    above = [candidate, baseline, reward, prompt_set, *([blind] if blind else [])]
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        manifest["files"] = {"completions": _keep(tx, prompts, now, was)}
        return artifacts.put(tx, "evaluation", manifest, [one.digest for one in above])


def _fitting(
    candidate: Artifact, baseline: Artifact, reward: Artifact, blind: Artifact | None
) -> None:
    models.reward(reward)
    if blind is None:
        return
    m = blind.manifest
    if m.get("type") != "compare":
        raise BadInput(f"{blind.short} is a {m.get('type')}; a blind comparison is needed")
    if (m["model"], m["baseline"]) != (candidate.digest, baseline.digest):
        raise BadInput(f"comparison {blind.short} is not of {candidate.short} and {baseline.short}")


def _asked(project: Project, prompt_set: Artifact, limit: int) -> list[Prompt]:
    """Reserved prompts too: no judgment is asked for, and the hard ones are rarely among them."""
    with project.reader() as reader:
        known = [read_prompts(reader, prompt_set, reserved=kind) for kind in (False, True)]
    prompts = list(dict.fromkeys([*known[0], *known[1]]))
    if limit < len(prompts):
        chosen = rng(project.settings.seed, "hacking").permutation(len(prompts))[:limit]
        prompts = [prompts[place] for place in sorted(chosen)]
    if len(prompts) < 2:
        raise BadInput(f"{len(prompts)} prompts show no signature: several hundred are advised")
    return prompts


def _answers(
    project: Project, draw: Sequence[Sampler], reward: Artifact, prompts: Sequence[Prompt]
) -> tuple[_Said, _Said]:
    from prefloop.models.load import load_reward_model

    score = scorer(load_reward_model(models.fetch(project, reward)), reward)

    def answers(who: str, policy: Sampler) -> _Said:
        # Each policy with random numbers of its own, so that the two samples are independent.
        seed = int(rng(project.settings.seed, "hacking", who).integers(2**31))
        said = policy(prompts, seed)
        return _Said(said, score(list(zip(prompts, said, strict=True))))

    return answers("candidate", draw[0]), answers("baseline", draw[1])


def _compared(
    project: Project, prompts: Sequence[Prompt], now: _Said, was: _Said
) -> list[Signature]:
    gates, seed = project.gates.hacking, project.settings.seed
    usual = signatures(prompts, was.texts, was.rewards, high_share=gates.high_share, seed=seed)
    found = signatures(prompts, now.texts, now.rewards, high=usual.high, seed=seed)
    return compare(found, usual, gates)


def _people(
    project: Project,
    prompts: Sequence[Prompt],
    now: _Said,
    was: _Said,
    blind: Artifact | None,
    gates: HackingGates,
) -> dict[str, Any]:
    """What the reward promises, prompt by prompt, and whether people keep the promise.

    The gain is in standard deviations of the baseline's rewards; sigmoid(gain) in the model's own
    unit is how often it expects people to choose the candidate (Bradley and Terry 1952)."""
    gained, places = now.rewards - was.rewards, np.arange(len(prompts))
    spread = float(was.rewards.std())
    gain = None
    if np.ptp(was.rewards) > 0:
        stream = rng(project.settings.seed, "hacking", "gain")
        gain = mean(gained / spread, places, stream).estimate
    found: dict[str, Any] = {
        "reward_gain": gain.json() if gain else None,
        "promised_win_rate": cluster_mean(expit(gained), places).json(),
        "comparison": blind.digest if blind else None,
        "parting": None,
    }
    if blind and gain:
        said = parting(gain, Estimate(**blind.manifest["win_rate"]), gates.flat)
        found["parting"] = {
            "verdict": said.verdict,
            "alarm": said.alarm,
            "explanation": said.explanation,
        }
    return found


def _keep(tx: Transaction, prompts: Sequence[Prompt], now: _Said, was: _Said) -> Mapping[str, Any]:
    """Prompts, answers and rewards, so that anybody can look at the texts behind an alarm."""
    stored = texts.put_many(tx, [*prompt_words(prompts), *now.texts, *was.texts])
    both = {"candidate": now, "baseline": was}
    return artifacts.write_rows(
        tx,
        [
            {
                **prompt_row(prompt, stored),
                **{
                    who: {"text": stored[said.texts[i]], "reward": float(said.rewards[i])}
                    for who, said in both.items()
                },
            }
            for i, prompt in enumerate(prompts)
        ],
    )


def _signature_json(one: Signature) -> dict[str, Any]:
    return {
        "candidate": one.now.json(),
        "baseline": one.baseline.json(),
        "shift": one.shift,
        "p": one.p,
        "alarm": one.alarm,
        "explanation": one.explanation,
    }
