"""What a quarantine is worth: two reward models that differ in nothing but whose labels they saw.

Both are examined on the same pairs, whose prompts neither was trained on, with the labels of the
people who are still believed: those of the set-aside are what is in question.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Pair
from prefloop.datasets import freeze
from prefloop.evaluation.reward_report import prompt_codes
from prefloop.flows import train
from prefloop.flows.models import fetch
from prefloop.flows.project import Project
from prefloop.flows.train import Recipe
from prefloop.stats.intervals import cluster_mean
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact

__all__ = ["Worth", "reward_effect", "worth"]


@dataclass(frozen=True, slots=True)
class Worth:
    """Accuracy with and without the labels set aside; `difference` is paired, without - with."""

    with_them: Estimate
    without: Estimate
    difference: Estimate


def reward_effect(project: Project, with_them: Artifact, without: Artifact) -> Artifact:
    """Record how much better a reward model is without the quarantined labels.

    An evaluation of type "quarantine effect". Raises BadInput unless both models have one recipe
    and datasets frozen from the same batches that differ in who was left out.
    """
    project.require("evaluate")
    with project.reader() as reader:
        one, other = train.recipe(reader, with_them), train.recipe(reader, without)
        _comparable(one, other)
        held = freeze.pairs(reader, other.dataset, "held_out")
        seen = {
            pair.prompt.messages
            for made in (one, other)
            for pair in freeze.pairs(reader, made.dataset, "train")
        }
    pairs = [pair for pair in held if pair.prompt.messages not in seen]
    if not pairs:
        raise BadInput(f"dataset {other.dataset.short} holds nothing out: freeze with --held-out")
    found = worth(pairs, *(_margins(project, model, pairs) for model in (with_them, without)))
    manifest = {
        "type": "quarantine effect",
        "with": with_them.digest,
        "without": without.digest,
        "left_out": _left_out(other.dataset),
        "accuracy": {"with": found.with_them.json(), "without": found.without.json()},
        "difference": found.difference.json(),
        "pairs": len(pairs),
        "trained_on": {"with": _trained_on(one), "without": _trained_on(other)},
    }
    above = [with_them.digest, without.digest, other.dataset.digest]
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        return artifacts.put(tx, "evaluation", manifest, above)


def worth(pairs: list[Pair], with_them: np.ndarray, without: np.ndarray) -> Worth:
    """From the margins (N,) of both models on the same pairs; intervals by prompt."""
    clusters = prompt_codes(pairs)
    right = [np.sign(margins) / 2 + 0.5 for margins in (with_them, without)]
    return Worth(
        cluster_mean(right[0], clusters),
        cluster_mean(right[1], clusters),
        cluster_mean(right[1] - right[0], clusters, (-1.0, 1.0)),
    )


def _comparable(one: Recipe, other: Recipe) -> None:
    if one.base.digest != other.base.digest or one.settings != other.settings:
        raise BadInput("the two reward models differ in base or settings: train both alike")
    if one.dataset.parents != other.dataset.parents:
        raise BadInput("the two reward models learned from different batches")
    split = ("held_out", "seed")
    frozen = [{k: made.dataset.manifest["settings"][k] for k in split} for made in (one, other)]
    if frozen[0] != frozen[1]:
        raise BadInput("the two datasets hold out different prompts: freeze both alike")
    if _left_out(one.dataset) == _left_out(other.dataset):
        raise BadInput("the two datasets leave out the same people: there is no effect to see")


def _left_out(dataset: Artifact) -> list[str]:
    """Everybody a freeze left out by name or by quarantine."""
    held: dict[str, dict[str, Any]] = dataset.manifest.get("quarantine", {})
    named = {name for found in held.values() for name in found}
    return sorted(named.union(dataset.manifest["settings"]["exclude"]))


def _trained_on(made: Recipe) -> int:
    counts = made.dataset.manifest["counts"]
    return int(counts["pairs"] - counts["held_out"])


def _margins(project: Project, model: Artifact, pairs: list[Pair]) -> np.ndarray:
    from prefloop.models.load import load_reward_model
    from prefloop.models.scores import score

    loaded = load_reward_model(fetch(project, model))
    most = model.manifest.get("max_tokens")
    chosen = score(loaded, [(pair.prompt, pair.chosen) for pair in pairs], max_tokens=most)
    rejected = score(loaded, [(pair.prompt, pair.rejected) for pair in pairs], max_tokens=most)
    return np.asarray(chosen - rejected)
