"""What a demo found, as one document read from the ledger: report.json, and what the page tells."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prefloop.annotation import campaigns, quality
from prefloop.annotation.calibration import standing
from prefloop.core.errors import PrefloopError
from prefloop.core.records import Estimate
from prefloop.flows import lineage, models
from prefloop.flows.loop import Ground, Mended, Pass
from prefloop.flows.ppo import scorer
from prefloop.flows.project import Project
from prefloop.sandbox.probes import minimal_pairs
from prefloop.sandbox.world import SupportDesk
from prefloop.stats import NotEnough
from prefloop.stats.intervals import cluster_mean
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["failing", "history", "tell_story"]

MINIMAL_PAIRS = 300
_OVERLAP = 3  # more judgments than this has only what everybody was given


def tell_story(
    project: Project,
    world: SupportDesk,
    ground: Ground,
    passes: Sequence[Pass],
    mended: Mended | None,
    contrasts: list[dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """Everything the report says, read from the ledger; estimates as {estimate, low, high, n}."""
    last = passes[-1]
    with project.reader() as reader:
        before = _batch(reader, "before calibration")
        kappas = [_shared_kappa(reader, batch, world.seed) for batch in (before, ground.batch)]
        tree = lineage.as_text(lineage.tree(reader, last.release.digest))
        annotators = _annotators(reader, ground.batch)
    base = passes[0].suite.manifest["dimensions"]
    return {
        "seed": world.seed,
        "seconds": round(seconds, 1),
        "calibration": {
            "kappa_before": kappas[0][0].json(),
            "kappa_after": kappas[1][0].json(),
            "items": kappas[0][1],
            "annotators": annotators,
        },
        "labels": {
            "judgments": before.manifest["judgments"] + ground.batch.manifest["judgments"],
            **ground.dataset.manifest["counts"],
        },
        "baseline": {
            "pricing_accuracy": base["accuracy"]["baseline"],
            "assertively_wrong": failing(base["not assertively wrong"]["baseline"]),
        },
        "reward_models": [
            _reward(project, one, world.seed, number) for number, one in enumerate(passes, start=1)
        ],
        "relabelling": _relabelling(mended) if mended else None,
        "passes": [_pass(project, one) for one in passes],
        "contrasts": contrasts,
        "lineage": tree,
        "release": last.release.digest if last.decision == "promote" else None,
    }


def history(project: Project, policy: Artifact) -> list[dict[str, float]]:
    """The records of the run that made a policy, step by step."""
    with project.reader() as reader:
        return artifacts.read_rows(reader, _run(reader, policy), "history")


def failing(found: dict[str, Any]) -> dict[str, Any]:
    """The share that failed, from the share that passed."""
    return {
        "estimate": 1 - found["estimate"],
        "low": 1 - found["high"],
        "high": 1 - found["low"],
        "n": found["n"],
    }


def _run(reader: Reader, policy: Artifact) -> Artifact:
    above = [artifacts.get(reader, parent) for parent in policy.parents]
    return next(one for one in above if one.kind == "run")


def _reward(project: Project, one: Pass, seed: int, number: int) -> dict[str, Any]:
    examined = one.examination.manifest
    told = (
        "accuracy ceiling by_dimension by_topic longer_wins bag_of_words calibration_error "
        "length_correlation"
    )
    return {
        "name": f"reward model {number}",
        **{key: examined[key] for key in told.split()},
        "minimal_pairs": _prefers_right(project, one.reward, seed).json(),
    }


def _pass(project: Project, one: Pass) -> dict[str, Any]:
    passed = one.suite.manifest["dimensions"]
    steps = history(project, one.policy)
    with project.reader() as reader:
        warnings = _run(reader, one.policy).manifest["warnings"]
    told = ("step", "reward", "kl", "completion_tokens", "suite")
    return {
        "name": one.name,
        "win_rate": one.comparison.manifest["win_rate"],
        "kl_nats": one.policy.manifest["kl_nats"],
        "pricing_accuracy": passed["accuracy"]["candidate"],
        "assertively_wrong": failing(passed["not assertively wrong"]["candidate"]),
        "decision": one.decision,
        "reasons": one.release.manifest["reasons"],
        "suite": passed,
        "gates": {
            "policy": one.policy_gate.manifest["checks"],
            "release": one.release_gate.manifest["checks"],
        },
        "warnings": warnings,
        "steps": [{key: step[key] for key in told if key in step} for step in steps],
    }


def _relabelling(mended: Mended) -> dict[str, Any]:
    found = mended.changes.manifest
    return {
        "spec_changes": mended.spec.manifest["changes"],
        "judgments": mended.relabelled.manifest["judgments"],
        "reason": found["reason"],
        "relabelled": found["relabelled"],
        "control": found["control"],
        "difference": found["difference"],
    }


def _batch(reader: Reader, campaign: str) -> Artifact:
    found = artifacts.listing(reader, "label_batch")
    return next(one for one in found if one.manifest["campaign"] == campaign)


def _shared_kappa(reader: Reader, batch: Artifact, seed: int) -> tuple[Estimate, int]:
    """Agreement on the comparisons that all annotators judged, and how many those are."""
    rows = [
        row
        for row in artifacts.read_rows(reader, batch, "comparisons")
        if sum(one["purpose"] == "live" for one in row["judgments"]) > _OVERLAP
    ]
    found, _ = quality.agreement(*quality.long_format(rows), seed)
    if isinstance(found, NotEnough):
        raise PrefloopError(f"no agreement to report of {batch.short}: {found.reason}")
    return found, len(rows)


def _annotators(reader: Reader, live: Artifact) -> list[dict[str, Any]]:
    before = campaigns.get(reader, "before calibration")
    return [
        {
            "name": name,
            "before": standing(reader, before, name)["evidence"],
            "after": record["calibration"]["evidence"],
            "gold": record["gold"],
            "duplicates": record["duplicates"],
        }
        for name, record in live.manifest["pool"].items()
    ]


def _prefers_right(project: Project, reward: Artifact, seed: int) -> Estimate:
    """How often the reward model prefers the right price where nothing else differs."""
    from prefloop.models.load import load_reward_model

    pairs = minimal_pairs(seed, MINIMAL_PAIRS)
    score = scorer(load_reward_model(models.fetch(project, reward)), reward)
    right = score([(prompt, good) for prompt, good, _ in pairs])
    wrong = score([(prompt, bad) for prompt, _, bad in pairs])
    won = np.where(right > wrong, 1.0, np.where(right < wrong, 0.0, 0.5))
    return cluster_mean(won, np.arange(len(pairs)))
