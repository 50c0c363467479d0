"""What an annotator gave back is found at once, since it comes first when they return."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_LAPSED = sa.text("state IN ('expired', 'returned')")


def upgrade() -> None:
    op.create_index(
        "ix_assignment_lapsed",
        "assignment",
        ["campaign", "annotator", "sequence"],
        sqlite_where=_LAPSED,
        postgresql_where=_LAPSED,
    )
