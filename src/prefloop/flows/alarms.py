"""Alarms as judgments arrive, and what would change without the people they name.

found = alarms.over_batch(project, batch)        # an evaluation of type "alarms"
found = alarms.over_campaign(project, "july")    # the same, while people still judge
alarms.set_aside(project, found, ["dan"], "...") # a proposal; a second person approves it
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prefloop.annotation import alarms, batches, campaigns, queries
from prefloop.annotation.alarms import Alarms
from prefloop.annotation.evidence import evidence, of_labels, texts_of
from prefloop.annotation.labels import Labels, are_labels, read
from prefloop.core.digest import digest
from prefloop.core.errors import BadInput, NotFound
from prefloop.flows import left_out, quality
from prefloop.flows.project import Project
from prefloop.store import artifacts, names, people, proposals, quarantine, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.proposals import Proposal
from prefloop.store.quarantine import Held

__all__ = [
    "close",
    "held",
    "latest",
    "lift",
    "over",
    "over_batch",
    "over_campaign",
    "set_aside",
    "stopped",
]

_RECENT = 200  # evaluations among which the latest alarms are looked for

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
        seed = project.settings.seed
        if are_labels(batch):
            found = _over_labels(read(tx, batch), seed, rate)
        else:
            rows = artifacts.read_rows(tx, batch, "comparisons")
            found = _over_rows(tx, rows, batch.manifest["tie_break"], seed, rate)
        return _keep(tx, *found, batch.digest, [batch.digest], {})


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
        found = _over_rows(tx, rows, rules, project.settings.seed, rate)
        kept = _keep(tx, *found, name, campaign.parents, about)
    quality.check(project, [name])  # who looks at the people looks at their agreement too
    return kept


def latest(reader: Reader, name: str) -> Artifact | None:
    """The newest alarms about a campaign or the batch it became; None where there are none among
    the newest evaluations."""
    for one in artifacts.listing(reader, "evaluation", _RECENT):
        if one.manifest.get("type") != "alarms":
            continue
        scope = one.manifest["scope"]
        if scope == name:
            return one
        if scope in one.parents and artifacts.get(reader, scope).manifest["campaign"] == name:
            return one
    return None


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


def stopped(reader: Reader, found: Artifact) -> str:
    """Why the campaign that these alarms are about is paused; "" where it is not."""
    scope = _scope(found)
    if any(scope == above for above in found.parents):
        return ""
    state = queries.campaign_state(reader, campaigns.get(reader, scope).id)
    return str(state.reason) if state.state == "paused" else ""


def _keep(
    tx: Transaction,
    found: Alarms,
    without: Callable[[set[str]], dict[str, Any]],
    scope: str,
    above: Sequence[str],
    about: Mapping[str, Any],
) -> Artifact:
    named = {one.annotator for one in found.alarms}
    manifest = {
        "type": "alarms",
        "scope": scope,
        **about,
        **alarms.as_json(found),
        **({"without": without(named)} if named else {}),
    }
    return artifacts.put(tx, "evaluation", manifest, above)


def _over_rows(
    tx: Transaction, rows: Rows, rules: Sequence[str], seed: int, rate: float
) -> tuple[Alarms, Callable[[set[str]], dict[str, Any]]]:
    """The alarms, and what would change without the people they name."""
    found = alarms.look(evidence(rows, texts.get_many(tx, texts_of(rows))), rate)
    return found, lambda named: left_out.from_rows(rows, rules, named, seed)


def _over_labels(
    labels: Labels, seed: int, rate: float
) -> tuple[Alarms, Callable[[set[str]], dict[str, Any]]]:
    found = alarms.look(of_labels(labels), rate)
    return found, lambda named: left_out.from_labels(labels, named, seed)


def _scope(found: Artifact) -> str:
    if found.kind != "evaluation" or found.manifest.get("type") != "alarms":
        raise BadInput(f"{found.short} holds no alarms: prefloop quality alarms makes some")
    return str(found.manifest["scope"])


def _propose(project: Project, found: Artifact, effect: dict[str, Any], reason: str) -> Proposal:
    if not reason.strip():
        raise BadInput("a quarantine, and the end of one, needs a reason: say why")
    with project.transaction() as tx:
        return proposals.propose(tx, "quarantine", found.digest, effect, reason.strip())
