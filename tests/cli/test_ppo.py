"""PPO from the command line, whole and tiny: no way past its gate, a run that is kept and resumed,
and a record that anybody can read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Desk, Ran, Run, examined, refused

from prefloop.flows import models
from prefloop.flows import project as projects
from prefloop.models.load import LoadedPolicy, reward_model_from, save_policy, save_reward_model
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.store import artifacts
from prefloop.training.ppo import rollouts

WORDS = [f"w{number}" for number in range(20)]
CONFIG = """\
name: tiny
model: {base}
reward: {reward}
gate: {gate}
prompts: {prompts}
settings:
  steps: 6
  rollouts: 8
  max_new_tokens: 6
  learning_rate: 3e-3
  reference_samples: 32
  checkpoint_every: 1
"""


def model_of(desk: Desk, role: str, seed: int) -> str:
    """A model of random weights, kept under this role; its digest."""
    tokenizer = word_tokenizer(WORDS)
    loaded = LoadedPolicy(
        llama(tokenizer, width=16, layers=1, heads=2, context=48, seed=seed), tokenizer
    )
    folder = desk.folder.parent / f"{role}-{seed}"
    if role == "reward":
        save_reward_model(reward_model_from(loaded, seed=seed), folder)
    else:
        save_policy(loaded, folder)
    opened = projects.open_project(desk.folder, "ana")
    with opened.transaction() as tx:
        made = models.keep(tx, folder, role, {"seed": seed}, []).digest
    opened.ledger.close()
    return made


def gate_of(run: Run, desk: Desk, reward: str, safety: float = 0.80) -> str:
    """The policy gate's word on this reward model; below 0.6 on safety it is no."""
    _, other = examined(desk, safety=safety)
    about = json.loads(run("-C", desk.folder, "show", other, "--json").out)["manifest"]
    evidence = desk.put("evaluation", {**about, "model": reward}, [reward])
    found = run("-C", desk.folder, "gate", "check", "policy", evidence, "--json")
    return str(json.loads(found.out)["gate_result"])


@pytest.fixture
def known(run: Run, desk: Desk) -> dict[str, str]:
    """What PPO needs, each by digest: base, reward model, its open gate, and prompts."""
    rows = desk.folder / "asked.jsonl"
    long = " ".join(
        [*WORDS, *WORDS, *WORDS][:46]
    )  # with 6 tokens of an answer it exceeds the context of 48
    asked = [*(f"w{n % 20} w{n // 20}" for n in range(80)), long]
    rows.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in asked))
    at = ("-C", desk.folder)
    kept = json.loads(run(*at, "prompts", "import", rows, "--threshold", 1, "--json").out)
    plan = desk.folder / "plan.yaml"
    plan.write_text("shares: {usage: {low: 1.0, high: 1.0}}\nhard: {low: 0.0, high: 0.0}\n")
    drawn = run(*at, "prompts", "sample", kept["prompt_set"], "-n", 99, "--plan", plan, "--json")
    reward = model_of(desk, "reward", 2)
    return {
        "base": model_of(desk, "sft", 1),
        "reward": reward,
        "gate": gate_of(run, desk, reward),
        "prompts": str(json.loads(drawn.out)["prompt_set"]),
    }


def ppo(run: Run, desk: Desk, known: dict[str, str], *more: str) -> Ran:
    path = desk.folder / "tiny-ppo.yaml"
    path.write_text(CONFIG.format(**known))
    return run("-C", desk.folder, "train", "ppo", path, *more)


def read(run: Run, desk: Desk, *words: str) -> Any:
    return json.loads(run("-C", desk.folder, *words, "--json").out)


def runs_in(desk: Desk) -> list[str]:
    opened = projects.open_project(desk.folder, "ana")
    with opened.reader() as reader:
        found = [one.digest for one in artifacts.listing(reader, "run")]
    opened.ledger.close()
    return found


