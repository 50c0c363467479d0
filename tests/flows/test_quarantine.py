"""What a quarantine is worth: reward models with and without the labels set aside."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.flows.test_dpo import base_of

from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt
from prefloop.flows import alarms, train
from prefloop.flows.approval import approve
from prefloop.flows.labels import FreezeSettings, freeze_dataset
from prefloop.flows.project import Project
from prefloop.flows.quarantine import reward_effect, worth
from prefloop.store import artifacts, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.rows import prompt_row, prompt_words
from prefloop.training.settings import RewardSettings

HONEST, RING = ["ann", "bob", "cy"], ["x1", "x2", "x3", "x4"]
SETTINGS = RewardSettings(steps=24, batch_size=16, learning_rate=3e-3, max_tokens=32, eval_every=24)


@pytest.fixture
def batch(project: Project) -> Artifact:
    """160 comparisons in which w1 is better than w2, and four of seven say the opposite."""
    draw = np.random.default_rng(0)
    with project.transaction() as tx:
        rows = []
        for n in range(160):
            prompt = Prompt.of(f"w{n % 20} w{n // 20}")
            other = " ".join(f"w{k}" for k in draw.integers(3, 20, size=2))
            stored = texts.put_many(tx, [*prompt_words([prompt]), f"w1 {other}", f"w2 {other}"])
            good, bad = ("a", "b") if n % 2 else ("b", "a")
            said = [(who, good) for who in HONEST] + [(who, bad) for who in RING]
            rows.append(
                {
                    "comparison": f"{n:04}",
                    **prompt_row(prompt, stored),
                    good: stored[f"w1 {other}"],
                    bad: stored[f"w2 {other}"],
                    "judgments": [
                        {"annotator": who, "verdict": v, "purpose": "live", "dimensions": {}}
                        for who, v in said
                    ],
                }
            )
        cleared = {"calibration": {"status": "cleared"}}
        manifest: dict[str, Any] = {
            "campaign": "ring",
            "purpose": "live",
            "spec": None,
            "epoch": 0,
            "judgments": 1120,
            "dimensions": [],
            "tie_break": [],
            "pool": dict.fromkeys([*HONEST, *RING], cleared),
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "label_batch", manifest)


def model_of(project: Project, batch: Artifact, base: Artifact, **other: Any) -> Artifact:
    """A reward model on this batch as it is frozen now."""
    settings = FreezeSettings(**{"held_out": 0.25, **other})
    made, proposal = freeze_dataset(project, "ring", [batch.digest], settings)
    approve(project.as_("ben"), proposal)
    return train.reward(project, made, base, SETTINGS, lambda line: None)


def test_without_a_ring_the_reward_model_learns_what_honest_people_like(
    project: Project, batch: Artifact, tmp_path: Path
) -> None:
    base = base_of(project, tmp_path)
    before = model_of(project, batch, base)
    with project.transaction() as tx:
        named = [{"annotator": name} for name in RING]
        about = {"type": "alarms", "scope": batch.digest, "alarms": named}
        found = artifacts.put(tx, "evaluation", about, [batch.digest])
    approve(project.as_("ben"), alarms.set_aside(project, found, RING, "they copy"))
    after = model_of(project, batch, base)
    effect = reward_effect(project, before, after).manifest
    assert effect["left_out"] == RING
    assert effect["accuracy"]["with"]["estimate"] < 0.1
    assert effect["accuracy"]["without"]["estimate"] > 0.9
    assert effect["difference"]["low"] > 0.5
    with pytest.raises(BadInput, match="leave out the same people"):
        reward_effect(project, after, after)
    other = model_of(project, batch, base, held_out=0.4, exclude=["ann"])
    with pytest.raises(BadInput, match="hold out different prompts"):
        reward_effect(project, before, other)


def test_worth_by_hand() -> None:
    pairs = [Pair(Prompt.of(f"{n}?"), "good", "bad") for n in range(4)]
    found = worth(pairs, np.array([1.0, -1, -1, 0]), np.array([1.0, 1, 1, -1]))
    # With: right, wrong, wrong, level (half) = 1.5 of 4. Without: 3 of 4.
    assert found.with_them.estimate == pytest.approx(0.375)
    assert found.without.estimate == pytest.approx(0.75)
    assert found.difference.estimate == pytest.approx(0.375)
    assert -1 <= found.difference.low < 0.375 < found.difference.high <= 1
