import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.records import Message, Pair, Prompt, PromptSource
from prefloop.datasets.formats.reading import read_comparisons
from prefloop.datasets.formats.rows import BadRow, ImportedComparison, OddRow, Row
from prefloop.datasets.formats.trl import TrlPreference


def row(**columns: Any) -> Row:
    (only,) = TrlPreference().read(io.BytesIO(json.dumps(columns).encode()), "trl.jsonl")
    return only


def comparison(**columns: Any) -> ImportedComparison:
    found = row(**columns)
    assert isinstance(found, ImportedComparison)
    return found


def says(text: str, role: str = "assistant") -> dict[str, str]:
    return {"role": role, "content": text}


USER = says("What color is the sky?", "user")


@pytest.mark.parametrize(
    "columns",
    [
        {"prompt": "What color is the sky?", "chosen": "blue", "rejected": "green"},
        {"prompt": [USER], "chosen": [says("blue")], "rejected": [says("green")]},
        {"prompt": [USER], "chosen": "blue", "rejected": "green"},
        {
            "prompt": "What color is the sky?",
            "chosen": [says("blue")],
            "rejected": [says("green")],
        },
        {"chosen": [USER, says("blue")], "rejected": [USER, says("green")]},
        {
            "chosen": "What color is the sky? blue",
            "rejected": "What color is the sky? green",
        },
    ],
)
def test_all_shapes_give_the_same_comparison(columns: dict[str, Any]) -> None:
    found = comparison(**columns)
    assert found.prompt == Prompt.of("What color is the sky?", provenance="trl.jsonl")
    assert (found.chosen, found.rejected) == ("blue", "green")


def test_a_conversation_of_several_turns_keeps_its_turns() -> None:
    before = [says("Be brief.", "system"), USER, says("Which sky?"), says("Ours.", "user")]
    for columns in (
        {"prompt": before, "chosen": [says("blue")], "rejected": [says("green")]},
        {"chosen": [*before, says("blue")], "rejected": [*before, says("green")]},
    ):
        roles = [message.role for message in comparison(**columns).prompt.messages]
        assert roles == ["system", "user", "assistant", "user"]


def test_an_implicit_prompt_ends_with_a_whole_word() -> None:
    found = comparison(chosen="The sky is blue", rejected="The sky is black")
    assert (found.prompt.text, found.chosen, found.rejected) == ("The sky is", "blue", "black")


def test_columns_with_a_word_of_ours_are_taken_and_the_rest_is_kept() -> None:
    found = comparison(
        prompt="p",
        chosen="a",
        rejected="b",
        margin=0.5,
        weight=2,
        topic="billing",
        source="adversarial",
        hard=True,
        dimensions={"honest": -1},
        score_chosen=7.5,
        specialty=None,
    )
    assert (found.margin, found.weight, found.dimensions) == (0.5, 2, {"honest": -1})
    assert found.prompt == Prompt.of(
        "p", topic="billing", source=PromptSource.ADVERSARIAL, hard=True, provenance="trl.jsonl"
    )
    assert (found.meta, found.note) == ({"score_chosen": 7.5}, "")


def test_a_margin_or_source_of_another_meaning_is_noted_and_not_used() -> None:
    found = comparison(prompt="p", chosen="a", rejected="b", margin=2.5, source="forum")
    assert (found.margin, found.prompt.source) == (1.0, PromptSource.USAGE)
    assert found.meta == {"margin": 2.5, "source": "forum"}
    assert '"margin" is no share of votes (0 to 1): kept as metadata' in found.note


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"chosen": "a", "rejected": "a"}, "equal"),
        ({"prompt": "p", "chosen": "a", "rejected": "a"}, "equal"),
        ({"chosen": [USER, says("a")], "rejected": [USER, says("a")]}, "equal"),
        ({"chosen": "yes", "rejected": "no"}, "there is no prompt"),
        ({"prompt": " ", "chosen": "a", "rejected": "b"}, "the prompt is empty"),
        ({"prompt": "p", "chosen": "a", "rejected": ""}, "the rejected completion is empty"),
        ({"prompt": [], "chosen": "a", "rejected": "b"}, "does not end with the user"),
        (
            {"prompt": [USER], "chosen": [says("a"), says("b")], "rejected": [says("c")]},
            "what follows the prompt in chosen is not one assistant message",
        ),
        (
            {"prompt": [says("x", "tool")], "chosen": "a", "rejected": "b"},
            'the role "tool", which prefloop does not know',
        ),
    ],
)
def test_what_is_no_comparison_is_set_aside(columns: dict[str, Any], reason: str) -> None:
    found = row(**columns)
    assert isinstance(found, OddRow)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"prompt": "p", "chosen": "a"}, "must both be text, or both lists"),
        ({"prompt": "p", "chosen": "a", "rejected": [says("b")]}, "must both be text"),
        ({"prompt": 3, "chosen": "a", "rejected": "b"}, '"prompt" must be text or a list'),
        ({"prompt": [{"role": "user"}], "chosen": "a", "rejected": "b"}, 'message 1 of "prompt"'),
        ({"prompt": "p", "chosen": "a", "rejected": "b", "weight": "x"}, '"weight" must be a num'),
        ({"prompt": "p", "chosen": "a", "rejected": "b", "margin": "x"}, '"margin" must be a num'),
        ({"prompt": "p", "chosen": "a", "rejected": "b", "topic": 4}, '"topic" must be text'),
        ({"prompt": "p", "chosen": "a", "rejected": "b", "split": "dev"}, '"split" must be "train'),
    ],
)
def test_what_cannot_be_understood_is_bad(columns: dict[str, Any], reason: str) -> None:
    found = row(**columns)
    assert isinstance(found, BadRow)
    assert reason in found.reason


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
PROMPTS = st.builds(
    Prompt,
    messages=WORDS.map(lambda text: (Message("system", ""), Message("user", text))),
    topic=st.text("abc"),
    source=st.sampled_from(PromptSource),
    hard=st.booleans(),
    provenance=st.text("abc"),
)
PAIRS = st.builds(
    Pair,
    prompt=PROMPTS,
    chosen=WORDS,
    rejected=WORDS,
    margin=st.floats(0, 1),
    weight=st.floats(0, 10),
    agreement=st.floats(0, 1),
    judgments=st.integers(1, 9),
    dimensions=st.dictionaries(st.text("abc"), st.integers(-1, 1), max_size=3),
    split=st.sampled_from(["train", "held_out"]),
).filter(lambda pair: pair.chosen != pair.rejected)


@given(st.lists(PAIRS, min_size=1, max_size=4))
def test_what_is_written_is_read_back_as_the_same_pairs(pairs: list[Pair]) -> None:
    stream = io.BytesIO()
    assert TrlPreference().write(pairs, stream) == len(pairs)
    stream.seek(0)
    imported = read_comparisons(stream, "again.jsonl")
    assert imported.format == "trl"
    assert [found.as_pair() for found in imported.comparisons] == pairs
    assert all(not found.meta and not found.note for found in imported.comparisons)


def test_nothing_written_is_no_row() -> None:
    stream = io.BytesIO()
    assert TrlPreference().write([], stream) == 0
    assert stream.getvalue() == b""
