"""Edits: how completions should have read. Rankings: how more than two stand. Skips."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

DIGEST = sa.String(64)
ID = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "edit",
        sa.Column("id", ID),
        sa.Column("assignment", ID, nullable=False),
        sa.Column(
            "campaign",
            ID,
            sa.ForeignKey("campaign.id", name="fk_edit_campaign"),
            nullable=False,
        ),
        sa.Column("comparison", DIGEST, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("text", DIGEST, nullable=False),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("supersedes", ID, nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        *_seal("edit"),
        sa.PrimaryKeyConstraint("id", name="pk_edit"),
        sa.UniqueConstraint("annotator", "key", name="uq_edit_annotator_key"),
        sa.UniqueConstraint("supersedes", name="uq_edit_supersedes"),
    )
    for column in ("assignment", "campaign", "event"):
        op.create_index(f"ix_edit_{column}", "edit", [column])
    op.create_table(
        "slate",
        sa.Column("comparison", DIGEST, sa.ForeignKey("comparison.id", name="fk_slate_comparison")),
        sa.Column("others", sa.JSON, nullable=False),
        *_seal("slate"),
        sa.PrimaryKeyConstraint("comparison", name="pk_slate"),
    )
    op.create_index("ix_slate_event", "slate", ["event"])
    op.create_table(
        "ranking",
        sa.Column("judgment", ID, sa.ForeignKey("judgment.id", name="fk_ranking_judgment")),
        sa.Column("comparison", DIGEST, nullable=False),
        sa.Column("shown", sa.JSON, nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        *_seal("ranking"),
        sa.PrimaryKeyConstraint("judgment", name="pk_ranking"),
    )
    op.create_index("ix_ranking_event", "ranking", ["event"])
    op.create_table(
        "skip",
        sa.Column("assignment", ID),
        sa.Column(
            "campaign",
            ID,
            sa.ForeignKey("campaign.id", name="fk_skip_campaign"),
            nullable=False,
        ),
        sa.Column("comparison", DIGEST, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("why", DIGEST, nullable=False),
        *_seal("skip"),
        sa.PrimaryKeyConstraint("assignment", name="pk_skip"),
    )
    for column in ("campaign", "event"):
        op.create_index(f"ix_skip_{column}", "skip", [column])


def _seal(table: str) -> tuple[sa.Column[int], sa.Column[str]]:
    event = sa.ForeignKey("event.seq", name=f"fk_{table}_event")
    return (
        sa.Column("event", sa.BigInteger, event, nullable=False),
        sa.Column("seal", DIGEST, nullable=False),
    )
