import io
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import BinaryIO

import pytest

from prefloop.core.errors import BadInput
from prefloop.datasets.formats import detect, formats, named, read_comparisons, registry, writable
from prefloop.datasets.formats.rows import BadRow, Row


class Diary:
    """A plug-in that claims everything in which a dear diary is addressed."""

    name = "diary"

    def sniff(self, head: bytes, filename: str) -> bool:
        return b"dear diary" in head

    def read(self, stream: BinaryIO, where: str) -> Iterator[Row]:
        yield BadRow(1, "this is private")


def plug_in_diary(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("diary", "diaries:Diary", registry.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Diary)
    monkeypatch.setattr("prefloop.core.plugins.entry_points", lambda group: [entry])


def test_the_formats_of_this_folder_are_there() -> None:
    assert {"hh-rlhf", "trl"} <= formats().keys()


def test_a_plug_in_is_found_detected_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in_diary(monkeypatch)
    with pytest.raises(BadInput, match=r"^d.txt:1: this is private$"):
        read_comparisons(io.BytesIO(b"dear diary"), "d.txt")


def test_a_misspelt_format_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"^no format hh_rlhf: did you mean hh-rlhf\?$"):
        named("hh_rlhf")


def test_a_format_that_is_only_read_says_which_can_be_written() -> None:
    assert writable("trl").name == "trl"
    with pytest.raises(BadInput, match="hh-rlhf can be imported, not exported to: use one of trl"):
        writable("hh-rlhf")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'{"chosen": "\\n\\nHuman: a', "hh-rlhf"),
        (b'{"chosen":"\\n\\nHuman:a', "hh-rlhf"),
        (b'{"prompt": "a", "chosen": "b"', "trl"),
        (b'\xef\xbb\xbf{"rejected": [{"role": "user"', "trl"),
    ],
)
def test_a_format_is_seen_by_its_beginning(head: bytes, name: str) -> None:
    assert detect(head, "f").name == name


def test_what_nobody_claims_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^f.csv is in no known format \(hh-rlhf, trl\): name one"):
        detect(b"prompt,chosen\n", "f.csv")


def test_what_two_claim_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in_diary(monkeypatch)
    with pytest.raises(BadInput, match="could be any of trl, diary: say which with --format"):
        detect(b'{"chosen": "dear diary"', "f")
