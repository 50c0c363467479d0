"""Whatever is altered in the ledger is found and named: any column of any sealed row."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from prefloop.core.errors import Corrupt
from prefloop.store import Ledger, artifacts, names, people, proposals, tables, texts
from prefloop.store.verify import verify

HEX = "0123456789abcdef"


def furnish(ledger: Ledger) -> None:
    """At least one row in every sealed table of the store."""
    with ledger.transaction("ana") as tx:
        people.add(tx, "ana", ("admin", "lead"))
        people.add(tx, "ben", ("engineer",))
        spec = artifacts.put(tx, "spec", {"n": 1, "scope": ["all"]}, notes="first")
        artifacts.put(tx, "label_batch", {"n": 2.5}, [spec.digest])
    with ledger.transaction("ben") as tx:
        effect = proposals.name_version("spec/x")
        proposal = proposals.propose(tx, "spec", spec.digest, effect, "better")
    with ledger.transaction("ana") as tx:
        proposals.decide(tx, proposal.id, True, "read it")
        names.move_tag(tx, "champion", spec.digest)
        stored = texts.put_many(tx, ["keep this", "forget this"])
        texts.erase(tx, [stored["forget this"]], "asked to")
    assert verify(ledger).ok


def sealed() -> list[sa.Table]:
    store = [getattr(tables, name) for name in tables.__all__ if name not in ("metadata", "sealed")]
    return [table for table in store if table.info.get("sealed")]


def tamper(ledger: Ledger, *statements: str | sa.Executable) -> None:
    """Change rows as somebody with the file in their hands would, foreign keys or not."""
    with ledger.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        off, on = "PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON"
        if ledger.is_postgresql:
            off, on = (
                "SET session_replication_role = replica",
                "SET session_replication_role = DEFAULT",
            )
        raw.execute(off)
        if ledger.is_postgresql:
            raw.commit()
        with connection.begin():
            for one in statements:
                connection.execute(sa.text(one) if isinstance(one, str) else one)
        raw.execute(on)
        if ledger.is_postgresql:
            raw.commit()


def altered(draw: st.DataObject, column: sa.Column[Any], value: Any) -> Any:
    """Another value that the column can hold."""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    kind = column.type
    others: st.SearchStrategy[Any] = st.text(letters, max_size=5) | st.just(f"{value} ")
    if isinstance(kind, sa.JSON):
        same = {**value, "n": 7} if isinstance(value, dict) else [value]
        others = st.sampled_from([[value], {"x": value}, None, 2**60, "text", same])
    elif isinstance(kind, sa.Boolean):
        return not value
    elif isinstance(kind, sa.Integer):
        top = 2**31 - 1 if type(kind) is sa.Integer else 2**63 - 1
        others = st.integers(-(2**31), top) | st.sampled_from([value + 1, top])
    elif isinstance(kind, sa.String) and kind.length:
        at = draw.draw(st.integers(0, len(value) - 1))
        letter = st.sampled_from(HEX.replace(value[at], ""))
        others = letter.map(lambda one: value[:at] + one + value[at + 1 :])
    return draw.draw(others.filter(lambda other: other != value), label="altered")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draw=st.data())
def test_any_altered_column_of_any_sealed_row_is_named(ledger: Ledger, draw: st.DataObject) -> None:
    with ledger.reader() as reader:
        furnished = reader.one(sa.select(tables.person)) is not None
    if not furnished:
        furnish(ledger)
    table = draw.draw(st.sampled_from(sealed()), label="table")
    column = draw.draw(st.sampled_from(list(table.columns)), label="column")
    with ledger.reader() as reader:
        row = draw.draw(st.sampled_from(reader.all(sa.select(table))), label="row")._asdict()
        others = [one._asdict() for one in reader.all(sa.select(table))]
    value = altered(draw, column, row[column.name])
    now = {**row, column.name: value}
    keys = [[c.name for c in table.primary_key], ["handle"] if table is tables.person else []]
    for unique in keys:  # the database itself would refuse a second one
        assume(
            not unique or [now[k] for k in unique] not in [[o[k] for k in unique] for o in others]
        )

    def put(old: dict[str, Any], new: Any) -> sa.Executable:
        is_it = [key == old[key.name] for key in table.primary_key]
        return sa.update(table).where(*is_it).values({column.name: new})

    tamper(ledger, put(row, value))
    try:
        problems = verify(ledger).problems
    finally:
        tamper(ledger, put(now, row[column.name]))
    if column.name == "event":  # the row is whole; two events have lost or gained one
        assert "rows are not the ones" in problems[0] or "it is not there" in problems[0]
    else:
        key = f"{table.primary_key.columns[0].name}={now[table.primary_key.columns[0].name]}"
        assert problems[0].startswith(f"row {table.name}({key}")
        assert "was altered" in problems[0]
    assert verify(ledger).ok


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draw=st.data())
def test_any_altered_column_of_any_event_is_named(ledger: Ledger, draw: st.DataObject) -> None:
    with ledger.reader() as reader:
        events = reader.all(sa.select(tables.event).order_by(tables.event.c.seq))
    if not events:
        furnish(ledger)
        return
    columns = [c for c in tables.event.columns if c.name != "seq"]
    column = draw.draw(st.sampled_from(columns), label="column")
    row = draw.draw(st.sampled_from(events), label="event")
    value = altered(draw, column, row._mapping[column.name])
    statement = sa.update(tables.event).where(tables.event.c.seq == row.seq)
    tamper(ledger, statement.values({column.name: value}))
    try:
        problems = verify(ledger).problems
    finally:
        tamper(ledger, statement.values({column.name: row._mapping[column.name]}))
    assert problems[0].startswith(f"event {row.seq} ")
    assert verify(ledger).ok


# What SQLite lets a person with a text editor do, and PostgreSQL refuses.


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE artifact SET manifest = '{\"n\": 1' WHERE kind = 'spec'", "row artifact(digest="),
        (
            "UPDATE artifact SET manifest = '{\"n\": NaN}' WHERE kind = 'spec'",
            "row artifact(digest=",
        ),
        ("UPDATE artifact SET manifest = '[1]' WHERE kind = 'spec'", "row artifact(digest="),
        ("UPDATE artifact SET manifest = CAST(x'ff' AS TEXT)", "row artifact(digest="),
        ("UPDATE person SET handle = x'616e61' WHERE handle = 'ana'", "row person(id="),
        ("UPDATE person SET created = 'yesterday' WHERE handle = 'ana'", "row person(id="),
        ("UPDATE event SET detail = '{' WHERE seq = 2", "row event(seq=2): cannot be read"),
        ("UPDATE text SET body = 'keep that' WHERE body IS NOT NULL", "text "),
        ("UPDATE text SET body = x'ff' WHERE body IS NOT NULL", "text "),
    ],
)
def test_what_cannot_even_be_read_is_named_and_the_rest_is_still_looked_at(
    sqlite_ledger: Ledger, statement: str, named: str
) -> None:
    furnish(sqlite_ledger)
    before = verify(sqlite_ledger)
    tamper(sqlite_ledger, statement)
    after = verify(sqlite_ledger)
    assert after.problems[0].startswith(named)
    assert after.rows >= before.rows - 2
    assert after.texts >= before.texts - 1


def test_every_unreadable_row_is_named_once_and_no_other(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.transaction("ana") as tx:
        made = [artifacts.put(tx, "spec", {"n": n}).digest for n in range(7)]
    bad = [made[n] for n in (0, 3, 6)]
    for name in bad:
        tamper(sqlite_ledger, f"UPDATE artifact SET manifest = '{{' WHERE digest = '{name}'")
    found = [p for p in verify(sqlite_ledger).problems if p.startswith("row artifact")]
    assert [p.split("=")[1][:64] for p in found] == bad
    assert verify(sqlite_ledger).rows == 4


def test_an_altered_manifest_that_names_no_files_is_named_and_not_followed(ledger: Ledger) -> None:
    furnish(ledger)
    for files in ({"files": 3}, {"files": {"pairs": 3}}, {"files": {"pairs": {"sha256": 2**60}}}):
        tamper(ledger, sa.update(tables.artifact).values(manifest=files))
        problems = verify(ledger).problems
        assert problems[0].startswith("row artifact(digest=")
        assert any(p.startswith("artifact spec") for p in problems)


def test_a_text_that_an_erasure_stands_on_cannot_just_vanish(ledger: Ledger) -> None:
    furnish(ledger)
    tamper(ledger, sa.delete(tables.text).where(tables.text.c.body.is_(None)))
    (problem,) = verify(ledger).problems
    assert "is missing, and erasure(text=" in problem


def test_an_erased_text_that_is_back_is_an_error(ledger: Ledger) -> None:
    furnish(ledger)
    tamper(ledger, sa.update(tables.text).values(body=b"forget this"))
    assert any("was erased and is back" in p for p in verify(ledger).problems)


def test_a_text_whose_bytes_are_no_text_reads_corrupt(ledger: Ledger) -> None:
    furnish(ledger)
    with ledger.reader() as reader:
        name = reader.all(sa.select(tables.text).where(tables.text.c.body.is_not(None)))[0].digest
    tamper(ledger, sa.update(tables.text).where(tables.text.c.digest == name).values(body=b"\xff"))
    with ledger.reader() as reader, pytest.raises(Corrupt, match="run prefloop verify"):
        texts.get(reader, name)


def test_erasing_twice_is_erasing_once(ledger: Ledger) -> None:
    with ledger.transaction("ana") as tx:
        stored = texts.put_many(tx, ["one", "two"])
    for names_ in ([stored["one"]], [stored["one"], stored["one"]], list(stored.values()), []):
        with ledger.transaction("ana") as tx:
            texts.erase(tx, names_, "asked to")
    result = verify(ledger)
    assert result.ok
    assert sorted(result.erased) == sorted(stored.values())
    assert result.events == 2


def test_nothing_of_an_erased_text_stays_in_the_file(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    secret = "the pin is 4711 " * 400  # over several pages
    with sqlite_ledger.transaction("ana") as tx:
        name = texts.put(tx, secret)
        texts.put(tx, "other words")
    with sqlite_ledger.transaction("ana") as tx:
        texts.erase(tx, [name], "asked to")
    sqlite_ledger.close()
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"other words" in left
    assert b"4711" not in left
