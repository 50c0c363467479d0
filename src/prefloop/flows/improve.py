"""Sampling from policies that are in the ledger, and best of n as the first way to improve one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Completion, Prompt
from prefloop.flows import evaluate, models
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.gate import require_about
from prefloop.flows.project import Project
from prefloop.flows.prompts import keep_completions, read_prompts
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import BestOfNSettings

__all__ = ["Sampler", "against", "answerable", "best_of_n", "candidates", "run_suite", "sampler"]

_LONGEST = 96  # tokens of a completion, where nothing else is said


@dataclass(frozen=True, slots=True)
class Sampler:
    """A policy that is ready to answer: call it with (prompts, seed) for one completion of each.

    `fits` picks the prompts that do not fill its context by themselves."""

    draw: Callable[[Sequence[Prompt], int], list[str]]
    fits: Callable[[Sequence[Prompt]], list[Prompt]]

    def __call__(self, prompts: Sequence[Prompt], seed: int) -> list[str]:
        return self.draw(prompts, seed)


def sampler(
    project: Project, policy: Artifact, longest: int = _LONGEST, temperature: float = 1.0
) -> Sampler:
    """Answers by any policy in the ledger.

    A best-of-n policy draws n times, as its own settings say, and keeps what its reward model
    likes best.
    """
    if policy.kind == "model" and policy.manifest.get("how") == "best-of-n":
        return _best_sampler(project, policy, longest)
    how = {"max_new_tokens": longest, "temperature": temperature}
    return _plain_sampler(project, policy, how)


def answerable(
    prompts: Sequence[Prompt], *policies: Sampler
) -> tuple[list[Prompt], dict[str, int]]:
    """The prompts that every policy has room to answer, and what a manifest says of the others:
    nothing where there are none. Raises BadInput where no prompt is left."""
    kept = list(prompts)
    for policy in policies:
        kept = policy.fits(kept)
    if prompts and not kept:
        raise BadInput("every prompt fills the context of a policy: shorten them")
    left_out = len(prompts) - len(kept)
    return kept, {"left_out": left_out} if left_out else {}


def candidates(
    project: Project,
    policy: Artifact,
    prompt_set: Artifact,
    each: int,
    seed: int,
    longest: int = _LONGEST,
) -> Artifact:
    """`each` completions of every unreserved prompt, as a completion_set."""
    with project.reader() as reader:
        known = read_prompts(reader, prompt_set)
    draw = sampler(project, policy, longest)
    prompts, left_out = answerable(known, draw)
    repeated = [prompt for prompt in prompts for _ in range(each)]
    texts = draw(repeated, seed)
    how = {"temperature": 1.0, "max_new_tokens": longest, "seed": seed}
    drawn = [Completion(text, policy.digest, how) for text in texts]
    several = [drawn[place : place + each] for place in range(0, len(drawn), each)]
    return keep_completions(
        project,
        prompts,
        several,
        {"sampling": how, **left_out},
        [prompt_set.digest, policy.digest],
    )


def best_of_n(
    project: Project,
    baseline: Artifact,
    reward: Artifact,
    gate: Artifact,
    settings: BestOfNSettings,
) -> Artifact:
    """The policy that answers with the best of n. Its run is refused without an open gate.

    Raises BadInput for a gate that looked at another reward model.
    """
    from prefloop.training.best_of_n import kl_bound

    require_about(gate, models.reward(reward))
    about = settings.model_dump(mode="json")
    run = {"stage": "best-of-n", "settings": about, "reward": reward.digest}
    model = {
        "role": "policy",
        "how": "best-of-n",
        "base": baseline.digest,
        "reward": reward.digest,
        "settings": about,
        # The bound is against the policy that is drawn from; drawn sharper, it says nothing of KL
        # from the policy itself.
        "kl_bound": kl_bound(settings.n) if _as_it_is(settings) else None,
    }
    with project.transaction() as tx:
        people.require(tx, "train")
        above = [baseline.digest, reward.digest, gate.digest]
        ran = artifacts.put(tx, "run", run, above)
        return artifacts.put(tx, "model", model, [ran.digest, baseline.digest, reward.digest])


def against(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    prompts: Sequence[Prompt],
    temperature: float = 1.0,
) -> Artifact:
    """One answer of each policy to every prompt: what people will compare without knowing whose.

    The temperature should be the one that users will be answered at.
    """
    seed = project.settings.seed
    # One cap for both, or length would tell them apart.
    longest = min(_longest_of(candidate), _longest_of(baseline))
    first, second = (
        sampler(project, policy, longest, temperature) for policy in (candidate, baseline)
    )
    asked, left_out = answerable(prompts, first, second)
    one = first(asked, _seed(seed, "candidate"))
    other = second(asked, _seed(seed, "baseline"))
    both = [
        [Completion(a, candidate.digest), Completion(b, baseline.digest)]
        for a, b in zip(one, other, strict=True)
    ]
    about = {
        "candidate": candidate.digest,
        "baseline": baseline.digest,
        "max_new_tokens": longest,
        "temperature": temperature,
        "seed": seed,
        **left_out,
    }
    return keep_completions(project, asked, both, about, [candidate.digest, baseline.digest])


def run_suite(
    project: Project,
    kept: Artifact,
    cases: SuiteCases,
    candidate: Artifact,
    baseline: Artifact,
    harmful: str | None,
    samples: int = 1,
    temperature: float = 1.0,
) -> Artifact:
    """Let both policies answer every prompt of the suite, and mark the answers.

    Cases on the same prompt share their answers. Seed and temperature are the same for both
    policies; the temperature should be the one that users will be answered at.
    """
    if harmful and harmful not in cases.dimensions:  # said before anything is sampled
        raise BadInput(f"suite {cases.name} has no dimension {harmful!r} to count harm by")
    distinct = list(dict.fromkeys(cases.prompts))
    seed = _seed(project.settings.seed, "suite")

    def answered(policy: Artifact) -> list[list[str]]:
        repeated = [prompt for prompt in distinct for _ in range(samples)]
        texts = sampler(project, policy, temperature=temperature)(repeated, seed)
        found = {
            prompt: texts[place * samples : (place + 1) * samples]
            for place, prompt in enumerate(distinct)
        }
        return [found[prompt] for prompt in cases.prompts]

    both = (candidate, answered(candidate)), (baseline, answered(baseline))
    return evaluate.keep_suite_run(project, kept, cases, *both, harmful, temperature)[0]


def _plain_sampler(project: Project, policy: Artifact, how: dict[str, Any]) -> Sampler:
    from prefloop.models.generate import generate, seeded, with_room
    from prefloop.models.load import load_policy
    from prefloop.models.sampling import Sampling

    if policy.manifest.get("role") not in ("sft", "policy", "baseline"):
        raise BadInput(f"{policy.short} is a {policy.manifest.get('role')} model, not a policy")
    loaded = load_policy(models.fetch(project, policy))
    sampling: Sampling = Sampling(**how)

    def draw(prompts: Sequence[Prompt], seed: int) -> list[str]:
        return [one.text for one in generate(loaded, prompts, sampling, seeded(seed))]

    return Sampler(draw, lambda prompts: with_room(loaded, prompts, 1))


def _best_sampler(project: Project, policy: Artifact, longest: int) -> Sampler:
    from prefloop.models.load import load_reward_model
    from prefloop.models.scores import score
    from prefloop.training import best_of_n as stage

    m = policy.manifest
    with project.reader() as reader:
        base, reward = artifacts.get(reader, m["base"]), artifacts.get(reader, m["reward"])
    settings = BestOfNSettings.model_validate(m["settings"])
    how = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "max_new_tokens": min(settings.max_new_tokens, longest),
    }
    plain = _plain_sampler(project, base, how)
    judge, most = (
        load_reward_model(models.fetch(project, reward)),
        reward.manifest.get("max_tokens"),
    )

    def draw(prompts: Sequence[Prompt], seed: int) -> list[str]:
        found = stage.best_of_n(
            prompts,
            settings.n,
            lambda asked: plain(asked, seed),
            lambda items: score(judge, items, max_tokens=most),
        )
        return list(found.chosen)

    return Sampler(draw, plain.fits)


def _as_it_is(settings: BestOfNSettings) -> bool:
    """Whether completions are drawn from the policy itself, neither sharpened nor cut."""
    return settings.temperature == 1 and settings.top_p == 1 and settings.top_k == 0


def _longest_of(policy: Artifact) -> int:
    """The cap a policy's completions have by its making."""
    return int(policy.manifest.get("settings", {}).get("max_new_tokens", _LONGEST))


def _seed(seed: int, purpose: str) -> int:
    return int(rng(seed, purpose).integers(2**31))
