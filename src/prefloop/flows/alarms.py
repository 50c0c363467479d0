"""Alarms as judgments arrive, and what would change without the people they name.

found = alarms.over_batch(project, batch)        # an evaluation of type "alarms"
found = alarms.over_campaign(project, "july")    # the same, while people still judge
alarms.set_aside(project, found, ["dan"], "...") # a proposal; a second person approves it
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from prefloop.annotation import alarms, batches, campaigns, quality
from prefloop.annotation.evidence import texts_of
from prefloop.core.digest import digest
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Verdict
from prefloop.datasets.aggregate import aggregate, counted
from prefloop.flows.project import Project
from prefloop.stats import NotEnough
from prefloop.store import artifacts, names, people, proposals, quarantine, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.proposals import Proposal
from prefloop.store.quarantine import Held

__all__ = ["close", "held", "lift", "over", "over_batch", "over_campaign", "set_aside", "without"]

Rows = Sequence[Mapping[str, Any]]


def close(project: Project, name: str, notes: str = "") -> tuple[Artifact, Artifact]:
    """Close a campaign into its label batch, and look at the batch."""
    with project.transaction() as tx:
        batch = batches.close(tx, campaigns.get(tx, name), notes)
    return batch, over_batch(project, batch)


def over(project: Project, reference: str, rate: float = alarms.RATE) -> Artifact:
    """Alarms over a label batch, or over the campaign of that name as it stands."""
    with project.reader() as reader:
        try:
            batch = names.resolve(reader, reference, "label_batch")
        except NotFound:
            try:
                campaigns.get(reader, reference)
            except NotFound as error:
                raise NotFound(f"no label batch and no campaign is called {reference!r}") from error
            batch = None
    if batch is None:
        return over_campaign(project, reference, rate)
    return over_batch(project, batch, rate)


def over_batch(project: Project, batch: Artifact, rate: float = alarms.RATE) -> Artifact:
    """Run every detector on a batch and record what they say: an evaluation of type "alarms"."""
    if batch.kind != "label_batch":
        raise BadInput(f"{batch.short} is a {batch.kind}: alarms are about label batches")
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        rows = artifacts.read_rows(tx, batch, "comparisons")
        rules = batch.manifest["tie_break"]
        return _keep(tx, project, rows, rules, batch.digest, [batch.digest], rate, {})


def over_campaign(project: Project, name: str, rate: float = alarms.RATE) -> Artifact:
    """The same for a campaign as it stands, open or closed. Raises BadInput before the first
    judgment."""
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        campaign = campaigns.get(tx, name)
        rows = batches.so_far(tx, campaign)
        if not rows:
            raise BadInput(f"campaign {name} has no judgments yet: there is nothing to look at")
        spec = artifacts.get(tx, campaign.spec).manifest["spec"]
        rules = [rule["by"] for rule in spec["tie_break"]]
        # Live judgments are no artifact: their digest says which ones were looked at.
        about = {"live": digest([[row["comparison"], row["judgments"]] for row in rows])}
        return _keep(tx, project, rows, rules, name, campaign.parents, rate, about)


def set_aside(
    project: Project, found: Artifact, annotators: Sequence[str], reason: str
) -> Proposal:
    """Propose that judgments of people these alarms name are left out, until that is lifted."""
    return _propose(project, found, quarantine.set_aside(annotators, _scope(found)), reason)


def lift(project: Project, found: Artifact, annotators: Sequence[str], reason: str) -> Proposal:
    """Propose that they count again."""
    return _propose(project, found, quarantine.lift(annotators, _scope(found)), reason)


def held(reader: Reader, found: Artifact) -> dict[str, Held]:
    """Who is in quarantine now in what these alarms are about."""
    scope = _scope(found)
    if any(scope == above for above in found.parents):  # a batch: its campaign's word holds too
        return quarantine.held(reader, [scope, artifacts.get(reader, scope).manifest["campaign"]])
    return quarantine.held(reader, [scope])


def without(
    rows: Rows, rules: Sequence[str], left_out: Collection[str], seed: int
) -> dict[str, Any]:
    """Agreement and labels with everybody, and without these people.

    Labels are the majority's, by the batch's tie-break rules; where the shorter one would decide,
    the label is a tie here.
    """
    kept = [
        {**row, "judgments": [one for one in row["judgments"] if one["annotator"] not in left_out]}
        for row in rows
    ]
    turned: Counter[str] = Counter()
    for row in rows:
        before = counted(row["judgments"], ())
        after = counted(row["judgments"], left_out)
        if before and len(after) < len(before):
            turned["touched"] += 1
            turned[_change(before, after, rules)] += 1
    return {
        "annotators": sorted(left_out),
        "judgments_left_out": sum(len(r["judgments"]) for r in rows)
        - sum(len(r["judgments"]) for r in kept),
        "agreement": {"with": _kappa(rows, seed), "without": _kappa(kept, seed)},
        "labels": {name: turned[name] for name in ("touched", "same", "turned", "other", "lost")},
    }


def _keep(
    tx: Transaction,
    project: Project,
    rows: Rows,
    rules: Sequence[str],
    scope: str,
    above: Sequence[str],
    rate: float,
    about: Mapping[str, Any],
) -> Artifact:
    found = alarms.look(rows, texts.get_many(tx, texts_of(rows)), rate)
    named = {one.annotator for one in found.alarms}
    manifest = {
        "type": "alarms",
        "scope": scope,
        **about,
        **alarms.as_json(found),
        **({"without": without(rows, rules, named, project.settings.seed)} if named else {}),
    }
    return artifacts.put(tx, "evaluation", manifest, above)


def _change(before: Any, after: Any, rules: Sequence[str]) -> str:
    if not after:
        return "lost"
    one, other = aggregate(before, rules).verdict, aggregate(after, rules).verdict
    if one == other:
        return "same"
    return "turned" if {one, other} == {Verdict.A, Verdict.B} else "other"


def _kappa(rows: Rows, seed: int) -> dict[str, Any]:
    items, annotators, labels = quality.long_format(rows)
    if len(items) == 0:
        return NotEnough("no judgments are left").json()
    return quality.agreement(items, annotators, labels, seed)[0].json()


def _scope(found: Artifact) -> str:
    if found.kind != "evaluation" or found.manifest.get("type") != "alarms":
        raise BadInput(f"{found.short} holds no alarms: prefloop quality alarms makes some")
    return str(found.manifest["scope"])


def _propose(project: Project, found: Artifact, effect: dict[str, Any], reason: str) -> Proposal:
    if not reason.strip():
        raise BadInput("a quarantine, and the end of one, needs a reason: say why")
    with project.transaction() as tx:
        return proposals.propose(tx, "quarantine", found.digest, effect, reason.strip())
