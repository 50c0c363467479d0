"""Evidence out of the ledger, through a gate, and its result back in."""

from collections.abc import Iterable
from typing import Any

from prefloop.annotation import quality
from prefloop.core.errors import BadInput, GateClosed
from prefloop.core.records import Estimate
from prefloop.datasets import freeze
from prefloop.flows.project import Project
from prefloop.gates.agreement import check_agreement
from prefloop.gates.preferences import check_preferences
from prefloop.gates.release import ReleaseEvidence, SuiteEvidence, check_release, decide
from prefloop.gates.reward_model import RewardEvidence, check_reward_model
from prefloop.gates.verdict import Check, overall, summary
from prefloop.release import decision
from prefloop.stats import NotEnough
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = [
    "before_dpo",
    "before_policy",
    "before_release",
    "is_open",
    "kl_of",
    "label_batches",
    "require_about",
    "require_open",
]


def before_policy(project: Project, examination: Artifact) -> Artifact:
    """May this reward model guide a policy? Reads its examination, records the gate's word."""
    found = _evaluation(examination, "reward")
    dimensions = {name: _estimate(e) for name, e in found["by_dimension"].items()}
    if found["high_stakes"] is not None:
        dimensions["high-stakes prompts"] = _estimate(found["high_stakes"])
    evidence = RewardEvidence(
        accuracy=_estimate(found["accuracy"]),
        dimensions=dimensions,
        ceiling=found["ceiling"],
        pairs=found["trained_on"],
        calibration_error=_estimate(found["calibration_error"]),
        length_correlation=_estimate(found["length_correlation"]),
    )
    with project.reader() as reader:
        behind = label_batches(reader, examination.digest)
    checks = check_reward_model(evidence, project.gates.reward) + _agreement(project, behind)
    return _record(project, "policy", found["model"], checks, [examination])


def before_dpo(project: Project, dataset: Artifact) -> Artifact:
    """May these preference pairs move a policy without a reward model between them? Looks at the
    labels they were frozen from, at their number and at what is held out."""
    with project.reader() as reader:
        kept = len(freeze.pairs(reader, dataset, "train"))
        held_out = len(freeze.pairs(reader, dataset, "held_out"))
        above = [artifacts.get(reader, name) for name in dataset.parents]
    batches = [one.digest for one in above if one.kind == "label_batch"]
    checks = check_preferences(kept, held_out, project.gates.reward)
    checks += _agreement(project, batches)
    return _record(project, "policy", dataset.digest, checks, [dataset])


def _agreement(project: Project, batches: Iterable[str]) -> list[Check]:
    """How far the people agree who made these label batches, batch by batch."""
    checks = []
    with project.reader() as reader:
        for name in sorted(batches):
            batch = artifacts.get(reader, name)
            found = quality.overall(reader, batch, project.settings.seed)
            campaign = batch.manifest["campaign"]
            checks.append(_agreement_check(f"agreement, {campaign}", found.kappa, project))
            for one in _objective(reader, batch):
                kappa = found.dimensions[one]
                metric = f"agreement on {one}, {campaign}"
                checks.append(_agreement_check(metric, kappa, project, objective=True))
    return checks


def _agreement_check(
    metric: str, kappa: Estimate | NotEnough, project: Project, objective: bool = False
) -> Check:
    known = None if isinstance(kappa, NotEnough) else kappa
    return check_agreement(metric, known, project.gates.agreement, objective=objective)


def _objective(reader: Reader, batch: Artifact) -> list[str]:
    """Dimensions on which two careful people must agree, by the specification they followed."""
    if batch.manifest["spec"] is None:
        return []
    spec = artifacts.get(reader, batch.manifest["spec"]).manifest["spec"]
    return [one["name"] for one in spec["dimensions"] if one.get("objective")]


