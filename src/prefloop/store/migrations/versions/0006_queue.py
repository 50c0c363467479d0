"""The queue: priority, spot checks, sessions that count, and the indexes that keep it fast."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

DIGEST = sa.String(64)
ID = sa.String(36)


def upgrade() -> None:
    _priority()
    op.add_column("queue_item", sa.Column("rank", sa.BigInteger, nullable=True))
    for name in ("check_due", "unchecked"):
        op.add_column("queue_item", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("work_session", sa.Column("done", sa.Integer, nullable=False, server_default="0"))
    _high_stakes()
    open_, held = "taken < wanted", "state = 'leased'"
    due = "unchecked = 1 AND judged > 0"
    for name, table, columns, where in (
        ("ranked", "queue_item", ["campaign", "lane", "rank"], f"rank IS NOT NULL AND {open_}"),
        ("check", "queue_item", ["campaign", "check_due", "position"], due),
        ("held", "assignment", ["campaign", "annotator", "lease_until"], held),
    ):
        op.create_index(
            f"ix_{table}_{name}",
            table,
            columns,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _priority() -> None:
    op.create_table(
        "priority",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_priority_campaign")),
        sa.Column("number", sa.Integer),
        sa.Column("part", sa.Integer),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("scores", sa.JSON, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_priority_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "number", "part", name="pk_priority"),
    )
    op.create_index("ix_priority_event", "priority", ["event"])


def _high_stakes() -> None:
    """What is in a queue already is not drawn after the fact, but high stakes are all checked."""
    op.execute(
        """
        UPDATE queue_item SET check_due = 2, unchecked = 1 WHERE kind = 'work' AND comparison IN
            (SELECT id FROM comparison WHERE CAST(facts AS TEXT) LIKE '%"high_stakes": true%')
        """
    )
    op.execute(
        """
        UPDATE queue_item SET unchecked = 0 WHERE check_due > 0 AND comparison IN
            (SELECT comparison FROM assignment
             WHERE purpose = 'spot check' AND state IN ('leased', 'judged'))
        """
    )
