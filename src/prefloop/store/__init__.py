"""The ledger: engine and transaction with its audit event, artifacts and blobs, tags, people and
roles, proposals, jobs, migrations.

    with ledger.transaction("ana") as tx:          # one commit, one audit event per change
        artifact = artifacts.put(tx, "spec", manifest, parents=())
        names.adopt(...)                            # only through an approved proposal
"""

from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Ledger, Reader, Transaction

__all__ = ["Artifact", "Ledger", "Reader", "Transaction"]
