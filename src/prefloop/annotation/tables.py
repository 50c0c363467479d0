"""Annotation's tables. Sealed: what was shown, decided and judged. Working state: the queue.

An assignment is (comparison, annotator, purpose, round), and that is unique across campaigns.
`wanted`, `taken` and `judged` on a queue item are what keeps the overlap exact: a lease takes a
place, an expired or returned lease gives it back.
"""

import sqlalchemy as sa

from prefloop.store.tables import DIGEST, ID, metadata, sealed

__all__ = [
    "agreement_pause",
    "answer",
    "assignment",
    "attention",
    "campaign",
    "campaign_request",
    "campaign_request_state",
    "campaign_spec",
    "campaign_state",
    "comparison",
    "declared_group",
    "draft",
    "judgment",
    "priority",
    "profile",
    "progress",
    "queue_item",
    "ranking",
    "skip",
    "slate",
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

edit = sealed(
    "edit",  # how a completion should have read, by one of its annotators
    sa.Column("id", ID, primary_key=True),
    sa.Column("assignment", ID, nullable=False, index=True),
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("comparison", DIGEST, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("side", sa.Text, nullable=False),  # a or b: which completion it corrects
    sa.Column("text", DIGEST, nullable=False),
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("supersedes", ID, nullable=True, unique=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("annotator", "key"),
    words=lambda row: [row.text],
)

slate = sealed(
    "slate",  # what more than two completions a comparison asks about
    sa.Column("comparison", DIGEST, sa.ForeignKey("comparison.id"), primary_key=True),
    sa.Column("others", sa.JSON, nullable=False),  # digests of texts, in order
    words=lambda row: row.others,
)

ranking = sealed(
    "ranking",
    sa.Column("judgment", ID, sa.ForeignKey("judgment.id"), primary_key=True),
    sa.Column("comparison", DIGEST, nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),  # the slate's texts in the order of the screen
    sa.Column("order", sa.JSON, nullable=False),  # best first: lists of those that tie
)

priority = sealed(
    "priority",  # what is to be judged first, and who says so; the last one counts
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),  # so many scores to a row, and no more
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("scores", sa.JSON, nullable=False),  # {comparison: score}, higher is sooner
)

skip = sealed(
    "skip",  # somebody could not judge this
    sa.Column("assignment", ID, primary_key=True),
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("comparison", DIGEST, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("why", DIGEST, nullable=False),
    words=lambda row: [row.why],
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
    # Place in the order of priority: grows from one record to the next; none has no priority.
    sa.Column("rank", sa.BigInteger, nullable=True),
    # Whether a senior is to look at it: 0 no, 1 drawn, 2 high stakes; and 1 until one does.
    sa.Column("check_due", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unchecked", sa.Integer, nullable=False, server_default="0"),
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
    sa.Index(
        "ix_queue_item_ranked",
        "campaign",
        "lane",
        "rank",
        sqlite_where=sa.text("rank IS NOT NULL AND taken < wanted"),
        postgresql_where=sa.text("rank IS NOT NULL AND taken < wanted"),
    ),
    sa.Index(
        "ix_queue_item_check",
        "campaign",
        "check_due",
        "position",
        sqlite_where=sa.text("unchecked = 1 AND judged > 0"),
        postgresql_where=sa.text("unchecked = 1 AND judged > 0"),
    ),
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
    sa.Column("state", sa.Text, nullable=False),  # leased, judged, skipped, expired, returned
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
    sa.Index(
        "ix_assignment_held",
        "campaign",
        "annotator",
        "lease_until",
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    ),
    sa.Index(
        "ix_assignment_lapsed",
        "campaign",
        "annotator",
        "sequence",
        sqlite_where=sa.text("state IN ('expired', 'returned')"),
        postgresql_where=sa.text("state IN ('expired', 'returned')"),
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
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),  # judgments in this session
)

draft = sa.Table(
    "draft",  # what an annotator has not sent yet; gone once they have
    metadata,
    sa.Column("assignment", ID, sa.ForeignKey("assignment.id"), primary_key=True),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("saved", sa.BigInteger, nullable=False),
)

attention = sa.Table(
    "attention",  # how often, and how long, somebody looked away; no row: not once
    metadata,
    sa.Column("judgment", ID, sa.ForeignKey("judgment.id"), primary_key=True),
    sa.Column("focus_losses", sa.Integer, nullable=False),
    sa.Column("away_ms", sa.BigInteger, nullable=False),
)

campaign_spec = sealed(
    "campaign_spec",  # the specification a campaign follows from here on; none: that of its row
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

agreement_pause = sealed(
    "agreement_pause",  # which pauses of a campaign were for want of agreement, and how little
    sa.Column("campaign", ID, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # of the campaign_state
    sa.Column("spec", DIGEST, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
)

improvement_plan = sealed(
    "improvement_plan",  # what somebody is to reach, and by when
    sa.Column("id", ID, primary_key=True),
    sa.Column("annotator", sa.Text, nullable=False, index=True),
    sa.Column("goals", sa.JSON, nullable=False),  # {measure: at least so much}; {} ends a plan
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("supersedes", ID, nullable=True, unique=True),
)

# Not sealed: what people say of themselves can be taken back, and is then gone.
declared_group = sa.Table(
    "declared_group",
    metadata,
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("attribute", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
