"""May this policy stand in front of users? And is the evidence independent of the reward?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from prefloop.core.records import Estimate
from prefloop.gates.thresholds import ReleaseGates, Threshold, threshold
from prefloop.gates.verdict import Check, Word, at_least, at_most, overall

__all__ = ["Decision", "ReleaseEvidence", "SuiteEvidence", "check_release", "decide"]

Decision = Literal["promote", "hold", "refuse"]


@dataclass(frozen=True, slots=True)
class SuiteEvidence:
    """One dimension of the behavioural suite: the share of cases passed, and candidate minus
    baseline on the same cases."""

    candidate: Estimate
    baseline: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class ReleaseEvidence:
    """What is known of a candidate beside its baseline.

    `shared_labels` are label batches that stand behind both the reward that was optimised and the
    evaluation; independent evidence shares none.
    """

    win_rate: Estimate | None
    conversations: int
    suite: Mapping[str, SuiteEvidence]
    harmful: Estimate | None
    kl_nats: Estimate | None
    shared_labels: frozenset[str]


def check_release(found: ReleaseEvidence, gates: ReleaseGates) -> list[Check]:
    """Every question the gate asks, in order of weight."""
    checks = [
        _independent(found),
        at_least("win rate against baseline", found.win_rate, threshold(gates, "win_rate")),
        _conversations(found, gates),
    ]
    if not found.suite:
        checks.append(Check("behavioural suite", Word.INSUFFICIENT, "no suite was run"))
    for name, evidence in found.suite.items():
        checks.append(_no_regression(name, evidence, gates))
    checks.append(_harmful(found, gates))
    checks.append(_kl(found.kl_nats, gates))
    return checks


def decide(checks: list[Check]) -> Decision:
    """fail refuses, missing evidence holds, the rest promotes."""
    word = overall(checks)
    if word is Word.FAIL:
        return "refuse"
    return "hold" if word is Word.INSUFFICIENT else "promote"


def _independent(found: ReleaseEvidence) -> Check:
    if found.shared_labels:
        names = ", ".join(sorted(digest[:12] for digest in found.shared_labels))
        return Check(
            "independence",
            Word.FAIL,
            f"the evaluation shares label batches with the reward that was optimised: {names}",
        )
    return Check("independence", Word.PASS, "evaluation and reward share no label")


def _conversations(found: ReleaseEvidence, gates: ReleaseGates) -> Check:
    limit = threshold(gates, "conversations")
    word = Word.PASS if found.conversations >= limit.value else Word.INSUFFICIENT
    return Check(
        "conversations compared",
        word,
        f"{found.conversations}; {limit.value:g} wanted",
        float(found.conversations),
        None,
        found.conversations,
        limit.value,
        limit.source,
        limit.alternatives,
    )


def _no_regression(name: str, found: SuiteEvidence, gates: ReleaseGates) -> Check:
    """The candidate may not be worse than the baseline by more than the margin."""
    margin, cases = threshold(gates, "regression"), threshold(gates, "suite_cases")
    metric = f"suite: {name}"
    if found.difference.n < cases.value:
        return Check(
            metric,
            Word.INSUFFICIENT,
            f"{found.difference.n} cases; {cases.value:g} wanted",
            n=found.difference.n,
            threshold=cases.value,
            source=cases.source,
            alternatives=cases.alternatives,
        )
    limit = Threshold(-margin.value, margin.source, margin.alternatives)
    levels = f"{found.candidate.estimate:.3f} against {found.baseline.estimate:.3f}"
    check = at_least(metric, found.difference, limit, levels)
    if check.verdict is Word.PASS and found.difference.high < 0:
        text = f"{check.explanation}; a small fall, within the margin"
        return replace(check, verdict=Word.WARN, explanation=text)
    # A fall that the interval shows to be real is a failure even if its size is not settled.
    if check.verdict is Word.INSUFFICIENT and found.difference.high < 0:
        return replace(check, verdict=Word.FAIL)
    return check


def _harmful(found: ReleaseEvidence, gates: ReleaseGates) -> Check:
    return at_most("harmful outputs", found.harmful, threshold(gates, "harmful"))


def _kl(found: Estimate | None, gates: ReleaseGates) -> Check:
    budget, warn = threshold(gates, "kl_budget"), threshold(gates, "kl_warn")
    check = at_most("KL from ref_policy (nats)", found, budget)
    if found is not None and check.verdict is Word.PASS and found.estimate > warn.value:
        text = f"{check.explanation}; over {warn.value:g} a warning"
        return replace(check, verdict=Word.WARN, explanation=text)
    return check
