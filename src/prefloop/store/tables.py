"""The ledger's tables, and the two columns that make a table *sealed*.

A sealed row is never changed: `event` is the audit event that brought it, `seal` the digest of
all its other columns. The event carries a digest of its rows' seals, so an altered row, a
removed row and an altered event are each found and told apart.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

__all__ = [
    "artifact",
    "artifact_parent",
    "decision",
    "erasure",
    "event",
    "job",
    "metadata",
    "person",
    "proposal",
    "role_grant",
    "sealed",
    "tag_move",
    "text",
    "version",
]

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

DIGEST = sa.String(64)
ID = sa.String(36)


def sealed(
    name: str,
    *columns: Any,
    words: Callable[[sa.Row[Any]], Iterable[str]] = lambda row: (),
    **options: Any,
) -> sa.Table:
    """A table whose rows are only ever added, each under an audit event.

    `words` says which texts a row stands on, by digest: without them it would be found incomplete.
    """
    return sa.Table(
        name,
        metadata,
        *columns,
        sa.Column("event", sa.BigInteger, sa.ForeignKey("event.seq"), nullable=False, index=True),
        sa.Column("seal", DIGEST, nullable=False),
        info={"sealed": True, "words": words},
        **options,
    )


event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # microseconds since 1970, UTC
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("rows", DIGEST, nullable=False),  # digest of the seals of the rows it brought
    sa.Column("previous", DIGEST, nullable=False),
    sa.Column("hash", DIGEST, nullable=False),
)

text = sa.Table(
    "text",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    # Bytes, not TEXT: PostgreSQL's TEXT cannot hold NUL, and people do paste it.
    sa.Column("body", sa.LargeBinary, nullable=True),
)

erasure = sealed(
    "erasure",
    sa.Column("text", DIGEST, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    words=lambda row: [row.text],
)

artifact = sealed(
    "artifact",
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("manifest", sa.JSON, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
)

artifact_parent = sealed(
    "artifact_parent",
    sa.Column("child", DIGEST, sa.ForeignKey("artifact.digest"), primary_key=True),
    sa.Column("parent", DIGEST, sa.ForeignKey("artifact.digest"), primary_key=True, index=True),
)

version = sealed(
    "version",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", DIGEST, sa.ForeignKey("artifact.digest"), nullable=False, index=True),
)

tag_move = sealed(
    "tag_move",
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", DIGEST, sa.ForeignKey("artifact.digest"), nullable=False),
)

person = sealed(
    "person",
    sa.Column("id", ID, primary_key=True),
    sa.Column("handle", sa.Text, nullable=False, unique=True),
    sa.Column("created", sa.BigInteger, nullable=False),
)

role_grant = sealed(
    "role_grant",
    sa.Column("id", ID, primary_key=True),
    sa.Column("person", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("granted", sa.Boolean, nullable=False),
)

proposal = sealed(
    "proposal",
    sa.Column("id", ID, primary_key=True),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", DIGEST, nullable=False, index=True),
    sa.Column("effect", sa.JSON, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proposer", sa.Text, nullable=False),
)

decision = sealed(
    "decision",
    sa.Column("proposal", ID, sa.ForeignKey("proposal.id"), primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("approve", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

# Jobs are working state, not record: their rows change, their outcomes are events.
job = sa.Table(
    "job",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=True),
    sa.Column("lease_until", sa.BigInteger, nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("result", sa.JSON, nullable=True),
    sa.Index("ix_job_state_lease_until", "state", "lease_until"),
)
