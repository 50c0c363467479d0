"""Tests of models and tokenizers made from nothing."""

import pytest
import torch

from prefloop.core.errors import BadInput
from prefloop.core.records import Message, Prompt
from prefloop.models.chat import decode, encode_completions, encode_prompts
from prefloop.models.scratch import bpe_tokenizer, llama, word_tokenizer


def test_each_word_is_one_token_and_comes_back_as_it_was() -> None:
    tokenizer = word_tokenizer(["the", "price", "is", "$47", "?"])
    ids = encode_completions(tokenizer, ["the price is $47 ?"])
    assert len(ids[0]) == 6  # five words and the end marker
    assert ids[0][-1] == tokenizer.eos_token_id
    assert decode(tokenizer, ids) == ["the price is $47 ?"]


def test_a_word_outside_the_vocabulary_is_an_error_that_quotes_the_text() -> None:
    with pytest.raises(BadInput, match="the zebra"):
        encode_completions(word_tokenizer(["the"]), ["the", "the zebra"])


@pytest.mark.parametrize("word", ["two words", "", "</s>", " padded"])
def test_a_word_that_could_not_be_read_back_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="cannot be a word"):
        word_tokenizer([word])


def test_a_conversation_is_framed_by_roles_and_only_answers_end() -> None:
    tokenizer = word_tokenizer(["hi", "yes", "why"])
    messages = (Message("user", "hi"), Message("assistant", "yes"), Message("user", "why"))
    (ids,) = encode_prompts(tokenizer, [Prompt(messages)])
    assert tokenizer.convert_ids_to_tokens(ids) == [
        "<s>", "<|user|>", "hi", "<|assistant|>", "yes", "</s>", "<|user|>", "why", "<|assistant|>",
    ]  # fmt: skip


def test_byte_level_tokens_spell_any_text_even_unseen() -> None:
    tokenizer = bpe_tokenizer(["hello world"] * 10, 280)
    texts = ["  hello\n\nwörld 日本 🙂", "hello world"]
    ids = encode_completions(tokenizer, texts)
    assert decode(tokenizer, ids) == texts
    assert len(ids[1]) < len("hello world")  # what was seen often is merged


def test_a_vocabulary_too_small_for_the_bytes_is_refused() -> None:
    with pytest.raises(BadInput, match="at least 262"):  # 256 bytes and 6 markers
        bpe_tokenizer(["a"], 261)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_stream_alone() -> None:
    tokenizer = word_tokenizer(["a"])
    state = torch.get_rng_state()
    one, two, other = (
        llama(tokenizer, width=16, layers=1, heads=2, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["lm_head.weight"], other["lm_head.weight"])


def test_the_default_size_has_0_45_million_weights_for_the_desk() -> None:
    # 340 tokens: 340*128 tied embeddings; a layer: 4*128^2 attention, 3*128*352 feed-forward,
    # 2*128 norms; a last norm. 43,520 + 2 * (65,536 + 135,168 + 256) + 128 = 445,568
    tokenizer = word_tokenizer(f"w{n}" for n in range(334))
    assert sum(p.numel() for p in llama(tokenizer).parameters()) == 445_568


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(BadInput, match="width 16 in 3 heads"):
        llama(word_tokenizer(["a"]), width=16, heads=3)
