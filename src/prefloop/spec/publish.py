"""Publishing a specification: an artifact with its epoch and playbook, official by a second person.

The epoch rises with every change that is breaking, and a change is breaking unless a reason says
why not; labels of different epochs are not pooled.
"""

from dataclasses import dataclass

from prefloop.core.errors import BadInput, Conflict
from prefloop.spec.changes import changes
from prefloop.spec.model import Spec
from prefloop.spec.playbook import playbook
from prefloop.store import artifacts, names, people, proposals
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.proposals import Proposal

__all__ = ["Published", "current", "publish", "read"]


@dataclass(frozen=True, slots=True)
class Published:
    """A specification in the ledger; official once the proposal is approved."""

    artifact: Artifact
    proposal: Proposal


def publish(
    tx: Transaction,
    spec: Spec,
    name: str,
    reason: str,
    compatible: str | None = None,
) -> Published:
    """Propose `spec` as the next version of `name`.

    `compatible` is the stated reason why labels made under the version before stay comparable;
    without it the change is breaking. Raises Conflict when nothing changed.
    """
    people.require(tx, "spec.propose")
    before = current(tx, name)
    lines: list[str] = []
    if before is not None:
        lines = changes(read(before), spec)
        if not lines:
            raise Conflict(f"this is {name} as it is already published: nothing to propose")
    elif compatible:
        raise BadInput(
            f"nothing is published as {name} yet: there is nothing to be compatible with"
        )
    breaking = compatible is None
    last = before.manifest["epoch"] if before else 0
    manifest = {
        "name": name,
        "spec": spec.as_json(),
        "epoch": last + 1 if breaking else last,
        "breaking": breaking,
        "compatible_because": compatible,
        "changes": lines,
        "playbook": playbook(spec),
    }
    above = [before.digest] if before else []
    artifact = artifacts.put(tx, "spec", manifest, above)
    effect = proposals.name_version(name)
    return Published(artifact, proposals.propose(tx, "spec", artifact.digest, effect, reason))


def current(reader: Reader, name: str) -> Artifact | None:
    """The newest official version under `name`, None before the first."""
    known = names.versions(reader, name)
    return artifacts.get(reader, known[-1]) if known else None


def read(artifact: Artifact) -> Spec:
    """The specification in a spec artifact."""
    return Spec.model_validate(artifact.manifest["spec"])
