"""Forward-only migrations of the whole ledger, every room's tables included.

`upgrade` runs when a ledger is opened; a ledger from a newer prefloop is refused.
"""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from prefloop.core.errors import PrefloopError
from prefloop.store.connections import plainly

__all__ = ["upgrade"]

_MIGRATION_LOCK = 0x6D696772  # one process migrates, the others wait


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision, in one transaction."""
    config = Config()
    config.set_main_option("script_location", "prefloop.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    with plainly(engine), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        now = MigrationContext.configure(connection).get_current_revision()
        if now == scripts.get_current_head():
            return
        if now is not None and now not in {script.revision for script in scripts.walk_revisions()}:
            raise PrefloopError(
                f"this ledger was written by a newer prefloop (schema {now}): upgrade prefloop"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
