"""One row of a prompt file as a Prompt, or the reason why it is none."""

from collections.abc import Mapping
from typing import Any, Literal

from prefloop.core.records import Message, Prompt, PromptSource

__all__ = ["WORDS", "prompt_of"]

_TEXT = ("topic", "specialty", "language", "provenance")
_SWITCHES = ("hard", "high_stakes")
WORDS = ("prompt", "source", *_TEXT, *_SWITCHES)
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
}


def prompt_of(
    row: Mapping[str, Any], source: PromptSource, where: str
) -> tuple[Prompt, list[str]] | str:
    """(the prompt, columns that were not used), or what is wrong with the row.

    `prompt` is text or a list of messages. An empty cell says nothing; `where` is the provenance
    of a row without one.
    """
    if "prompt" not in row:
        return (
            f'no column "prompt" (there is {", ".join(row)}): name the column that holds it, '
            "as in --column text=prompt"
        )
    messages = _messages(row["prompt"])
    if isinstance(messages, str):
        return messages
    facts: dict[str, Any] = {"source": source, "provenance": where}
    for name in WORDS[1:]:
        value = row.get(name)
        if value is None or value == "":
            continue
        fact = _fact(name, value)
        if fact is None:
            return f'"{name}" must be {_wanted(name)}, found {value!r:.60}'
        facts[name] = fact
    return Prompt(messages=messages, **facts), [name for name in row if name not in WORDS]


def _messages(found: Any) -> tuple[Message, ...] | str:
    if isinstance(found, str):
        return (Message("user", found),) if found.strip() else "the prompt is empty"
    if not isinstance(found, list) or not found:
        return '"prompt" must be text or a list of messages'
    messages = []
    for number, each in enumerate(found, start=1):
        role, text = (each.get("role"), each.get("content")) if isinstance(each, dict) else (0, 0)
        if not isinstance(role, str) or role not in _ROLES or not isinstance(text, str):
            return f"message {number}: a role (system, user, assistant) and a text are wanted"
        messages.append(Message(_ROLES[role], text))
    if messages[-1].role != "user" or not messages[-1].text.strip():
        return "a prompt must end with words of the user"
    return tuple(messages)


def _fact(name: str, value: Any) -> Any:
    """The value as the prompt keeps it, None where it does not fit."""
    if name in _SWITCHES:
        return {"true": True, "false": False}.get(str(value).lower())
    if not isinstance(value, str):
        return None
    if name == "source":
        return PromptSource(value) if value in set(PromptSource) else None
    return value


def _wanted(name: str) -> str:
    if name in _SWITCHES:
        return "true or false"
    return f"one of {', '.join(PromptSource)}" if name == "source" else "text"
