"""Trust: improvement plans, pauses, mended specifications, declared groups."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

DIGEST = sa.String(64)
ID = sa.String(36)


def upgrade() -> None:
    _sealed(
        "campaign_spec",
        _campaign("campaign_spec"),
        sa.Column("number", sa.Integer),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "number", name="pk_campaign_spec"),
    )
    _sealed(
        "agreement_pause",
        _campaign("agreement_pause"),
        sa.Column("number", sa.Integer),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "number", name="pk_agreement_pause"),
    )
    _sealed(
        "improvement_plan",
        sa.Column("id", ID),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("goals", sa.JSON, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("supersedes", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_improvement_plan"),
        sa.UniqueConstraint("supersedes", name="uq_improvement_plan_supersedes"),
    )
    op.create_index("ix_improvement_plan_annotator", "improvement_plan", ["annotator"])
    op.create_table(
        "declared_group",
        sa.Column("annotator", sa.Text),
        sa.Column("attribute", sa.Text),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("annotator", "attribute", name="pk_declared_group"),
    )


def _sealed(name: str, *parts: Any) -> None:
    event = sa.ForeignKey("event.seq", name=f"fk_{name}_event")
    op.create_table(
        name,
        *parts,
        sa.Column("event", sa.BigInteger, event, nullable=False),
        sa.Column("seal", DIGEST, nullable=False),
    )
    op.create_index(f"ix_{name}_event", name, ["event"])


def _campaign(table: str) -> sa.Column[str]:
    return sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name=f"fk_{table}_campaign"))
