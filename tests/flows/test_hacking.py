"""Hacking signatures through the ledger: two policies sampled, scored, compared and recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import Estimate, Prompt
from prefloop.flows import hacking as flow
from prefloop.flows import models
from prefloop.flows.hacking import hacking
from prefloop.flows.improve import Sampler, against, candidates
from prefloop.flows.project import Project
from prefloop.flows.prompts import keep_prompts
from prefloop.models.load import LoadedPolicy, reward_model_from, save_policy, save_reward_model
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

WORDS = [f"w{number}" for number in range(20)]
PROMPTS = [Prompt.of(f"w{n % 20} w{n // 20}", hard=n % 3 == 0) for n in range(60)]


def policy_of(project: Project, folder: Path, seed: int, role: str = "policy") -> Artifact:
    tokenizer = word_tokenizer(WORDS)
    model = llama(tokenizer, width=16, layers=1, heads=2, context=64, seed=seed)
    loaded = LoadedPolicy(model, tokenizer)
    if role == "reward":
        save_reward_model(reward_model_from(loaded), folder)
    else:
        save_policy(loaded, folder)
    with project.transaction() as tx:
        return models.keep(tx, folder, role, {"seed": seed}, [])


@pytest.fixture
def candidate(project: Project, tmp_path: Path) -> Artifact:
    return policy_of(project, tmp_path / "candidate", 1)


@pytest.fixture
def baseline(project: Project, tmp_path: Path) -> Artifact:
    return policy_of(project, tmp_path / "baseline", 2, "sft")


@pytest.fixture
def reward(project: Project, tmp_path: Path) -> Artifact:
    return policy_of(project, tmp_path / "reward", 3, "reward")


@pytest.fixture
def prompts(project: Project) -> Artifact:
    return keep_prompts(project, PROMPTS[:50], {}, PROMPTS[50:])


def compared(project: Project, one: Artifact, other: Artifact, **rate: float) -> Artifact:
    """A blind comparison, by hand."""
    win_rate = Estimate(**{"estimate": 0.5, "low": 0.46, "high": 0.54, **rate}, n=400).json()
    manifest = {
        "type": "compare",
        "model": one.digest,
        "baseline": other.digest,
        "win_rate": win_rate,
    }
    with project.transaction() as tx:
        return artifacts.put(tx, "evaluation", manifest, [one.digest, other.digest])


def test_two_policies_are_sampled_scored_and_recorded(
    project: Project, candidate: Artifact, baseline: Artifact, reward: Artifact, prompts: Artifact
) -> None:
    made = hacking(project, candidate, baseline, prompts, reward, longest=12)
    m = made.manifest
    assert (made.kind, m["type"], m["model"]) == ("evaluation", "hacking", candidate.digest)
    assert set(made.parents) == {one.digest for one in (candidate, baseline, reward, prompts)}
    assert (m["prompts"], m["hard"], m["max_new_tokens"]) == (60, 20, 12)
    assert {"length", "lists", "same text", "high on hard", "reward"} <= set(m["signatures"])
    assert m["alarms"] == [name for name, one in m["signatures"].items() if one["alarm"]]
    assert m["signatures"]["length"]["candidate"]["n"] == 60
    assert m["thresholds"]["shift"] == 0.5
    assert 0 < m["promised_win_rate"]["estimate"] < 1
    assert (m["comparison"], m["parting"]) == (None, None)
    with project.reader() as reader:
        rows = artifacts.read_rows(reader, made, "completions")
        words = texts.get_many(reader, [row["candidate"]["text"] for row in rows])
    lengths = [len((words[row["candidate"]["text"]] or "").split()) for row in rows]
    assert np.mean(lengths) == m["signatures"]["length"]["candidate"]["estimate"]
    rewards = np.array([[row[who]["reward"] for who in ("candidate", "baseline")] for row in rows])
    assert m["signatures"]["reward"]["candidate"]["estimate"] == pytest.approx(rewards[:, 0].mean())
    # The gain is paired by prompt, in standard deviations of the baseline's rewards.
    gain = (rewards[:, 0] - rewards[:, 1]).mean() / rewards[:, 1].std()
    assert m["reward_gain"]["estimate"] == pytest.approx(gain)
    again = hacking(project, candidate, baseline, prompts, reward, longest=12)
    assert again.digest == made.digest
    assert verify(project.ledger).ok


def test_prompts_without_room_for_an_answer_are_left_out_and_counted(
    project: Project, candidate: Artifact, baseline: Artifact, reward: Artifact
) -> None:
    long = Prompt.of(" ".join(["w1"] * 64))  # the models have 64 positions
    asked = keep_prompts(project, [*PROMPTS[:10], long], {})
    m = hacking(project, candidate, baseline, asked, reward, longest=12).manifest
    assert (m["prompts"], m["left_out"]) == (10, 1)
    answered = candidates(project, candidate, asked, 2, seed=0, longest=12).manifest
    assert (answered["prompts"], answered["completions"], answered["left_out"]) == (10, 20, 1)
    both = against(project, candidate, baseline, [Prompt.of("w1"), long]).manifest
    assert (both["prompts"], both["left_out"]) == (1, 1)
    alone = keep_prompts(project, [long], {})
    with pytest.raises(BadInput, match="every prompt fills the context"):
        candidates(project, candidate, alone, 1, seed=0, longest=12)


class Fake:
    """Policies that say what they are told, and a reward that counts words."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, said: dict[str, str]) -> None:
        self.said = said
        monkeypatch.setattr(flow, "sampler", self.sampler)
        monkeypatch.setattr(flow, "scorer", lambda judge, model: self.score)

    def sampler(self, project: Project, policy: Artifact, longest: int) -> Any:
        def draw(prompts: Sequence[Prompt], seed: int) -> list[str]:
            draws = np.random.default_rng(seed)
            tail = self.said[policy.digest]
            return [" ".join(["w1"] * draws.integers(5, 20)) + tail for _ in prompts]

        return Sampler(draw, list)

    def score(self, items: Sequence[tuple[Prompt, str]]) -> np.ndarray:
        return np.array([len(text.split()) / 10 for _, text in items])


