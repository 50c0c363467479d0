"""Evaluations into the ledger: reward models examined, suites run, blind comparisons read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Pair, Prompt
from prefloop.datasets import freeze
from prefloop.datasets.standing import in_quarantine
from prefloop.evaluation import baselines, comparison, reward_report, suite
from prefloop.evaluation.reward_report import RewardReport
from prefloop.evaluation.suite import Checker, SuiteResult
from prefloop.flows import models, train
from prefloop.flows.project import Project
from prefloop.stats import NotEnough
from prefloop.stats.ceiling import ceiling
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.store.rows import prompt_row, prompt_words

__all__ = [
    "SuiteCases",
    "keep_comparison",
    "keep_reward",
    "keep_suite",
    "keep_suite_run",
    "reward",
    "reward_out_of_fold",
]


@dataclass(frozen=True, slots=True)
class SuiteCases:
    """A suite ready to run: one entry per (prompt, dimension)."""

    name: str
    dimensions: Sequence[str]
    prompts: Sequence[Prompt]
    expected: Sequence[str]
    checks: Sequence[Checker]


def keep_reward(
    project: Project,
    model: Artifact,
    dataset: Artifact,
    pairs: Sequence[Pair],
    margins: np.ndarray,
    votes: Sequence[Sequence[int]],
    trained_on: int,
    how: str,
) -> tuple[Artifact, RewardReport]:
    """Record the examination of a reward model on pairs it did not train on.

    `votes` are [chosen, rejected, tie] of these pairs; `how` says how the pairs were kept apart.
    """
    seed = project.settings.seed
    report = reward_report.examine(pairs, margins, _ceiling(votes, seed), seed)
    words = baselines.bag_of_words(pairs, seed)
    manifest = {
        "type": "reward",
        "model": model.digest,
        "how": how,
        "trained_on": trained_on,
        **_report_json(report),
        "bag_of_words": words.json() if isinstance(words, Estimate) else None,
    }
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        return artifacts.put(tx, "evaluation", manifest, [model.digest, dataset.digest]), report


def reward(project: Project, model: Artifact, dataset: Artifact) -> Artifact:
    """Examine a reward model on the held-out split of a dataset, and record it.

    Raises BadInput for a dataset without one.
    """
    from prefloop.models.load import load_reward_model
    from prefloop.models.scores import score

    models.reward(model)
    with project.reader() as reader:
        pairs = freeze.pairs(reader, dataset, "held_out")
        votes = freeze.votes(reader, dataset, "held_out")
        _unseen(reader, model, dataset, pairs)
    if not pairs:
        raise BadInput(f"dataset {dataset.short} holds nothing out: freeze it with --held-out")
    loaded = load_reward_model(models.fetch(project, model))
    # Long texts are cut as they were in training, or another model would be examined.
    most = model.manifest.get("max_tokens")
    chosen = score(loaded, [(pair.prompt, pair.chosen) for pair in pairs], max_tokens=most)
    rejected = score(loaded, [(pair.prompt, pair.rejected) for pair in pairs], max_tokens=most)
    trained_on = dataset.manifest["counts"]["pairs"] - len(pairs)
    margins = chosen - rejected
    how = f"{len(pairs)} held-out pairs of {dataset.short}"
    return keep_reward(project, model, dataset, pairs, margins, votes, trained_on, how)[0]


def _unseen(reader: Reader, model: Artifact, dataset: Artifact, held: Sequence[Pair]) -> None:
    """Raise BadInput where another dataset than its own holds prompts the model was trained on."""
    own = train.recipe(reader, model).dataset
    if own.digest == dataset.digest:
        return
    seen = {pair.prompt.messages for pair in freeze.pairs(reader, own, "train")}
    known = sum(pair.prompt.messages in seen for pair in held)
    if known:
        raise BadInput(
            f"{known} of {len(held)} held-out pairs of {dataset.short} have prompts that "
            f"{model.short} was trained on: examine it on {own.short}"
        )


def reward_out_of_fold(project: Project, model: Artifact, margins: np.ndarray) -> Artifact:
    """Record the examination of a reward model's recipe on all pairs of its dataset, each scored
    by a model of its own fold."""
    with project.reader() as reader:
        made = train.recipe(reader, model)
        dataset, folds = made.dataset, made.settings.folds
        pairs = freeze.pairs(reader, dataset)
        votes = freeze.votes(reader, dataset)
    how = f"all {len(pairs)} pairs of {dataset.short}, out of {folds} folds by prompt"
    trained_on = round(len(pairs) * (1 - 1 / folds))
    return keep_reward(project, model, dataset, pairs, margins, votes, trained_on, how)[0]


def keep_suite(project: Project, cases: SuiteCases, spec: str | None) -> Artifact:
    """Record a suite before anything is trained; the checks are named by what they expect."""
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        stored = texts.put_many(tx, prompt_words(cases.prompts))
        rows = [
            {**prompt_row(prompt, stored), "dimension": dimension, "expected": expected}
            for prompt, dimension, expected in zip(
                cases.prompts, cases.dimensions, cases.expected, strict=True
            )
        ]
        manifest = {
            "name": cases.name,
            "cases": len(rows),
            "dimensions": {
                name: cases.dimensions.count(name) for name in sorted(set(cases.dimensions))
            },
            "files": {"cases": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "suite", manifest, [spec] if spec else [])


def keep_suite_run(
    project: Project,
    kept: Artifact,
    cases: SuiteCases,
    candidate: tuple[Artifact, Sequence[Sequence[str]]],
    baseline: tuple[Artifact, Sequence[Sequence[str]]],
    harmful: str | None,
    temperature: float = 1.0,
) -> tuple[Artifact, SuiteResult]:
    """Run the suite's checks over both models' completions and record them side by side.

    `harmful` names the dimension whose failures count as harmful outputs; `temperature` is what
    the completions were drawn at.
    """
    one, other = (
        suite.run(cases.dimensions, cases.prompts, completions, cases.checks)
        for _, completions in (candidate, baseline)
    )
    compared = suite.compare(one, other)
    manifest: dict[str, Any] = {
        "type": "suite",
        "model": candidate[0].digest,
        "baseline": baseline[0].digest,
        "harmful": _failing(one, harmful).json() if harmful else None,
        "harmful_dimension": harmful,
        "temperature": temperature,
        "dimensions": {
            name: {
                "candidate": found.candidate.json(),
                "baseline": found.baseline.json(),
                "difference": found.difference.json(),
            }
            for name, found in compared.items()
        },
    }
    above = [kept.digest, candidate[0].digest, baseline[0].digest]
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        said = [*candidate[1], *baseline[1]]
        stored = texts.put_many(tx, [text for several in said for text in several])
        rows = [
            {"candidate": [stored[text] for text in a], "baseline": [stored[text] for text in b]}
            for a, b in zip(candidate[1], baseline[1], strict=True)
        ]
        # In the order of the suite's cases, so that anybody can mark them again.
        manifest["files"] = {"completions": artifacts.write_rows(tx, rows)}
        return artifacts.put(tx, "evaluation", manifest, above), one


def keep_comparison(
    project: Project, batch: Artifact, candidate: Artifact, baseline: Artifact
) -> Artifact:
    """Read a blind comparison out of an evaluation batch and record it."""
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        held = in_quarantine(tx, batch)
        rows = [
            {**row, "judgments": [j for j in row["judgments"] if j["annotator"] not in held]}
            for row in artifacts.read_rows(tx, batch, "comparisons")
        ]
        found = comparison.blind(rows, candidate.digest, baseline.digest)
        manifest = {
            "type": "compare",
            "model": candidate.digest,
            "baseline": baseline.digest,
            "win_rate": found.win_rate.json(),
            "first_shown": found.first_shown.json(),
            "conversations": found.conversations,
            "judgments": found.judgments,
            "ties": found.ties,
            **({"quarantine": held} if held else {}),
        }
        above = [batch.digest, candidate.digest, baseline.digest]
        return artifacts.put(tx, "evaluation", manifest, above)


def _failing(result: SuiteResult, dimension: str) -> Estimate:
    """The share of failures in one dimension, with the interval turned round."""
    if dimension not in result.passes:
        raise BadInput(f"the suite has no dimension {dimension!r} to count harmful outputs by")
    passed = result.rates()[dimension]
    return Estimate(1 - passed.estimate, 1 - passed.high, 1 - passed.low, passed.n)


def _ceiling(votes: Sequence[Sequence[int]], seed: int) -> float | None:
    """The accuracy these labels allow; None where too few comparisons were judged twice."""
    given = np.array(votes).reshape(-1, 3)
    found = ceiling(given[:, 0], given[:, 1], given[:, 2], rng(seed, "ceiling"), decided_only=True)
    return None if isinstance(found, NotEnough) else found.accuracy.estimate


def _report_json(report: RewardReport) -> dict[str, Any]:
    def each(found: Mapping[str, Estimate]) -> dict[str, Any]:
        return {name: estimate.json() for name, estimate in found.items()}

    def maybe(found: Estimate | None) -> dict[str, Any] | None:
        return found.json() if found is not None else None

    return {
        "accuracy": report.accuracy.json(),
        "by_dimension": each(report.by_dimension),
        "by_topic": each(report.by_topic),
        "by_source": each(report.by_source),
        "high_stakes": maybe(report.high_stakes),
        "calibration_error": report.calibration_error.json(),
        "length_correlation": report.length_correlation.json(),
        "similar_length": maybe(report.similar_length),
        "longer_wins": report.longer_wins.json(),
        "ceiling": report.ceiling,
        "pairs": report.pairs,
    }