def before_release(
    project: Project,
    candidate: Artifact,
    comparison: Artifact,
    suite: Artifact,
    kl_nats: Estimate | None,
) -> tuple[Artifact, decision.Recorded]:
    """May this policy stand before users? Records the gate's word and the decision."""
    blind = _evaluation(comparison, "compare")
    passed = _evaluation(suite, "suite")
    _same_question(candidate, blind, passed)
    with project.reader() as reader:
        rewarded = label_batches(reader, candidate.digest)
        judged = _judged_by(reader, comparison) | _judged_by(reader, suite)
    evidence = ReleaseEvidence(
        win_rate=_estimate(blind["win_rate"]),
        conversations=blind["conversations"],
        suite={
            name: SuiteEvidence(
                *(_estimate(e[key]) for key in ("candidate", "baseline", "difference"))
            )
            for name, e in passed["dimensions"].items()
        },
        harmful=_estimate(passed["harmful"]) if passed["harmful"] else None,
        kl_nats=kl_nats,
        shared_labels=frozenset(rewarded & judged),
    )
    checks = check_release(evidence, project.gates.release)
    gate = _record(project, "release", candidate.digest, checks, [comparison, suite])
    reasons = [f"{c.metric}: {c.explanation}" for c in checks if c.verdict.value != "pass"]
    with project.transaction() as tx:
        return gate, decision.record(tx, candidate.digest, gate, decide(checks), reasons)


def is_open(gate: Artifact) -> bool:
    """Whether this gate_result lets work go on."""
    return gate.manifest["verdict"] in ("pass", "warn")


def require_about(gate: Artifact, reward: Artifact) -> None:
    """Raise BadInput unless this gate_result is about this reward model."""
    if gate.manifest.get("subject") != reward.digest:
        raise BadInput(f"gate {gate.short} did not look at reward model {reward.short}: check it")


def require_open(gate: Artifact) -> None:
    """Raise GateClosed unless this gate_result lets work go on."""
    if not is_open(gate):
        raise GateClosed(f"gate {gate.short}: {gate.manifest['explanation']}")


def kl_of(policy: Artifact) -> Estimate | None:
    """How far a policy is from its source, as measured; else how far it may be by its making."""
    measured = policy.manifest.get("kl_nats")
    if measured is not None:
        return _estimate(measured)
    bound = policy.manifest.get("kl_bound")
    return Estimate(bound, 0.0, bound, 1) if bound is not None else None


def label_batches(reader: Reader, *digests: str) -> set[str]:
    """Every label batch behind these artifacts."""
    found = {name for digest in digests for name in artifacts.ancestors(reader, digest)}
    return {name for name in found if artifacts.get(reader, name).kind == "label_batch"}


def _judged_by(reader: Reader, evaluation: Artifact) -> set[str]:
    """Label batches that did the judging: every one behind the evaluation that is not there only
    because it stands behind a model that was judged."""
    found, frontier = set[str](), list(evaluation.parents)
    while frontier:
        one = artifacts.get(reader, frontier.pop())
        if one.kind == "label_batch":
            found.add(one.digest)
        if one.kind != "model":
            frontier += one.parents
    return found


def _same_question(candidate: Artifact, blind: dict[str, Any], passed: dict[str, Any]) -> None:
    """Good evidence about another model, or against another baseline, is no evidence."""
    if {blind["model"], passed["model"]} != {candidate.digest}:
        raise BadInput(f"the comparison and the suite run are not both of {candidate.short}")
    if blind["baseline"] != passed["baseline"]:
        raise BadInput("the comparison and the suite run have different baselines: run one anew")


def _evaluation(artifact: Artifact, wanted: str) -> dict[str, Any]:
    if artifact.kind != "evaluation" or artifact.manifest.get("type") != wanted:
        have = artifact.manifest.get("type", artifact.kind)
        raise BadInput(f"{artifact.short} is a {have}; an evaluation of type {wanted} is needed")
    return artifact.manifest


def _estimate(value: dict[str, Any]) -> Estimate:
    return Estimate(value["estimate"], value["low"], value["high"], value["n"])


def _record(
    project: Project, stage: str, subject: str, checks: list[Check], evidence: list[Artifact]
) -> Artifact:
    verdict = overall(checks).value
    manifest = {
        "stage": stage,
        "subject": subject,
        "verdict": verdict,
        "explanation": summary(checks),
        "checks": [check.json() for check in checks],
        "thresholds": _thresholds(project, stage),
    }
    with project.transaction() as tx:
        people.require(tx, "gate.check")
        above = [one.digest for one in evidence]
        return artifacts.put(tx, "gate_result", manifest, above, verdict)


def _thresholds(project: Project, stage: str) -> dict[str, Any]:
    gates = project.gates
    if stage == "release":
        return gates.release.model_dump(mode="json")
    return {**gates.reward.model_dump(mode="json"), **gates.agreement.model_dump(mode="json")}
