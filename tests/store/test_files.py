"""Files named by what is in them: whole or not there at all."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.errors import Corrupt, NotFound
from prefloop.store.files import FileStore

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture(params=["folder", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A local folder, and an address that is not one."""
    return FileStore(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}")


def visible(store: FileStore) -> list[Path]:
    """Everything in the store that bears a name, staging left out."""
    root = Path(store.root)
    return [p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] != "staging"]


def test_a_file_is_named_by_its_sha256(files: FileStore) -> None:
    # sha256("hello"), as sha256sum prints it.
    assert HELLO.startswith("2cf24dba5fb0a30e26e83b2ac5b9e29e")
    assert files.put_bytes(b"hello") == {"sha256": HELLO, "size": 5}
    assert files.read(HELLO) == b"hello"
    assert files.exists(HELLO)
    assert not files.exists("0" * 64)


def test_an_empty_file_is_a_file(files: FileStore) -> None:
    entry = files.put([])
    assert entry == {"sha256": hashlib.sha256(b"").hexdigest(), "size": 0}
    assert files.read(entry["sha256"]) == b""


@settings(max_examples=25, deadline=None)
@given(chunks=st.lists(st.binary(max_size=50), max_size=5))
def test_how_it_is_cut_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    store = FileStore(str(tmp_path_factory.mktemp("files")))
    whole = b"".join(chunks)
    assert store.put(chunks) == store.put_bytes(whole)
    assert store.read(hashlib.sha256(whole).hexdigest()) == whole
    assert len(visible(store)) == 1


def test_a_file_larger_than_a_block_comes_back_whole(tmp_path: Path) -> None:
    store, body = FileStore(str(tmp_path)), bytes(range(256)) * 10_000  # 2.56 MB, three blocks
    source = tmp_path / "source"
    source.write_bytes(body)
    entry = store.put_path(source)
    assert entry["size"] == len(body)
    assert store.fetch(entry["sha256"], tmp_path / "out" / "copy").read_bytes() == body
    assert [len(block) for block in store.chunks(entry["sha256"])] == [1 << 20, 1 << 20, 462_848]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the source went away")

    store = FileStore(str(tmp_path))
    with pytest.raises(RuntimeError):
        store.put(broken())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_missing_and_an_altered_file_are_told_apart(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    store.put_bytes(b"hello")
    (tmp_path / HELLO[:2] / HELLO).write_bytes(b"jello")
    with pytest.raises(Corrupt, match=f"file {HELLO[:12]} .* is not what its digest says"):
        store.read(HELLO)
    (tmp_path / HELLO[:2] / HELLO).unlink()
    with pytest.raises(NotFound, match=f"file {HELLO[:12]} is missing"):
        store.read(HELLO)


def test_an_altered_file_is_not_fetched_over_a_good_copy(tmp_path: Path) -> None:
    store, copy = FileStore(str(tmp_path / "files")), tmp_path / "copy"
    store.put_bytes(b"hello")
    store.fetch(HELLO, copy)
    (tmp_path / "files" / HELLO[:2] / HELLO).write_bytes(b"jello")
    with pytest.raises(Corrupt):
        store.fetch(HELLO, copy)
    assert copy.read_bytes() == b"hello"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "files"]


def test_storing_an_altered_file_again_mends_it(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    store.put_bytes(b"hello")
    (tmp_path / HELLO[:2] / HELLO).write_bytes(b"jello")
    store.put_bytes(b"hello")
    assert store.read(HELLO) == b"hello"
