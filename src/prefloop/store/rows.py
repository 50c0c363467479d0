"""How records stand in an artifact's files: their words as keyed digests, the rest as it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefloop.core.records import Message, Prompt, PromptSource

__all__ = ["ERASED", "prompt_is_whole", "prompt_row", "prompt_words", "read_prompt"]

# What stands in the place of a text that was erased on request.
ERASED = "[erased on request]"


def prompt_words(prompts: Iterable[Prompt]) -> Iterable[str]:
    """Every text of these prompts, for `texts.put_many`."""
    for prompt in prompts:
        for message in prompt.messages:
            yield message.text


def prompt_row(prompt: Prompt, stored: Mapping[str, str]) -> dict[str, Any]:
    """{messages, facts} with digests for words; `stored` maps texts to digests."""
    messages = [{"role": m.role, "text": stored[m.text]} for m in prompt.messages]
    return {"messages": messages, "facts": prompt.facts}


def prompt_is_whole(row: Mapping[str, Any], words: Mapping[str, str | None]) -> bool:
    """Whether no turn of a row's prompt was erased."""
    return all(words[m["text"]] is not None for m in row["messages"])


def read_prompt(row: Mapping[str, Any], words: Mapping[str, str | None]) -> Prompt:
    """The prompt of a row; `words` maps digests to texts, None for an erased one."""
    facts = {**row["facts"], "source": PromptSource(row["facts"]["source"])}
    messages = tuple(
        Message(m["role"], body if (body := words[m["text"]]) is not None else ERASED)
        for m in row["messages"]
    )
    return Prompt(messages=messages, **facts)
