"""The ground: the ledger and annotation."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

DIGEST = sa.String(64)
ID = sa.String(36)


def _ledger() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("rows", DIGEST, nullable=False),
        sa.Column("previous", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
    )
    op.create_table(
        "job",
        sa.Column("id", ID),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=True),
        sa.Column("lease_until", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("result", sa.JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("key", name="uq_job_key"),
    )
    op.create_index("ix_job_state_lease_until", "job", ["state", "lease_until"])
    op.create_table(
        "text",
        sa.Column("digest", DIGEST),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_text"),
    )
    op.create_table(
        "artifact",
        sa.Column("digest", DIGEST),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_artifact_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_artifact"),
    )
    op.create_index("ix_artifact_event", "artifact", ["event"])
    op.create_index("ix_artifact_kind", "artifact", ["kind"])
    op.create_table(
        "erasure",
        sa.Column("text", DIGEST),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_erasure_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("text", name="pk_erasure"),
    )
    op.create_index("ix_erasure_event", "erasure", ["event"])
    op.create_table(
        "person",
        sa.Column("id", ID),
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_person_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("handle", name="uq_person_handle"),
    )
    op.create_index("ix_person_event", "person", ["event"])
    op.create_table(
        "proposal",
        sa.Column("id", ID),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", DIGEST, nullable=False),
        sa.Column("effect", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_proposal_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proposal"),
    )
    op.create_index("ix_proposal_event", "proposal", ["event"])
    op.create_index("ix_proposal_subject", "proposal", ["subject"])
    op.create_table(
        "artifact_parent",
        sa.Column(
            "child", DIGEST, sa.ForeignKey("artifact.digest", name="fk_artifact_parent_child")
        ),
        sa.Column(
            "parent", DIGEST, sa.ForeignKey("artifact.digest", name="fk_artifact_parent_parent")
        ),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_artifact_parent_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("child", "parent", name="pk_artifact_parent"),
    )
    op.create_index("ix_artifact_parent_event", "artifact_parent", ["event"])
    op.create_index("ix_artifact_parent_parent", "artifact_parent", ["parent"])
    op.create_table(
        "decision",
        sa.Column("proposal", ID, sa.ForeignKey("proposal.id", name="fk_decision_proposal")),
        sa.Column("person", sa.Text),
        sa.Column("approve", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_decision_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("proposal", "person", name="pk_decision"),
    )
    op.create_index("ix_decision_event", "decision", ["event"])
    op.create_table(
        "role_grant",
        sa.Column("id", ID),
        sa.Column(
            "person", ID, sa.ForeignKey("person.id", name="fk_role_grant_person"), nullable=False
        ),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_role_grant_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_role_grant"),
    )
    op.create_index("ix_role_grant_event", "role_grant", ["event"])
    op.create_index("ix_role_grant_person", "role_grant", ["person"])
    op.create_table(
        "tag_move",
        sa.Column("tag", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column(
            "digest",
            DIGEST,
            sa.ForeignKey("artifact.digest", name="fk_tag_move_digest"),
            nullable=False,
        ),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_tag_move_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("tag", "number", name="pk_tag_move"),
    )
    op.create_index("ix_tag_move_event", "tag_move", ["event"])
    op.create_table(
        "version",
        sa.Column("name", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column(
            "digest",
            DIGEST,
            sa.ForeignKey("artifact.digest", name="fk_version_digest"),
            nullable=False,
        ),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_version_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name="pk_version"),
    )
    op.create_index("ix_version_digest", "version", ["digest"])
    op.create_index("ix_version_event", "version", ["event"])


def _annotation() -> None:
    op.create_table(
        "work_session",
        sa.Column("annotator", sa.Text),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("annotator", name="pk_work_session"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", ID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_campaign_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.UniqueConstraint("name", name="uq_campaign_name"),
    )
    op.create_index("ix_campaign_event", "campaign", ["event"])
    op.create_table(
        "comparison",
        sa.Column("id", DIGEST),
        sa.Column("messages", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("a", DIGEST, nullable=False),
        sa.Column("b", DIGEST, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_comparison_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comparison"),
    )
    op.create_index("ix_comparison_event", "comparison", ["event"])
    op.create_table(
        "profile",
        sa.Column("annotator", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column("specialties", sa.JSON, nullable=False),
        sa.Column("languages", sa.JSON, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_profile_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("annotator", "number", name="pk_profile"),
    )
    op.create_index("ix_profile_event", "profile", ["event"])
    op.create_table(
        "answer",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_answer_campaign")),
        sa.Column(
            "comparison", DIGEST, sa.ForeignKey("comparison.id", name="fk_answer_comparison")
        ),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_answer_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "comparison", name="pk_answer"),
    )
    op.create_index("ix_answer_event", "answer", ["event"])
    op.create_table(
        "assignment",
        sa.Column("id", ID),
        sa.Column(
            "campaign",
            ID,
            sa.ForeignKey("campaign.id", name="fk_assignment_campaign"),
            nullable=False,
        ),
        sa.Column("comparison", DIGEST, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("first_shown", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.UniqueConstraint(
            "comparison",
            "annotator",
            "purpose",
            "round",
            name="uq_assignment_comparison_annotator_purpose_round",
        ),
    )
    op.create_index(
        "ix_assignment_leased",
        "assignment",
        ["campaign", "lease_until"],
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_assignment_own", "assignment", ["campaign", "annotator", "sequence"])
    op.create_table(
        "campaign_state",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_campaign_state_campaign")),
        sa.Column("number", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_campaign_state_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "number", name="pk_campaign_state"),
    )
    op.create_index("ix_campaign_state_event", "campaign_state", ["event"])
    op.create_table(
        "judgment",
        sa.Column("id", ID),
        sa.Column("assignment", ID, nullable=False),
        sa.Column(
            "campaign",
            ID,
            sa.ForeignKey("campaign.id", name="fk_judgment_campaign"),
            nullable=False,
        ),
        sa.Column("comparison", DIGEST, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("strength", sa.Integer, nullable=False),
        sa.Column("dimensions", sa.JSON, nullable=False),
        sa.Column("flags", sa.JSON, nullable=False),
        sa.Column("rationale", sa.Text, nullable=False),
        sa.Column("first_shown", sa.Text, nullable=False),
        sa.Column("active_ms", sa.BigInteger, nullable=False),
        sa.Column("spec", DIGEST, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("supersedes", ID, nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_judgment_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_judgment"),
        sa.UniqueConstraint("annotator", "key", name="uq_judgment_annotator_key"),
        sa.UniqueConstraint("supersedes", name="uq_judgment_supersedes"),
    )
    op.create_index("ix_judgment_assignment", "judgment", ["assignment"])
    op.create_index("ix_judgment_campaign", "judgment", ["campaign", "annotator"])
    op.create_index("ix_judgment_event", "judgment", ["event"])
    op.create_table(
        "progress",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_progress_campaign")),
        sa.Column("annotator", sa.Text),
        sa.Column("issued", sa.Integer, nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("cursors", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "annotator", name="pk_progress"),
    )
    op.create_table(
        "queue_item",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_queue_item_campaign")),
        sa.Column(
            "comparison", DIGEST, sa.ForeignKey("comparison.id", name="fk_queue_item_comparison")
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("judged", sa.Integer, nullable=False),
        sa.Column("origin", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "comparison", name="pk_queue_item"),
    )
    op.create_index(
        "ix_queue_item_open",
        "queue_item",
        ["campaign", "kind", "lane", "position"],
        sqlite_where=sa.text("taken < wanted"),
        postgresql_where=sa.text("taken < wanted"),
    )
    op.create_index("ix_queue_item_tail", "queue_item", ["campaign", "position"])
    op.create_table(
        "standing",
        sa.Column("campaign", ID, sa.ForeignKey("campaign.id", name="fk_standing_campaign")),
        sa.Column("annotator", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column(
            "event",
            sa.BigInteger,
            sa.ForeignKey("event.seq", name="fk_standing_event"),
            nullable=False,
        ),
        sa.Column("seal", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "annotator", "number", name="pk_standing"),
    )
    op.create_index("ix_standing_event", "standing", ["event"])


def upgrade() -> None:
    _ledger()
    _annotation()
