"""How well people agree on a batch or in a campaign: overall, and wherever one would look next.

Judgments of different epochs are different sections, never one number: across a breaking change of
the specification the same words ask for something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefloop.annotation import truth
from prefloop.annotation.labels import Labels, are_labels, of_rows
from prefloop.annotation.labels import read as read_labels
from prefloop.annotation.quality.agreement import Agreement, agreement, measure, said
from prefloop.annotation.quality.pairs import Pair, pairs
from prefloop.annotation.quality.weeks import Reached, Trend, Week, reached, trend, weekly
from prefloop.annotation.quality.work import Part, Work, followers, parts, pick
from prefloop.core.records import Estimate
from prefloop.gates.agreement import check_agreement
from prefloop.gates.thresholds import AgreementGates
from prefloop.gates.verdict import Check
from prefloop.stats import NotEnough
from prefloop.stats.with_others import WithOthers, with_others
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["Kappas", "Report", "Scored", "Section", "overall", "report"]


@dataclass(frozen=True, slots=True)
class Kappas:
    """What a gate asks of a label batch: kappa overall and on each dimension."""

    kappa: Estimate | NotEnough
    dimensions: Mapping[str, Estimate | NotEnough]


@dataclass(frozen=True, slots=True)
class Scored:
    """Agreement on one dimension and the target for it."""

    agreement: Agreement
    objective: bool
    target: float
    reached: Reached

    def json(self) -> dict[str, Any]:
        about = {"objective": self.objective, "target": self.target, "reached": self.reached}
        return {**self.agreement.json(), **about}


@dataclass(frozen=True, slots=True)
class Section:
    """The judgments of one epoch, which may be counted together."""

    epoch: int
    specs: Sequence[str]  # names
    overall: Agreement
    target: Check
    dimensions: Mapping[str, Scored]
    versions: Mapping[str, Agreement]  # by specification, where several share the epoch
    topics: Mapping[str, Agreement]
    weeks: Sequence[Week]
    trend: Trend
    annotators: Mapping[str, WithOthers | NotEnough]
    pairs: Sequence[Pair]
    truth: truth.Truth

    def json(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "specifications": list(self.specs),
            "overall": self.overall.json(),
            "target": self.target.json(),
            "dimensions": {name: one.json() for name, one in self.dimensions.items()},
            "versions": {name: one.json() for name, one in self.versions.items()},
            "topics": {name: one.json() for name, one in self.topics.items()},
            "weeks": [week.json() for week in self.weeks],
            "trend": self.trend.json(),
            "annotators": {name: _beside(one) for name, one in self.annotators.items()},
            "pairs": [pair.json() for pair in self.pairs],
            "truth": truth.as_json(self.truth),
        }

    def lines(self) -> list[str]:
        """The first figures as sentences."""
        found = self.overall
        said_of = [
            f"{found.judgments} judgments; {found.overlapping} comparisons judged by several",
            f"raw agreement: {said(found.percent)}",
            f"Cohen's kappa, all pairs of annotators: {said(found.kappa)}",
            f"Krippendorff's alpha: {said(found.alpha)}",
            f"level votes: {said(found.split)}",
            f"target: {self.target.verdict.value}, {self.target.explanation}",
        ]
        if found.caveat:
            said_of.append(f"the intervals of kappa are not to be trusted: {found.caveat}")
        if self.weeks:
            running = self.trend
            if running.not_met:
                weeks = "week" if running.not_met == 1 else "weeks"
                said_of.append(
                    f"the target was not shown to be met for {running.not_met} {weeks} running, "
                    f"surely missed in {running.missed} of them"
                )
            said_of.append(f"{'ESCALATE: ' if running.escalate else ''}{running.why}")
        return said_of + truth.lines(self.truth)


@dataclass(frozen=True, slots=True)
class Report:
    """One section per epoch, oldest first."""

    name: str
    sections: Sequence[Section]

    def json(self) -> dict[str, Any]:
        return {"of": self.name, "sections": [one.json() for one in self.sections]}


def overall(reader: Reader, batch: Artifact, seed: int) -> Kappas:
    """Kappa of a label batch, overall and by dimension, and nothing else."""
    if are_labels(batch):
        found = read_labels(reader, batch)
        return Kappas(agreement(found.item, found.annotator, found.label, seed)[0], {})
    rows = artifacts.read_rows(reader, batch, "comparisons")
    names: Sequence[str] = batch.manifest["dimensions"]

    def kappa(dimension: str | None) -> Estimate | NotEnough:
        one = of_rows(rows, dimension)
        return agreement(one.item, one.annotator, one.label, seed)[0]

    return Kappas(kappa(None), {name: kappa(name) for name in names})


def report(work: Work, gates: AgreementGates, seed: int) -> Report:
    """Everything about the agreement in a batch or campaign."""
    return Report(work.name, [_section(work, part, gates, seed) for part in parts(work)])


def _section(work: Work, part: Part, gates: AgreementGates, seed: int) -> Section:
    labels, epoch = part.labels, part.epoch
    found = measure(labels, seed, epoch)
    known = None if isinstance(found.kappa, NotEnough) else found.kappa
    weeks = weekly(labels, gates.kappa_open, seed)
    others = with_others(labels.item, labels.annotator, labels.label)
    return Section(
        epoch,
        [work.specs[digest].name for digest in part.specs],
        found,
        check_agreement("agreement", known, gates),
        _dimensions(work, part, gates, seed),
        _versions(work, part, seed),
        _topics(part, seed),
        weeks,
        trend(weeks, gates),
        dict(sorted((labels.annotators[code], one) for code, one in others.items())),
        pairs(labels, seed),
        _truth(labels, seed),
    )


def _truth(labels: Labels, seed: int) -> truth.Truth:
    """The vote beside a model of errors, which is one of categories: on a scale of numbers it would
    take 80 instead of 81 for as wrong as 0."""
    if labels.categories is not None and labels.scale in ("interval", "ratio"):
        none = NotEnough(f"labels measure on a scale ({labels.scale}): error rates need categories")
        return truth.Truth(none, none, none)
    return truth.compared(labels, seed)


def _dimensions(work: Work, part: Part, gates: AgreementGates, seed: int) -> dict[str, Scored]:
    if part.rows is None:
        return {}
    right = frozenset(name for one in part.specs for name in work.specs[one].objective)
    scored = {}
    for name in work.dimensions:
        found = measure(of_rows(part.rows, name), seed, part.epoch, name)
        target = gates.kappa_objective if name in right else gates.kappa_open
        scored[name] = Scored(found, name in right, target, reached(found.kappa, target))
    return scored


def _versions(work: Work, part: Part, seed: int) -> dict[str, Agreement]:
    if part.rows is None or len(part.specs) < 2:
        return {}
    return {
        work.specs[one].name: measure(of_rows(followers(part.rows, [one])), seed, "version", one)
        for one in part.specs
    }


def _topics(part: Part, seed: int) -> dict[str, Agreement]:
    labels = part.labels
    topics = np.array(labels.topics, dtype=object)
    names = sorted({name for name in labels.topics if name})
    return {
        name: measure(pick(labels, (topics == name)[labels.item]), seed, part.epoch, "topic", name)
        for name in names
    }


def _beside(found: WithOthers | NotEnough) -> dict[str, Any]:
    if isinstance(found, NotEnough):
        return found.json()
    return {"percent": found.percent.json(), "kappa": found.kappa.json()}
