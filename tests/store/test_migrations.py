"""A migrated ledger is the ledger the tables describe, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from tests.conftest import make_ledger

import prefloop.annotation.tables
from prefloop.core.errors import PrefloopError
from prefloop.store import Ledger, migrations, tables
from prefloop.store.files import FileStore


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path}/empty.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    ledger = Ledger(url, FileStore(str(tmp_path / "files")), b"k" * 32)
    yield ledger.engine
    ledger.close()


def indexes(engine: sa.Engine) -> set[str]:
    """Every index as the database itself describes it: compare_metadata skips partial ones."""
    query = "SELECT replace(sql, '\"', '') FROM sqlite_master WHERE type = 'index' AND sql != ''"
    if engine.dialect.name == "postgresql":
        query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).scalars()
        return {" ".join(one.split()) for one in found if "alembic" not in one}


def test_the_migrated_schema_is_the_one_the_tables_describe(empty: sa.Engine) -> None:
    migrations.upgrade(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_migrated_indexes_are_the_ones_the_tables_describe(
    empty: sa.Engine,
) -> None:
    migrations.upgrade(empty)
    migrated = indexes(empty)
    with empty.connect() as connection, connection.begin():
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    assert migrated == indexes(empty)
    assert any("WHERE" in one for one in migrated)


def test_opening_again_changes_nothing(empty: sa.Engine) -> None:
    migrations.upgrade(empty)
    before = indexes(empty)
    migrations.upgrade(empty)
    assert indexes(empty) == before


def test_a_ledger_from_the_future_is_refused_and_left_alone(empty: sa.Engine) -> None:
    migrations.upgrade(empty)
    with empty.connect() as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(PrefloopError, match=r"newer prefloop \(schema 9999\): upgrade prefloop"):
        migrations.upgrade(empty)
    with empty.connect() as connection:
        assert connection.execute(
            sa.text("SELECT version_num FROM alembic_version")
        ).scalars().all() == ["9999"]


def test_a_migration_that_fails_half_way_leaves_an_empty_database(
    empty: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    created = op.create_table

    def broken(name: str, *columns: sa.Column[object], **options: object) -> object:
        if name == "campaign":
            raise RuntimeError("pulled the plug")
        return created(name, *columns, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(op, "create_table", broken)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        migrations.upgrade(empty)
    monkeypatch.undo()
    assert sa.inspect(empty).get_table_names() == []
    migrations.upgrade(empty)
    assert "campaign" in sa.inspect(empty).get_table_names()


def test_a_database_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder/x.db", "postgresql://nobody@127.0.0.1:1/x"):
        with pytest.raises(PrefloopError, match=r"the ledger at .* cannot be used") as caught:
            make_ledger(url, tmp_path)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is a letter to my aunt, not a database" * 100)
    with pytest.raises(PrefloopError, match="file is not a database"):
        make_ledger(f"sqlite:///{tmp_path}/ledger.db", tmp_path)


@pytest.mark.parametrize("url", ["", "ledger.db", "mysql://x/y", "sqlite:/x"])
def test_an_address_of_another_kind_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(PrefloopError, match="use sqlite:///FILE or postgresql://HOST/NAME"):
        make_ledger(url, tmp_path)


def test_every_sealed_table_is_known_here() -> None:
    assert tables.metadata.tables["judgment"] is prefloop.annotation.tables.judgment
    sealed = {name for name, table in tables.metadata.tables.items() if table.info.get("sealed")}
    assert {"event", "text", "job", "queue_item", "assignment"}.isdisjoint(sealed)
    for name in sealed:
        assert {"event", "seal"} <= set(tables.metadata.tables[name].columns.keys())


def test_a_ledger_of_the_first_schema_is_brought_up_and_keeps_its_rows(empty: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", "prefloop.store:migrations")
    with empty.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = {"digest": "d" * 64, "body": b"kept"}
        connection.execute(sa.insert(tables.text), row)
    assert "campaign_request" not in sa.inspect(empty).get_table_names()
    migrations.upgrade(empty)
    assert "campaign_request" in sa.inspect(empty).get_table_names()
    with empty.connect() as connection:
        assert connection.execute(sa.select(tables.text.c.body)).scalars().all() == [b"kept"]