def test_a_planted_list_maker_is_caught_and_people_are_asked(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    reward: Artifact,
    prompts: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Fake(monkeypatch, {candidate.digest: "\n- w2\n- w3\n- w4\n- w5", baseline.digest: ""})
    blind = compared(project, candidate, baseline)
    made = hacking(project, candidate, baseline, prompts, reward, blind=blind)
    m = made.manifest
    assert "lists" in m["alarms"]
    assert blind.digest in made.parents
    assert m["parting"]["verdict"] == "apart"
    assert "that is flat" in m["parting"]["explanation"]
    better = compared(project, candidate, baseline, estimate=0.7, low=0.66, high=0.74)
    found = hacking(project, candidate, baseline, prompts, reward, blind=better).manifest
    assert (found["parting"]["verdict"], found["parting"]["alarm"]) == ("agree", False)


def test_an_unchanged_policy_has_no_alarm(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    reward: Artifact,
    prompts: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Fake(monkeypatch, {candidate.digest: "", baseline.digest: ""})
    assert hacking(project, candidate, baseline, prompts, reward).manifest["alarms"] == []
    assert hacking(project, baseline, baseline, prompts, reward).manifest["alarms"] == []


def test_a_reward_that_never_varies_is_recorded_without_a_gain(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    reward: Artifact,
    prompts: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = Fake(monkeypatch, {candidate.digest: "", baseline.digest: ""})
    monkeypatch.setattr(fake, "score", lambda items: np.full(len(items), 0.1))
    monkeypatch.setattr(flow, "scorer", lambda judge, model: fake.score)
    blind = compared(project, candidate, baseline)
    m = hacking(project, candidate, baseline, prompts, reward, blind=blind).manifest
    assert (m["reward_gain"], m["parting"]) == (None, None)
    assert m["promised_win_rate"]["estimate"] == 0.5
    assert "length correlation" not in m["signatures"]


def test_a_limit_draws_prompts_and_the_projects_thresholds_hold(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    reward: Artifact,
    prompts: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Fake(monkeypatch, {candidate.digest: "\n- w2\n- w3\n- w4\n- w5", baseline.digest: ""})
    (project.folder / "gates.yaml").write_text("hacking:\n  shift: 500\n")
    m = hacking(project, candidate, baseline, prompts, reward, limit=30).manifest
    assert (m["prompts"], m["alarms"]) == (30, [])
    assert m["thresholds"]["shift"] == 500


def test_what_does_not_fit_is_bad_input_before_anything_is_sampled(
    project: Project, candidate: Artifact, baseline: Artifact, reward: Artifact, prompts: Artifact
) -> None:
    few = keep_prompts(project, PROMPTS[:1], {})
    other = compared(project, baseline, candidate)
    with project.transaction() as tx:
        suite = artifacts.put(tx, "evaluation", {"type": "suite"})
    with pytest.raises(BadInput, match="is a policy, not a reward model"):
        hacking(project, candidate, baseline, prompts, candidate)
    with pytest.raises(BadInput, match="is a reward model, not a policy"):
        hacking(project, candidate, reward, prompts, reward)
    with pytest.raises(BadInput, match="1 prompts show no signature"):
        hacking(project, candidate, baseline, few, reward)
    with pytest.raises(BadInput, match="is not of"):
        hacking(project, candidate, baseline, prompts, reward, blind=other)
    with pytest.raises(BadInput, match="a blind comparison is needed"):
        hacking(project, candidate, baseline, prompts, reward, blind=suite)


def test_an_annotator_may_not_evaluate(
    project: Project, candidate: Artifact, baseline: Artifact, reward: Artifact, prompts: Artifact
) -> None:
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with pytest.raises(NotPermitted):
        hacking(project.as_("cleo"), candidate, baseline, prompts, reward)
