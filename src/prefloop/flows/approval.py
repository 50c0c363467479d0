"""A second person's yes, for stories in which the people are known beforehand."""

from prefloop.flows.project import Project
from prefloop.store import proposals
from prefloop.store.proposals import Proposal

__all__ = ["approve"]


def approve(second: Project, proposal: Proposal) -> None:
    """Approve as `second`'s actor; a proposal that was approved before stays so."""
    with second.transaction() as tx:
        if proposals.get(tx, proposal.id).state == "open":
            proposals.decide(tx, proposal.id, True, "looked at and agreed")
