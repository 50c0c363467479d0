"""Annotation's tables. Sealed: what was shown, decided and judged. Working state: the queue.

An assignment is (comparison, annotator, purpose, round), and that is unique across campaigns.
`wanted`, `taken` and `judged` on a queue item are what keeps the overlap exact: a lease takes a
place, an expired or returned lease gives it back.
"""

import sqlalchemy as sa

from prefloop.store.tables import DIGEST, ID, metadata, sealed

__all__ = [
    "answer",
    "assignment",
    "campaign",
    "campaign_request",
    "campaign_request_state",
    "campaign_state",
    "comparison",
    "judgment",
    "profile",
    "progress",
    "queue_item",
    "standing",
    "work_session",
]

comparison = sealed(
    "comparison",
    sa.Column("id", DIGEST, primary_key=True),
    sa.Column("messages", sa.JSON, nullable=False),  # [{role, text digest}]
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("a", DIGEST, nullable=False),
    sa.Column("b", DIGEST, nullable=False),
    words=lambda row: [row.a, row.b, *(message["text"] for message in row.messages)],
)

campaign = sealed(
    "campaign",
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("parents", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

campaign_state = sealed(
    "campaign_state",
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # open, paused, closed
    sa.Column("reason", sa.Text, nullable=False),
)

campaign_request = sealed(
    "campaign_request",
    sa.Column("id", ID, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),  # relabel, evaluation, live
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),  # digests, the label batch first
    sa.Column("filter", sa.JSON, nullable=False),
    sa.Column("comparisons", sa.JSON, nullable=False),  # exactly these ids
    sa.Column("control", sa.JSON, nullable=False),
)

campaign_request_state = sealed(
    "campaign_request_state",  # a request without a row here is open
    sa.Column("request", ID, sa.ForeignKey("campaign_request.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # taken up, declined
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), nullable=True, unique=True),
    sa.Column("control", ID, sa.ForeignKey("campaign.id"), nullable=True, unique=True),
)

answer = sealed(
    "answer",  # what an expert says of a gold or anchor item
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("comparison", DIGEST, sa.ForeignKey("comparison.id"), primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
)

profile = sealed(
    "profile",
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("specialties", sa.JSON, nullable=False),
    sa.Column("languages", sa.JSON, nullable=False),
)

standing = sealed(
    "standing",
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),  # cleared, locked, retraining, excluded
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
)

judgment = sealed(
    "judgment",
    sa.Column("id", ID, primary_key=True),
    sa.Column("assignment", ID, nullable=False, index=True),
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("comparison", DIGEST, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("strength", sa.Integer, nullable=False),
    sa.Column("dimensions", sa.JSON, nullable=False),
    sa.Column("flags", sa.JSON, nullable=False),
    sa.Column("rationale", sa.Text, nullable=False),  # digest of an erasable text, or empty
    sa.Column("first_shown", sa.Text, nullable=False),
    sa.Column("active_ms", sa.BigInteger, nullable=False),
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("supersedes", ID, nullable=True, unique=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("annotator", "key"),
    sa.Index("ix_judgment_campaign", "campaign", "annotator"),
    words=lambda row: [row.rationale] if row.rationale else [],
)

queue_item = sa.Table(
    "queue_item",
    metadata,
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("comparison", DIGEST, sa.ForeignKey("comparison.id"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # work, gold, anchor
    sa.Column("lane", sa.Text, nullable=False),  # language/specialty
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.Column("judged", sa.Integer, nullable=False),
    # Which model wrote a and b here; the same two texts may come from others elsewhere. It leaves
    # this table only when the campaign is closed.
    sa.Column("origin", sa.JSON, nullable=False),
    # Only places still free are in the index: a claim is one seek however long the queue is.
    sa.Index(
        "ix_queue_item_open",
        "campaign",
        "kind",
        "lane",
        "position",
        sqlite_where=sa.text("taken < wanted"),
        postgresql_where=sa.text("taken < wanted"),
    ),
    sa.Index("ix_queue_item_tail", "campaign", "position"),
)

assignment = sa.Table(
    "assignment",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("comparison", DIGEST, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),  # the how-manieth of this annotator
    sa.Column("first_shown", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # leased, judged, expired, returned
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("comparison", "annotator", "purpose", "round"),
    sa.Index("ix_assignment_own", "campaign", "annotator", "sequence"),
    sa.Index(
        "ix_assignment_leased",
        "campaign",
        "lease_until",
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    ),
)

progress = sa.Table(
    "progress",  # where an annotator is in a campaign's queue
    metadata,
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("issued", sa.Integer, nullable=False),
    sa.Column("repeated", sa.Integer, nullable=False),  # sequence of the last duplicated one
    sa.Column("cursors", sa.JSON, nullable=False),  # {lane: last position seen}
)

work_session = sa.Table(
    "work_session",
    metadata,
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
)
