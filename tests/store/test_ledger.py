"""The ledger as a whole: artifacts, names, the audit chain and its proof, on both databases."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefloop.core.errors import BadInput, Erased, GateClosed, NotFound
from prefloop.store import Ledger, artifacts, audit, names, tables, texts
from prefloop.store.verify import checkpoint, verify

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def put(ledger: Ledger, kind: str = "spec", manifest: object = None, parents: object = ()) -> str:
    with ledger.transaction("ana") as tx:
        return artifacts.put(tx, kind, manifest or {"x": 1}, parents).digest  # type: ignore[arg-type]


def test_the_same_inputs_give_the_same_artifact_whoever_makes_it(ledger: Ledger) -> None:
    first = put(ledger, manifest={"a": 1.0, "b": [1, 2]})
    with ledger.transaction("ben") as tx:
        again = artifacts.put(tx, "spec", {"b": [1, 2], "a": 1})
    assert again.digest == first
    assert again.author == "ana"  # the first to make it


def test_an_artifact_digest_is_sha256_of_canonical_json(ledger: Ledger) -> None:
    expected = hashlib.sha256(b'{"kind":"spec","manifest":{"x":1},"parents":[]}').hexdigest()
    assert put(ledger) == expected


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(manifest=st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_whatever_goes_in_comes_out_and_verifies(
    ledger: Ledger, manifest: dict[str, object]
) -> None:
    name = put(ledger, manifest={"m": manifest})
    with ledger.reader() as reader:
        found = artifacts.get(reader, name)
    assert artifacts.artifact_digest("spec", found.manifest, ()) == name
    assert verify(ledger).ok


def test_lineage_is_walked_both_ways_and_each_artifact_comes_once(ledger: Ledger) -> None:
    # A diamond: spec -> two batches -> one dataset.
    spec = put(ledger)
    one = put(ledger, "label_batch", {"n": 1}, [spec])
    two = put(ledger, "label_batch", {"n": 2}, [spec])
    data = put(ledger, "dataset", {"n": 3}, [one, two])
    with ledger.reader() as reader:
        assert artifacts.ancestors(reader, data) == [*sorted([one, two]), spec]
        assert artifacts.descendants(reader, spec) == [*sorted([one, two]), data]
        assert artifacts.descendants(reader, data) == []


def test_a_parent_that_is_not_there_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="no artifact 000000000000"):
        put(ledger, "dataset", {"n": 1}, ["0" * 64])
    assert verify(ledger).events == 0


def test_unknown_kinds_and_numbers_json_cannot_hold_are_bad_input(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="no artifact kind 'weights'"):
        put(ledger, "weights")
    with pytest.raises(BadInput, match="can be digested"):
        put(ledger, manifest={"x": float("nan")})


@pytest.mark.parametrize("stage", sorted(artifacts.POLICY_STAGES))
def test_a_policy_run_without_its_gate_is_refused(ledger: Ledger, stage: str) -> None:
    with pytest.raises(GateClosed, match="no policy gate_result"):
        put(ledger, "run", {"stage": stage})


def test_a_policy_run_needs_a_gate_of_its_own_stage_that_is_open(ledger: Ledger) -> None:
    release = put(ledger, "gate_result", {"stage": "release", "verdict": "pass"})
    failed = put(ledger, "gate_result", {"stage": "policy", "verdict": "fail"})
    unsure = put(ledger, "gate_result", {"stage": "policy", "verdict": "insufficient_data"})
    passed = put(ledger, "gate_result", {"stage": "policy", "verdict": "warn"})
    for wrong in (release, failed, unsure):
        with pytest.raises(GateClosed):
            put(ledger, "run", {"stage": "ppo"}, [wrong])
    put(ledger, "run", {"stage": "ppo"}, [passed])
    put(ledger, "run", {"stage": "sft"})  # SFT changes no policy under a reward


def test_a_gate_on_another_reward_model_opens_nothing(ledger: Ledger) -> None:
    examined = put(ledger, "model", {"role": "reward", "n": 1})
    other = put(ledger, "model", {"role": "reward", "n": 2})
    about = {"stage": "policy", "verdict": "pass", "subject": examined}
    gate = put(ledger, "gate_result", about, [examined])
    with pytest.raises(GateClosed, match="which is no parent of it"):
        put(ledger, "run", {"stage": "ppo"}, [gate, other])
    put(ledger, "run", {"stage": "ppo"}, [gate, examined])


def test_a_release_without_its_gate_is_refused_and_a_refusal_can_be_recorded(
    ledger: Ledger,
) -> None:
    failed = put(ledger, "gate_result", {"stage": "release", "verdict": "fail"})
    with pytest.raises(GateClosed):
        put(ledger, "release", {"decision": "refuse"})
    with pytest.raises(GateClosed):
        put(ledger, "release", {"decision": "promote"}, [failed])
    put(ledger, "release", {"decision": "refuse"}, [failed])


def test_names_are_forever_and_tags_move_on_record(ledger: Ledger) -> None:
    one, two = put(ledger, manifest={"n": 1}), put(ledger, manifest={"n": 2})
    with ledger.transaction("ana") as tx:
        assert names.add_version(tx, "policy/support", one) == "policy/support@v1"
        assert names.add_version(tx, "policy/support", two) == "policy/support@v2"
        assert names.add_version(tx, "policy/support", two) == "policy/support@v2"
        names.move_tag(tx, "champion", one)
        names.move_tag(tx, "champion", two)
        names.move_tag(tx, "champion", one)
    with ledger.reader() as reader:
        assert names.resolve(reader, "policy/support").digest == two
        assert names.resolve(reader, "policy/support@v1").digest == one
        assert names.resolve(reader, one[:8]).digest == one
        assert names.history(reader, "champion") == [one, two, one]
        assert names.names_of(reader, one) == ["policy/support@v1", "champion"]
        with pytest.raises(NotFound, match="policy/support has 2 versions"):
            names.resolve(reader, "policy/support@v3")
        with pytest.raises(BadInput, match="is a spec, and a model is needed"):
            names.resolve(reader, "champion", kind="model")


def test_an_erased_text_reads_erased_and_everything_stays_whole(ledger: Ledger) -> None:
    with ledger.transaction("ana") as tx:
        stored = texts.put_many(tx, ["my name is Ana", "hello", ""])
        artifacts.put(tx, "prompt_set", {"texts": sorted(stored.values())})
    with ledger.transaction("ana") as tx:
        texts.erase(tx, [stored["my name is Ana"]], "asked by the person")
    result = verify(ledger)
    assert result.ok
    assert result.erased == [stored["my name is Ana"]]
    with ledger.reader() as reader:
        assert texts.get(reader, stored["hello"]) == "hello"
        assert texts.get_many(reader, stored.values())[stored["my name is Ana"]] is None
        with pytest.raises(Erased):
            texts.get(reader, stored["my name is Ana"])
    with ledger.transaction("ana") as tx, pytest.raises(Erased):
        texts.put(tx, "my name is Ana")


def test_text_with_nul_and_every_plane_of_unicode_is_kept(ledger: Ledger) -> None:
    body = "nul \x00 bidi \u202e emoji \U0001f600 combining e\u0301"
    with ledger.transaction("ana") as tx:
        name = texts.put(tx, body)
        with pytest.raises(BadInput, match="not valid Unicode at character 3"):
            texts.put(tx, "abc\ud800")
    with ledger.reader() as reader:
        assert texts.get(reader, name) == body


def history_of_three(ledger: Ledger) -> None:
    spec = put(ledger, manifest={"n": 1})
    put(ledger, "label_batch", {"n": 2}, [spec])
    with ledger.transaction("ana") as tx:
        names.add_version(tx, "spec/x", spec)
        texts.put(tx, "a text")


def tamper(ledger: Ledger, statement: sa.Executable) -> list[str]:
    history_of_three(ledger)
    assert verify(ledger).ok
    with ledger.engine.connect() as connection, connection.begin():
        connection.execute(statement)
    return verify(ledger).problems


def test_an_altered_event_is_named(ledger: Ledger) -> None:
    e = tables.event
    problems = tamper(ledger, sa.update(e).where(e.c.seq == 2).values(actor="mallory"))
    assert problems[0].startswith("event 2")
    assert "was altered" in problems[0]


def test_a_removed_event_is_named(ledger: Ledger) -> None:
    history_of_three(ledger)
    with ledger.transaction("ana") as tx:
        tx.event("note", "x")
        tx.event("note", "y")
    with ledger.engine.connect() as connection, connection.begin():
        connection.execute(sa.delete(tables.event).where(tables.event.c.seq == 4))
    assert "event 4 is missing" in verify(ledger).problems[0]


def test_an_altered_row_is_named_with_its_key(ledger: Ledger) -> None:
    v = tables.version
    problems = tamper(ledger, sa.update(v).values(number=7))
    assert problems[0].startswith("row version(name=spec/x, number=7)")


def test_a_row_altered_together_with_its_seal_is_still_found(ledger: Ledger) -> None:
    forged = {"name": "spec/x", "number": 7}
    history_of_three(ledger)
    with ledger.reader() as reader:
        row = reader.all(sa.select(tables.version))[0]._asdict()
    seal = audit.row_seal(tables.version, {**row, **forged})
    with ledger.engine.connect() as connection, connection.begin():
        connection.execute(sa.update(tables.version).values(**forged, seal=seal))
    assert "event 3" in verify(ledger).problems[0]


def test_a_removed_row_is_found(ledger: Ledger) -> None:
    problems = tamper(ledger, sa.delete(tables.version))
    assert problems == [
        "event 3 (name.add by ana): its rows are not the ones it was written with "
        "(one was added, removed or altered)"
    ]


def test_an_altered_text_is_named(ledger: Ledger) -> None:
    problems = tamper(ledger, sa.update(tables.text).values(body=b"another text"))
    assert problems[0].startswith("text ")
    assert "not what its digest says" in problems[0]


def test_a_text_that_vanished_without_an_erasure_is_an_error(ledger: Ledger) -> None:
    problems = tamper(ledger, sa.update(tables.text).values(body=None))
    assert "gone without an erasure" in problems[0]


def test_an_altered_and_a_missing_file_are_named(ledger: Ledger) -> None:
    with ledger.transaction("ana") as tx:
        entry = artifacts.write_rows(tx, [{"n": 1}, {"n": 2}])
        artifacts.put(tx, "dataset", {"files": {"pairs": entry}})
    path = next(p for p in Path(ledger.files.root).rglob(entry["sha256"]))
    path.write_bytes(b"changed")
    assert "file pairs" in verify(ledger).problems[0]
    assert "is not what its digest says" in verify(ledger).problems[0]
    path.unlink()
    assert "is missing" in verify(ledger).problems[0]


def test_a_tail_cut_off_is_seen_only_against_a_checkpoint(ledger: Ledger) -> None:
    history_of_three(ledger)
    with ledger.transaction("ana") as tx:
        tx.event("note", "the last word")
    with ledger.reader() as reader:
        kept = checkpoint(reader)
    with ledger.engine.connect() as connection, connection.begin():
        connection.execute(sa.delete(tables.event).where(tables.event.c.seq == kept.seq))
    assert verify(ledger).ok
    assert "the chain ends before checkpoint" in verify(ledger, kept).problems[0]


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def half() -> None:
        with ledger.transaction("ana") as tx:
            artifacts.put(tx, "spec", {"x": 1})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        half()
    assert verify(ledger).events == 0
    assert verify(ledger).artifacts == 0


def test_an_empty_ledger_verifies(ledger: Ledger) -> None:
    result = verify(ledger)
    assert result.ok
    assert result.events == 0
    assert result.files == 0
