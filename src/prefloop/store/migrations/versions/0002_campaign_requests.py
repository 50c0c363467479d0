"""Campaign requests: what annotation is asked to have judged, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

DIGEST = sa.String(64)
ID = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "campaign_request",
        sa.Column("id", ID),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.Column("filter", sa.JSON, nullable=False),
        sa.Column("comparisons", sa.JSON, nullable=False),
        sa.Column("control", sa.JSON, nullable=False),
        *_seal("campaign_request"),
        sa.PrimaryKeyConstraint("id", name="pk_campaign_request"),
    )
    op.create_index("ix_campaign_request_event", "campaign_request", ["event"])
    name = "campaign_request_state"
    op.create_table(
        name,
        sa.Column("request", ID, sa.ForeignKey("campaign_request.id", name=f"fk_{name}_request")),
        sa.Column("number", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *(
            sa.Column(
                column, ID, sa.ForeignKey("campaign.id", name=f"fk_{name}_{column}"), nullable=True
            )
            for column in ("campaign", "control")
        ),
        *_seal(name),
        sa.PrimaryKeyConstraint("request", "number", name=f"pk_{name}"),
        sa.UniqueConstraint("campaign", name=f"uq_{name}_campaign"),
        sa.UniqueConstraint("control", name=f"uq_{name}_control"),
    )
    op.create_index(f"ix_{name}_event", name, ["event"])


def _seal(table: str) -> tuple[sa.Column[int], sa.Column[str]]:
    event = sa.ForeignKey("event.seq", name=f"fk_{table}_event")
    return (
        sa.Column("event", sa.BigInteger, event, nullable=False),
        sa.Column("seal", DIGEST, nullable=False),
    )
