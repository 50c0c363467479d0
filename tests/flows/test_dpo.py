"""DPO through the ledger, in small: labels, gate, training, KL, and the policy that came of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.core.errors import BadInput, GateClosed, NotPermitted
from prefloop.core.records import Prompt
from prefloop.flows import gate, improve, models
from prefloop.flows.approval import approve
from prefloop.flows.dpo import dpo
from prefloop.flows.labels import FreezeSettings, freeze_dataset
from prefloop.flows.project import Project
from prefloop.models.load import LoadedPolicy, load_policy, save_policy
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.store import artifacts, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.rows import prompt_row, prompt_words
from prefloop.store.verify import verify
from prefloop.training.settings import DPOSettings

WORDS = [f"w{number}" for number in range(20)]
SETTINGS = DPOSettings(
    steps=24, batch_size=16, learning_rate=3e-3, max_tokens=32, max_new_tokens=6, eval_every=8
)


def batch_of(project: Project, agree: int = 95) -> Artifact:
    """160 comparisons of two people, who agree on `agree` of a hundred; w1 is liked, w2 is not."""
    draw = np.random.default_rng(0)
    with project.transaction() as tx:
        rows = []
        for n in range(160):
            prompt = Prompt.of(f"w{n % 20} w{n // 20}")
            other = " ".join(f"w{k}" for k in draw.integers(3, 20, size=2))
            liked, not_liked = f"w1 {other}", f"w2 {other}"
            stored = texts.put_many(tx, [*prompt_words([prompt]), liked, not_liked])
            good, bad = ("a", "b") if n % 2 else ("b", "a")
            said = [("cleo", good), ("dan", good), ("eli", good if n % 100 < agree else bad)]
            rows.append(
                {
                    "comparison": f"{n:04}",
                    **prompt_row(prompt, stored),
                    good: stored[liked],
                    bad: stored[not_liked],
                    "judgments": [
                        {"annotator": who, "verdict": v, "purpose": "live", "dimensions": {},
                         "strength": 1, "first_shown": "a", "active_ms": 0}
                        for who, v in said
                    ],
                }
            )  # fmt: skip
        manifest: dict[str, Any] = {
            "campaign": f"{agree} agree",
            "purpose": "live",
            "spec": None,
            "epoch": 0,
            "judgments": 480,
            "dimensions": [],
            "tie_break": [],
            "pool": {},
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "label_batch", manifest)


def dataset_of(project: Project, held_out: float = 0.25, agree: int = 95) -> Artifact:
    batch = batch_of(project, agree)
    settings = FreezeSettings(held_out=held_out)
    made, proposal = freeze_dataset(project, "liked", [batch.digest], settings)
    approve(project.as_("ben"), proposal)
    return made


def base_of(project: Project, folder: Path, role: str = "sft") -> Artifact:
    tokenizer = word_tokenizer(WORDS)
    model = llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3)
    save_policy(LoadedPolicy(model, tokenizer), folder / "base")
    with project.transaction() as tx:
        return models.keep(tx, folder / "base", role, {}, [])


@pytest.fixture
def dataset(project: Project) -> Artifact:
    return dataset_of(project)


@pytest.fixture
def base(project: Project, tmp_path: Path) -> Artifact:
    return base_of(project, tmp_path)


def run_of(project: Project, model: Artifact) -> Artifact:
    with project.reader() as reader:
        (name,) = model.parents
        return artifacts.get(reader, name)


def history_of(project: Project, run: Artifact) -> list[dict[str, Any]]:
    with project.reader() as reader:
        return artifacts.read_rows(reader, run, "history")


def test_dpo_makes_a_policy_whose_margin_on_held_out_pairs_rose(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    heard: list[str] = []
    made = dpo(project, dataset, base, SETTINGS, heard.append)
    assert (made.manifest["role"], made.manifest["how"]) == ("policy", "dpo")
    assert made.manifest["base"] == base.digest
    run = run_of(project, made)
    assert run.manifest["found"]["held_out_accuracy"] > 0.95
    looks = [r["held_out_loss"] for r in history_of(project, run) if "held_out_loss" in r]
    assert looks == sorted(looks, reverse=True)
    assert looks[-1] < np.log(2)  # where every policy begins
    with project.reader() as reader:
        above = {one.kind: one for one in (artifacts.get(reader, p) for p in run.parents)}
        assert artifacts.ancestors(reader, made.digest)
    assert set(above) == {"dataset", "model", "gate_result"}
    assert above["gate_result"].manifest["subject"] == dataset.digest
    assert any("held-out pairs" in line for line in heard)
    assert verify(project.ledger).ok


def test_its_kl_is_measured_and_is_what_the_release_gate_reads(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    made = dpo(project, dataset, base, SETTINGS, lambda line: None)
    kl = gate.kl_of(made)
    assert kl is not None
    assert kl.json() == made.manifest["kl_nats"]
    assert kl.low <= kl.estimate <= kl.high
    assert kl.estimate > 0.1  # it learned, so it moved
    assert kl.n == dataset.manifest["counts"]["held_out"]  # one pair per prompt here
    # A run that learns nearly nothing stays where it was.
    still = SETTINGS.model_copy(update={"learning_rate": 1e-9, "steps": 1})
    same = gate.kl_of(dpo(project, dataset, base, still, lambda line: None))
    assert same is not None
    assert abs(same.estimate) < 1e-3


def test_the_policy_can_be_drawn_from_and_prefers_what_was_liked(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    made = dpo(project, dataset, base, SETTINGS, lambda line: None)
    asked = [Prompt.of(f"w{n % 20} w9") for n in range(200)]

    def said(policy: Artifact, word: str) -> int:
        draw = improve.sampler(project, policy, 6)
        return sum(text.split().count(word) for text in draw(asked, 5))

    assert said(made, "w1") > said(base, "w1")
    assert said(made, "w2") < said(base, "w2")
    assert load_policy(models.fetch(project, made)).model.config.vocab_size == 26


def test_the_same_inputs_make_the_same_policy_and_compute_nothing_again(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    one = dpo(project, dataset, base, SETTINGS, lambda line: None)
    heard: list[str] = []
    two = dpo(project, dataset, base, SETTINGS, heard.append)
    assert two == one
    assert not any("step" in line for line in heard)


def test_the_gate_of_other_pairs_does_not_serve(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    other = gate.before_dpo(project, dataset_of(project, 0.4))
    with project.transaction() as tx, pytest.raises(GateClosed, match="which is no parent of it"):
        artifacts.put(tx, "run", {"stage": "dpo"}, [dataset.digest, base.digest, other.digest])


def test_people_who_do_not_agree_shut_the_gate(project: Project, base: Artifact) -> None:
    # The third says the opposite each time: of the three pairs of people one agrees.
    dataset = dataset_of(project, agree=0)
    with pytest.raises(GateClosed, match="agreement, 0 agree"):
        dpo(project, dataset, base, SETTINGS, lambda line: None)
    with project.reader() as reader:
        assert artifacts.listing(reader, "run") == []
        (shut,) = artifacts.listing(reader, "gate_result")
    assert shut.manifest["subject"] == dataset.digest


def test_without_held_out_pairs_the_gate_stays_shut(project: Project, base: Artifact) -> None:
    with pytest.raises(GateClosed, match="freeze with --held-out"):
        dpo(project, dataset_of(project, held_out=0), base, SETTINGS, lambda line: None)


def test_only_approved_preferences_and_policies_are_taken(
    project: Project, dataset: Artifact, base: Artifact, tmp_path: Path
) -> None:
    with project.transaction() as tx:
        reward = artifacts.put(tx, "model", {"role": "reward"})
    with pytest.raises(BadInput, match="is a reward model, not a policy"):
        dpo(project, dataset, reward, SETTINGS, lambda line: None)
    draft, _ = freeze_dataset(project, "draft", [dataset.parents[0]], FreezeSettings(held_out=0.3))
    with pytest.raises(NotPermitted, match="is not approved yet"):
        dpo(project, draft, base, SETTINGS, lambda line: None)


def test_prompts_that_leave_no_room_to_answer_leave_kl_unmeasured(
    project: Project, dataset: Artifact, base: Artifact
) -> None:
    long = SETTINGS.model_copy(update={"max_new_tokens": 64, "steps": 1})
    heard: list[str] = []
    made = dpo(project, dataset, base, long, heard.append)
    assert made.manifest["kl_nats"] is None
    assert gate.kl_of(made) is None
    assert any("KL not measured" in line for line in heard)
