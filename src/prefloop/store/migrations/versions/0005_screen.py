"""The comparison screen: drafts, and attention while judging."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("assignment", ID, sa.ForeignKey("assignment.id", name="fk_draft_assignment")),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("saved", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("assignment", name="pk_draft"),
    )
    op.create_table(
        "attention",
        sa.Column("judgment", ID, sa.ForeignKey("judgment.id", name="fk_attention_judgment")),
        sa.Column("focus_losses", sa.Integer, nullable=False),
        sa.Column("away_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("judgment", name="pk_attention"),
    )
