"""The ledger's tables, and the two columns that make a table *sealed*.

A sealed row is never changed: `event` is the audit event that brought it, `seal` the digest of
all its other columns. The event carries a digest of its rows' seals, so an altered row, a
removed row and an altered event are each found and told apart.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

__all__ = [
    "api_token",
    "artifact",
    "artifact_parent",
    "credential",
    "decision",
    "erasure",
    "event",
    "identity",
    "invitation",
    "job",
    "metadata",
    "person",
    "proposal",
    "recovery_code",
    "role_grant",
    "sealed",
    "tag_move",
    "text",
    "version",
    "web_session",
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

# How people are known to the pages is working state too: secrets must be able to go. None is kept
# that can be used as it stands here: passwords by argon2id, all else by digest.
credential = sa.Table(
    "credential",
    metadata,
    sa.Column("person", ID, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("password", sa.Text, nullable=True),
    # The one-time code's secret is made of this and the project's key: neither alone gives it.
    sa.Column("factor", sa.String(64), nullable=True),
    sa.Column("factor_on", sa.Boolean, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),  # no code of it or before is taken again
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("person", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
)

web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("id", ID, nullable=False, unique=True),
    sa.Column("person", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("stage", sa.Text, nullable=False),  # password: the second factor is still missing
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("id", ID, nullable=False, unique=True),
    sa.Column("person", ID, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)

invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("id", ID, nullable=False, unique=True),
    # Somebody who is here already and sets a new password; without it, somebody new.
    sa.Column("person", ID, sa.ForeignKey("person.id"), nullable=True, index=True),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("inviter", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)

# Whom the company's own sign-in stands for; an admin says so, nobody is made by it.
identity = sa.Table(
    "identity",
    metadata,
    sa.Column("person", ID, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=True),
    sa.Column("email", sa.Text, nullable=True),
    sa.UniqueConstraint("issuer", "subject"),
    sa.UniqueConstraint("issuer", "email"),
)
