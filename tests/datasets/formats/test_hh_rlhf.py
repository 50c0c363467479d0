import io
import json
from pathlib import Path

import pytest

from prefloop.core.records import Message
from prefloop.datasets.formats.hh_rlhf import HhRlhf
from prefloop.datasets.formats.reading import read_comparisons
from prefloop.datasets.formats.rows import BadRow, ImportedComparison, OddRow, Row

ASK = "\n\nHuman: hi\n\nAssistant: hello\n\nHuman: and now?\n\nAssistant:"


def row(chosen: object, rejected: object, **more: object) -> Row:
    line = json.dumps({"chosen": chosen, "rejected": rejected, **more}).encode()
    (only,) = HhRlhf().read(io.BytesIO(line), "hh.jsonl")
    return only


def test_the_common_prefix_up_to_the_last_assistant_turn_is_the_prompt() -> None:
    found = row(f"{ASK} yes ", f"{ASK} no", id=7)
    assert isinstance(found, ImportedComparison)
    assert found.prompt.messages == (
        Message("user", "hi"),
        Message("assistant", "hello"),
        Message("user", "and now?"),
    )
    assert (found.chosen, found.rejected, found.line) == ("yes", "no", 1)
    assert (found.prompt.provenance, found.meta, found.note) == ("hh.jsonl", {"id": 7}, "")


def test_completions_that_begin_alike_stay_whole() -> None:
    found = row(f"{ASK} I think so", f"{ASK} I think not")
    assert isinstance(found, ImportedComparison)
    assert (found.chosen, found.rejected) == ("I think so", "I think not")


def test_turns_of_one_speaker_in_a_row_are_joined_and_noted() -> None:
    before = "\n\nHuman: a\n\nHuman: b\n\nAssistant:"
    found = row(f"{before} x", f"{before} y")
    assert isinstance(found, ImportedComparison)
    assert found.prompt.messages == (Message("user", "a\n\nb"),)
    assert found.note == "turns of one speaker in a row were joined"


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (f"{ASK} same", f"{ASK} same ", "chosen and rejected are equal"),
        (f"{ASK} ", f"{ASK} x", "the chosen completion is empty"),
        (f"{ASK} x", f"{ASK}", "the rejected completion is empty"),
        (f"{ASK} x", "\n\nHuman: other\n\nAssistant: x", "answer different prompts"),
        (f"{ASK} x\n\nHuman: y", f"{ASK} z", "the chosen transcript ends with a Human turn"),
        (f"{ASK} a\n\nAssistant: b", f"{ASK} a\n\nAssistant: c", "two Assistant turns at the end"),
        ("\n\nHuman: \n\nAssistant: a", "\n\nHuman: \n\nAssistant: b", "of the prompt is empty"),
    ],
)
def test_what_is_no_comparison_is_set_aside(chosen: str, rejected: str, reason: str) -> None:
    found = row(chosen, rejected)
    assert isinstance(found, OddRow)
    assert reason in found.reason


@pytest.mark.parametrize("chosen", ["plain text", "\n\nHuman: and nothing more", 3, None])
def test_what_is_no_transcript_is_bad(chosen: object) -> None:
    assert isinstance(row(chosen, f"{ASK} x"), BadRow)


def test_the_published_file_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "hh_harmless_base" / "harmless-base_test.jsonl.gz"
    with path.open("rb") as stream:
        imported = read_comparisons(stream, path.name)
    # 1,633 rows, found by hand: four chosen completions are empty, in four rows the two
    # transcripts part before the last turn, in three the Assistant speaks twice in a row.
    assert imported.report() == [
        "1,625 comparisons (hh-rlhf)",
        "kept, 3 × turns of one speaker in a row were joined: lines 537, 919, 1309",
        "set aside, 4 × the chosen completion is empty: lines 60, 362, 640, 767",
        "set aside, 4 × chosen and rejected answer different prompts: lines 875, 1192, 1377, 1440",
    ]
    assert all(c.prompt.messages[-1].role == "user" for c in imported.comparisons)
