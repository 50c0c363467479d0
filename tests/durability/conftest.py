"""Databases for tests that break them."""

from tests.annotation.conftest import Clock, clock, timed
from tests.store.conftest import (
    copied_postgresql_url,
    database_url,
    migrated_postgresql,
    migrated_sqlite,
    sqlite_ledger,
    sqlite_url,
)

__all__ = [
    "Clock",
    "clock",
    "copied_postgresql_url",
    "database_url",
    "migrated_postgresql",
    "migrated_sqlite",
    "sqlite_ledger",
    "sqlite_url",
    "timed",
]