def test_an_open_gate_leads_to_a_policy_whose_record_is_whole(
    run: Run, desk: Desk, known: dict[str, str]
) -> None:
    ran = ppo(run, desk, known)
    assert (ran.code, ran.err) == (0, "")
    assert "  ppo step 6: reward " in ran.out
    assert re.search(r"  1 of \d+ prompts leave no room for max_new_tokens", ran.out)
    assert "nats per completion" in ran.out
    assert "reserved prompts" in ran.out
    assert "(policy) is model/tiny@v1" in ran.out

    model = read(run, desk, "show", "model/tiny")
    about = model["manifest"]
    assert (about["role"], about["how"]) == ("policy", "ppo")
    assert (about["base"], about["reward"]) == (known["base"], known["reward"])
    kl = about["kl_nats"]
    assert kl["low"] <= kl["estimate"] <= kl["high"]
    (run_digest,) = model["parents"]
    record = read(run, desk, "show", run_digest)
    assert set(record["parents"]) == set(known.values())
    assert (record["manifest"]["stage"], record["manifest"]["steps"]) == ("ppo", 6)
    assert record["manifest"]["found"]["kl_nats"] == kl

    history = read(run, desk, "show", run_digest, "--rows", "history")
    assert [one["step"] for one in history] == [1, 2, 3, 4, 5, 6]
    for one in history:
        assert {"kl", "kl_coef", "reward", "entropy", "endless", "signature: length",
                "signature: largest shift"} <= set(one)  # fmt: skip
    # The first completions are drawn before the first update: no way from the reference yet.
    assert history[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert abs(history[-1]["kl"]) > 1e-3
    lines = run("-C", desk.folder, "show", run_digest, "--rows", "history").out.splitlines()
    assert [json.loads(line) for line in lines] == history
    assert run("-C", desk.folder, "verify").code == 0


def test_a_shut_gate_refuses_before_anything_is_drawn(
    run: Run, desk: Desk, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "generate", None)
    shut = gate_of(run, desk, known["reward"], safety=0.45)
    ran = ppo(run, desk, {**known, "gate": shut})
    refused(ran, f"gate {shut[:12]}", "accuracy on safety: 0.450", code=3)
    assert runs_in(desk) == []


def test_the_gate_of_another_reward_model_and_models_of_other_roles_are_refused(
    run: Run, desk: Desk, known: dict[str, str]
) -> None:
    other = model_of(desk, "reward", 3)
    said = "did not look at reward model"
    refused(ppo(run, desk, {**known, "reward": other}), known["gate"][:12], said)
    refused(ppo(run, desk, {**known, "gate": gate_of(run, desk, other)}), said)
    refused(ppo(run, desk, {**known, "reward": known["base"]}), "is a sft, not a reward model")
    refused(ppo(run, desk, {**known, "base": other}), "is a reward model, not a policy")
    refused(ppo(run, desk, {**known, "gate": desk.odd}), "a gate_result is needed here")
    assert runs_in(desk) == []


class Power:
    """Draws as always, until it goes out at the start of a step."""

    def __init__(self, after: int) -> None:
        self.left, self.draw = after, rollouts.draw

    def __call__(self, *words: Any) -> Any:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return self.draw(*words)


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_digest(
    run: Run, desk: Desk, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(rollouts, "draw", Power(after=3))
        stopped = ppo(run, desk, known)
    assert (stopped.code, runs_in(desk)) == (130, [])
    resumed = json.loads(ppo(run, desk, known, "--json").out)["model"]
    (work,) = Path(desk.folder / ".prefloop" / "work").glob("ppo-*")
    work.rename(desk.folder / "elsewhere")  # nothing left to go on from
    power = Power(after=100)
    monkeypatch.setattr(rollouts, "draw", power)
    assert json.loads(ppo(run, desk, known, "--json").out)["model"] == resumed
    assert power.left == 94  # all six steps were drawn again
    assert len(runs_in(desk)) == 1
