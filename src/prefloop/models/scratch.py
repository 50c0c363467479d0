"""Models and tokenizers made from nothing: small, seeded, in the formats of Hugging Face."""

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as kinds
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from prefloop.core.errors import BadInput

__all__ = ["bpe_tokenizer", "llama", "word_tokenizer"]

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant")}
MARKERS = (PAD, BOS, EOS, *ROLES.values())

# Only an assistant's turn ends with the end marker: it is what a completion must learn to say.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def word_tokenizer(words: Iterable[str]) -> Any:
    """A tokenizer whose tokens are exactly these words, split on white space.

    A word outside the vocabulary is an error when it is encoded, never an "unknown" token.
    Raises BadInput for a word with white space in it, or one that is also a marker.
    """
    vocabulary = {marker: number for number, marker in enumerate(MARKERS)}
    for word in dict.fromkeys(words):
        if word in MARKERS or len(word.split()) != 1 or word != word.strip():
            raise BadInput(f"{word!r} cannot be a word of the vocabulary: no spaces, no markers")
        vocabulary[word] = len(vocabulary)
    tokenizer = Tokenizer(kinds.WordLevel(vocabulary))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _wrapped(tokenizer)


def bpe_tokenizer(texts: Iterable[str], size: int = 4096) -> Any:
    """A byte-level BPE tokenizer of at most `size` tokens, trained on `texts`; spells any text.

    Raises BadInput if `size` leaves no room beyond the 256 bytes and the markers.
    """
    least = 256 + len(MARKERS)
    if size < least:
        raise BadInput(f"a byte-level tokenizer of {size} tokens: give at least {least}")
    tokenizer = Tokenizer(kinds.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(MARKERS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _wrapped(tokenizer)


def llama(
    tokenizer: Any,
    *,
    width: int = 128,
    layers: int = 2,
    heads: int = 4,
    inner: int | None = None,
    context: int = 512,
    seed: int = 0,
) -> LlamaForCausalLM:
    """A Llama-style decoder with random weights.

    Rotary positions, RMSNorm, SwiGLU, input and output embeddings tied. `inner` is the width
    inside the feed-forward part (default 8/3 of `width`, rounded up to a multiple of 32),
    `context` the most tokens it can read. The same seed gives the same weights. Raises BadInput
    if `heads` does not divide `width` into even parts.
    """
    if width % heads or width // heads % 2:
        raise BadInput(f"width {width} in {heads} heads: each head needs the same even width")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        intermediate_size=inner or -(-8 * width // (3 * 32)) * 32,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=width**-0.5 / 2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):  # from_pretrained's way of drawing is global
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def _wrapped(tokenizer: Tokenizer) -> Any:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=list(ROLES.values()),
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
