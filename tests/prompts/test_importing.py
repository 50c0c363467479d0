import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from prefloop.core.errors import BadInput
from prefloop.core.records import Message, Prompt, PromptSource
from prefloop.prompts.importing import (
    Imported,
    Repeat,
    deduplicate,
    read_prompts,
    redact_prompts,
)
from prefloop.text.redaction import detectors


def read(content: str | bytes, **how: Any) -> Imported:
    raw = content.encode() if isinstance(content, str) else content
    return read_prompts(io.BytesIO(raw), "p", **how)


def refusal(content: str | bytes, **how: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(content, **how)
    return str(caught.value)


def test_json_lines_become_prompts() -> None:
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "and?"},
    ]
    rows: list[dict[str, Any]] = [
        {"prompt": "one", "topic": "a", "hard": True, "source": "expert", "id": 7},
        {"prompt": turns, "high_stakes": False, "topic": None},
    ]
    found = read("\n\n".join(map(json.dumps, rows)), source=PromptSource.SYNTHETIC)
    assert found.prompts == (
        Prompt.of("one", topic="a", hard=True, source=PromptSource.EXPERT, provenance="p"),
        Prompt(
            messages=(
                Message("user", "hi"),
                Message("assistant", "hello"),
                Message("user", "and?"),
            ),
            source=PromptSource.SYNTHETIC,
            provenance="p",
        ),
    )
    assert found.lines == (1, 3)
    assert found.unused == ("id",)


def test_csv_becomes_prompts_with_the_lines_where_rows_begin() -> None:
    found = read('\ufeffprompt,hard,topic\n"two\nlines",TRUE,\nlast,,t\n')
    assert [prompt.text for prompt in found.prompts] == ["two\nlines", "last"]
    assert [prompt.hard for prompt in found.prompts] == [True, False]
    assert found.lines == (2, 4)


def test_columns_of_other_names_are_said_not_guessed() -> None:
    content = "utterance,intent,prompt\nhello,greet,not this\n"
    found = read(content, columns={"utterance": "prompt", "intent": "topic"})
    assert found.prompts == (Prompt.of("hello", topic="greet", provenance="p"),)


def test_gzip_is_seen_by_its_first_bytes() -> None:
    assert read(gzip.compress(b'{"prompt": "x"}')).prompts[0].text == "x"


def test_a_json_list_is_read_like_lines() -> None:
    assert [one.text for one in read('[{"prompt": "x"},\n{"prompt": "y"}]').prompts] == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "p holds no prompts"),
        ("prompt,topic\n", "p holds no prompts"),
        ('[{"prompt": "x"}, {"prompt": 3}]', 'p:2: "prompt" must be text or a list of messages'),
        ('[{"prompt": "x"}, 3]', "p:2: a JSON object is wanted, as in {...}"),
        ('[{"prompt": "x"}', "p: not JSON: "),
        ("text,topic\nx,y\n", 'p:2: no column "prompt" (there is text, topic): name the column'),
        ("prompt,topic\nx\n", "p:2: 1 cells under 2 headings: check the commas"),
        ('prompt\n"x\n', "p:2: not CSV: unexpected end of data: check the quotation marks"),
        ("prompt,hard\nx,maybe\n", "p:2: \"hard\" must be true or false, found 'maybe'"),
        ('prompt\n" "\n', "p:2: the prompt is empty"),
        (b"prompt\nok\n\xff\n", "p:3: not UTF-8 at byte 1: save the file as UTF-8"),
        ('{"prompt": "x"', "p:1: not JSON at character 15"),
        ('{"prompt": 3}', 'p:1: "prompt" must be text or a list of messages'),
        ('{"prompt": []}', 'p:1: "prompt" must be text or a list of messages'),
        ('{"prompt": [{"role": "tool", "content": "x"}]}', "p:1: message 1: a role"),
        ('{"prompt": [{"role": "assistant", "content": "x"}]}', "p:1: a prompt must end with"),
        ('{"prompt": "x", "source": "forum"}', 'p:1: "source" must be one of usage, synthetic'),
        ('{"prompt": "x", "topic": 3}', 'p:1: "topic" must be text, found 3'),
        (gzip.compress(b'{"prompt": "x"}\n' * 999, mtime=0)[:-12], "p: a damaged gzip file"),
    ],
)
def test_what_cannot_be_understood_refuses_the_file(content: str | bytes, expected: str) -> None:
    assert refusal(content).startswith(expected)


def test_the_first_bad_line_is_named_and_the_others_counted() -> None:
    assert refusal('{"prompt": "x"}\n{}\n{}\n').startswith("p:2: ")
    assert refusal('{"prompt": "x"}\n{}\n{}\n').endswith("(and 1 more lines that cannot be read)")


def test_a_column_or_word_that_is_not_there_is_refused() -> None:
    content = "text,intent\nx,y\n"
    assert refusal(content, columns={"txt": "prompt"}) == (
        'p has no column "txt": choose from intent, text'
    )
    assert refusal(content, columns={"text": "promt"}).startswith(
        'column text cannot stand for "promt": use prompt, source,'
    )


def test_repeats_name_what_they_repeat() -> None:
    texts = ["Where is my parcel today?", "Tell me a joke.", "where is my parcel today"]
    kept, repeats = deduplicate([Prompt.of(text) for text in texts])
    assert (kept, repeats) == ((0, 1), (Repeat(2, 0),))


def test_the_same_last_turn_in_another_conversation_is_no_repeat() -> None:
    prompts = [
        Prompt(messages=(Message("user", start), Message("assistant", "ok"), Message("user", "go")))
        for start in ("book a table for two in Rome", "what does the premium plan cost")
    ]
    assert deduplicate(prompts) == ((0, 1), ())


def test_redaction_cleans_every_turn_and_says_what_was_looked_for() -> None:
    prompts = [
        Prompt.of("nothing"),
        Prompt(
            messages=(
                Message("user", "I am a@example.com, b@example.com"),
                Message("assistant", "ok"),
                Message("user", "from 8.8.8.8"),
            ),
            topic="t",
        ),
    ]
    clean, report = redact_prompts(prompts, detectors(["email", "ipv4"]))
    assert clean[0] is prompts[0]
    assert [m.text for m in clean[1].messages] == ["I am [EMAIL], [EMAIL]", "ok", "from [IP]"]
    assert clean[1].topic == "t"
    assert report.affected == {1: ("EMAIL", "IP")}
    assert report.lines() == [
        "1 of 2 prompts held personal data or secrets",
        "EMAIL: 2",
        "IP: 1",
        "looked for: email, ipv4",
    ]


def test_real_questions_are_read_whole(shared_data: Path) -> None:
    path = shared_data / "support_banking77" / "test.csv.gz"
    with path.open("rb") as stream:
        columns = {"text": "prompt", "category": "topic"}
        found = read_prompts(stream, path.name, columns=columns)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(p.text, p.topic) for p in found.prompts] == [(r["text"], r["category"]) for r in rows]
    assert len(found.prompts) == 2183
