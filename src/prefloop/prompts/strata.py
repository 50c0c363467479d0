"""What kind of prompt a prompt is, as far as its text tells: length and complexity."""

import re
from collections.abc import Sequence

from prefloop.core.records import Prompt

__all__ = ["complexity", "conversation", "length", "stratum"]

_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")


def conversation(prompt: Prompt) -> str:
    """All turns as one text, for comparing prompts with each other."""
    return "\n".join(message.text for message in prompt.messages)


def length(prompt: Prompt, edges: Sequence[int]) -> str:
    """The bucket of the last turn's words: "short" up to the first edge, "medium", "long"."""
    words = len(prompt.text.split())
    return ("short", "medium", "long")[sum(words > edge for edge in edges)]


def complexity(prompt: Prompt) -> str:
    """ "conversation" with earlier turns, else "several" sentences or "one"."""
    if any(message.role == "assistant" for message in prompt.messages):
        return "conversation"
    ends = len(_SENTENCE.findall(prompt.text.strip() + " "))
    return "several" if ends > 1 else "one"


def stratum(prompt: Prompt, edges: Sequence[int]) -> tuple[str, str, str]:
    """(topic, length, complexity)."""
    return prompt.topic, length(prompt, edges), complexity(prompt)
