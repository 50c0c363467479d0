"""A project on disk: made whole or refused, never quietly renamed by a new key."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from prefloop.core.errors import BadInput, Corrupt, NotFound, PrefloopError
from prefloop.store import artifacts, project, texts
from prefloop.store.verify import verify


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFLOOP_KEY", "PREFLOOP_DATABASE_URL", "PREFLOOP_FILES"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, body: str = "a text") -> str:
    """Open the project in `folder`, store a text, close."""
    ledger = project.open_ledger(folder)
    with ledger.transaction("ana") as tx:
        name = texts.put(tx, body)
    ledger.close()
    return name


def read(folder: Path, name: str) -> str:
    ledger = project.open_ledger(folder)
    with ledger.reader() as reader:
        body = texts.get(reader, name)
    assert verify(ledger).ok
    ledger.close()
    return body


def key(folder: Path) -> Path:
    return folder / ".prefloop" / "key"


def test_a_project_keeps_what_is_written(tmp_path: Path) -> None:
    assert not project.exists(tmp_path)
    project.create(tmp_path)
    assert project.exists(tmp_path)
    assert read(tmp_path, write(tmp_path)) == "a text"


def test_the_key_is_the_owners_alone_and_random(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        project.create(tmp_path / name)
        assert stat.S_IMODE(key(tmp_path / name).stat().st_mode) == 0o600
        keys.add(key(tmp_path / name).read_text())
    assert len(keys) == 2
    assert all(len(bytes.fromhex(one)) == 32 for one in keys)


def test_creating_twice_keeps_the_key(tmp_path: Path) -> None:
    project.create(tmp_path, b"x" * 32)
    name = write(tmp_path)
    project.create(tmp_path)
    assert key(tmp_path).read_text() == (b"x" * 32).hex()
    assert read(tmp_path, name) == "a text"
    assert sorted(p.name for p in key(tmp_path).parent.glob("key*")) == ["key"]


def test_two_who_create_at_once_end_up_with_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other process writes its key between our look and our write.
    real = os.open

    def late(path: Path, *arguments: Any) -> int:
        if str(path).startswith(str(key(tmp_path))) and not key(tmp_path).exists():
            key(tmp_path).write_text("ab" * 32)
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", late)
    project.create(tmp_path)
    assert key(tmp_path).read_text() == "ab" * 32


def test_a_folder_without_a_project_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no project in .*: prefloop init"):
        project.open_ledger(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_half_made_folder_says_what_to_do_and_creating_completes_it(tmp_path: Path) -> None:
    (tmp_path / ".prefloop").mkdir()
    with pytest.raises(Corrupt, match="if this project is new, run prefloop init again"):
        project.open_ledger(tmp_path)
    (tmp_path / ".prefloop" / "key.123").write_text("ab")  # somebody died while writing it
    project.create(tmp_path)
    assert read(tmp_path, write(tmp_path)) == "a text"


def test_an_empty_ledger_file_beside_a_key_is_completed(tmp_path: Path) -> None:
    project.create(tmp_path)
    (tmp_path / ".prefloop" / "ledger.db").touch()
    assert read(tmp_path, write(tmp_path)) == "a text"


def test_a_key_missing_beside_a_ledger_is_never_replaced(tmp_path: Path) -> None:
    project.create(tmp_path)
    write(tmp_path)
    key(tmp_path).unlink()
    with pytest.raises(Corrupt, match="missing beside a ledger: restore it from your backup"):
        project.create(tmp_path)
    with pytest.raises(Corrupt, match="restore it from your backup"):
        project.open_ledger(tmp_path)
    assert not key(tmp_path).exists()


@pytest.mark.parametrize("body", [b"", b"ab", b"not hexadecimal", b"\xff\xfe\x00", b"zz" * 32])
def test_a_broken_key_is_refused(tmp_path: Path, body: bytes) -> None:
    project.create(tmp_path)
    key(tmp_path).write_bytes(body)
    with pytest.raises(Corrupt, match=r"not a hexadecimal key|bytes and 32 are needed"):
        project.open_ledger(tmp_path)


def test_another_projects_key_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    project.create(tmp_path)
    name = write(tmp_path)
    own = key(tmp_path).read_text()
    key(tmp_path).write_text("cd" * 32)
    with pytest.raises(Corrupt, match="not the one that this ledger's texts are named with"):
        project.open_ledger(tmp_path)
    key(tmp_path).write_text(own)
    assert read(tmp_path, name) == "a text"


def test_the_key_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.create(tmp_path, b"x" * 32)
    name = write(tmp_path)
    key(tmp_path).unlink()
    monkeypatch.setenv("PREFLOOP_KEY", (b"x" * 32).hex())
    assert read(tmp_path, name) == "a text"
    monkeypatch.setenv("PREFLOOP_KEY", "")
    with pytest.raises(Corrupt, match="PREFLOOP_KEY holds 0 bytes"):
        project.open_ledger(tmp_path)


def test_a_new_folder_cannot_take_over_a_ledger_elsewhere_with_a_new_key(
    copied_postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLOOP_DATABASE_URL", copied_postgresql_url)
    project.create(tmp_path / "one")
    name = write(tmp_path / "one")
    assert not (tmp_path / "one" / ".prefloop" / "ledger.db").exists()
    assert read(tmp_path / "one", name) == "a text"
    project.create(tmp_path / "two")
    with pytest.raises(Corrupt, match="not the one that this ledger's texts are named with"):
        project.open_ledger(tmp_path / "two")


def test_the_files_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.create(tmp_path)
    monkeypatch.setenv("PREFLOOP_FILES", str(tmp_path / "elsewhere"))
    ledger = project.open_ledger(tmp_path)
    with ledger.transaction("ana") as tx:
        entry = artifacts.write_rows(tx, [{"n": 1}])
    assert ledger.files.exists(entry["sha256"])
    assert (tmp_path / "elsewhere" / entry["sha256"][:2] / entry["sha256"]).exists()
    ledger.close()


def test_opened_twice_at_once_both_see_and_write(tmp_path: Path) -> None:
    project.create(tmp_path)
    one, two = project.open_ledger(tmp_path), project.open_ledger(tmp_path)
    with one.transaction("ana") as tx:
        first = texts.put(tx, "first")
        tx.event("note", "first")
    with two.transaction("ben") as tx:
        assert texts.get(tx, first) == "first"
        tx.event("note", "second")
    with one.transaction("ana") as tx:
        tx.event("note", "third")
    assert verify(one).ok
    assert verify(two).events == 3
    one.close()
    two.close()


@pytest.mark.parametrize("name", ["50% done? #1", "a b/c", "ünï ☃", "x::y", "semi;colon&amp"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    project.create(tmp_path / name)
    assert read(tmp_path / name, write(tmp_path / name)) == "a text"
    assert (tmp_path / name / ".prefloop" / "ledger.db").exists()


def test_a_relative_folder_stays_where_it_was_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project.create(Path("here"))
    ledger = project.open_ledger(Path("here"))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    ledger.engine.dispose()  # as a pool does that opens a second connection
    with ledger.transaction("ana") as tx:
        name = texts.put(tx, "a text")
    ledger.close()
    assert read(tmp_path / "here", name) == "a text"


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / ".prefloop").touch()
    for folder in (tmp_path / "file", tmp_path):
        with pytest.raises(BadInput, match="cannot make a project in"):
            project.create(folder)
        with pytest.raises(NotFound):
            project.open_ledger(folder)


def test_a_ledger_that_somebody_else_holds_too_long_is_one_clear_line(tmp_path: Path) -> None:
    project.create(tmp_path)
    ledger = project.open_ledger(tmp_path)
    other = sa.create_engine(f"sqlite:///{tmp_path}/.prefloop/ledger.db")
    with ledger.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout = 50")  # type: ignore[union-attr]
    with other.connect() as holder:
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        with (
            pytest.raises(PrefloopError, match="cannot be used: database is locked"),
            ledger.transaction("ana"),
        ):
            pass
    other.dispose()
    ledger.close()


def test_work_folders_are_inside_the_project(tmp_path: Path) -> None:
    project.create(tmp_path)
    assert project.work_folder(tmp_path, "run-1") == tmp_path / ".prefloop" / "work" / "run-1"
    assert project.work_folder(tmp_path, "run-1").is_dir()
