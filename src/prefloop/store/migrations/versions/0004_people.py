"""People in the web: credentials, sessions, tokens, invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

DIGEST = sa.String(64)
ID = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "credential",
        _person("credential"),
        sa.Column("password", sa.Text, nullable=True),
        sa.Column("factor", sa.String(64), nullable=True),
        sa.Column("factor_on", sa.Boolean, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_credential"),
    )
    _secret("recovery_code")
    _secret(
        "web_session",
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        identified=True,
    )
    _secret(
        "api_token",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        identified=True,
    )
    _secret(
        "invitation",
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("inviter", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        identified=True,
        nullable=True,
    )
    op.create_table(
        "identity",
        _person("identity"),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=True),
        sa.Column("email", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("person", name="pk_identity"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_issuer_subject"),
        sa.UniqueConstraint("issuer", "email", name="uq_identity_issuer_email"),
    )


def _person(table: str, nullable: bool = False) -> sa.Column[str]:
    reference = sa.ForeignKey("person.id", name=f"fk_{table}_person")
    return sa.Column("person", ID, reference, nullable=nullable)


def _secret(
    table: str, *columns: sa.Column[object], identified: bool = False, nullable: bool = False
) -> None:
    """A table of secrets known by their digests."""
    known = [sa.Column("id", ID, nullable=False)] if identified else []
    unique = [sa.UniqueConstraint("id", name=f"uq_{table}_id")] if identified else []
    op.create_table(
        table,
        sa.Column("digest", DIGEST),
        *known,
        _person(table, nullable),
        *columns,
        sa.PrimaryKeyConstraint("digest", name=f"pk_{table}"),
        *unique,
    )
    op.create_index(f"ix_{table}_person", table, ["person"])
