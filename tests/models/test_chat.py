"""Tests of framing and encoding."""

from typing import Any

import pytest

from prefloop.core.errors import BadInput
from prefloop.core.records import Message, Prompt
from prefloop.models.chat import decode, encode_completions, encode_prompts, ready
from prefloop.models.scratch import bpe_tokenizer


@pytest.fixture
def tokenizer() -> Any:
    return bpe_tokenizer(["user: hello assistant: hi there"], 300)


def test_a_tokenizer_without_a_template_gets_the_plain_one(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    ready(tokenizer, "here")
    messages = (Message("user", "hello"), Message("assistant", "hi"), Message("user", "there"))
    (ids,) = encode_prompts(tokenizer, [Prompt(messages)])
    assert decode(tokenizer, [ids]) == ["user: hello\nassistant: hi\nuser: there\nassistant:"]


def test_a_tokenizer_without_an_end_marker_is_refused(tokenizer: Any) -> None:
    tokenizer.eos_token = None
    with pytest.raises(BadInput, match=r"some/folder.*end marker"):
        ready(tokenizer, "some/folder")


def test_a_tokenizer_without_padding_pads_with_its_end_marker(tokenizer: Any) -> None:
    tokenizer.pad_token = None
    assert ready(tokenizer, "here").pad_token_id == tokenizer.eos_token_id


def test_prompts_come_back_in_order_and_equal_ones_are_equal(tokenizer: Any) -> None:
    one, two = Prompt.of("hello"), Prompt.of("there")
    ids = encode_prompts(tokenizer, [one, two, one])
    assert ids[0] == ids[2] != ids[1]


def test_nothing_encodes_and_decodes_to_nothing(tokenizer: Any) -> None:
    assert encode_prompts(tokenizer, []) == []
    assert encode_completions(tokenizer, []) == []
    assert decode(tokenizer, []) == []


def test_an_empty_completion_is_only_its_end_marker(tokenizer: Any) -> None:
    assert encode_completions(tokenizer, [""]) == [[tokenizer.eos_token_id]]
