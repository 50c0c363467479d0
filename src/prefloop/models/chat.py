"""Conversations to token ids and back; the one place where a chat template is applied.

A completion is encoded by itself and ends with the tokenizer's end marker: the very tokens that
generation has to produce. What a template would print after the end marker is never trained on.
"""

from collections.abc import Sequence
from typing import Any

from prefloop.core.errors import BadInput
from prefloop.core.records import Message, Prompt

__all__ = ["PLAIN_TEMPLATE", "decode", "encode_completions", "encode_prompts", "ready"]

# For tokenizers that come without a template (base models): the roles as words.
PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def ready(tokenizer: Any, where: str) -> Any:
    """The same tokenizer, able to frame a conversation and to end a completion.

    Without a chat template it gets the plain one; raises BadInput if it has no end marker.
    """
    if tokenizer.eos_token_id is None:
        raise BadInput(f"{where}: the tokenizer has no end marker: set its eos_token")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # only a filler: masks go by lengths
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer


def encode_prompts(tokenizer: Any, prompts: Sequence[Prompt]) -> list[list[int]]:
    """Token ids of each prompt, up to and including the marker after which an answer begins.

    Each distinct conversation is encoded once. Raises BadInput for a text that the tokenizer
    cannot spell.
    """
    distinct = list(dict.fromkeys(prompt.messages for prompt in prompts))
    framed = [_framed(tokenizer, messages) for messages in distinct]
    ids = dict(zip(distinct, _encode(tokenizer, framed), strict=True))
    return [ids[prompt.messages] for prompt in prompts]


def encode_completions(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each completion, with the end marker. Raises BadInput as encode_prompts does."""
    return [[*ids, tokenizer.eos_token_id] for ids in _encode(tokenizer, texts)]


def decode(tokenizer: Any, completions: Sequence[Sequence[int]]) -> list[str]:
    """The texts of completions, without markers; spaces are left as the tokens have them."""
    if not completions:
        return []
    texts: list[str] = tokenizer.batch_decode(
        [list(ids) for ids in completions],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    return texts


def _framed(tokenizer: Any, messages: tuple[Message, ...]) -> str:
    turns = [{"role": message.role, "content": message.text} for message in messages]
    text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return text


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    if not texts:
        return []
    try:
        ids: list[list[int]] = tokenizer(
            list(texts), add_special_tokens=False, return_attention_mask=False
        )["input_ids"]
    except Exception as error:  # the tokenizers library raises bare Exception
        first = next((text for text in texts if not _spells(tokenizer, text)), texts[0])
        raise BadInput(
            f"the tokenizer cannot spell {first[:80]!r} ({error}): a word is not in its vocabulary"
        ) from error
    return ids


def _spells(tokenizer: Any, text: str) -> bool:
    try:
        tokenizer(text, add_special_tokens=False)
    except Exception:
        return False
    return True
