"""HH-RLHF transcripts (Bai et al. 2022): {"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", ...}.

What both transcripts share up to their last Assistant turn is the prompt. Turns of one speaker
in a row are joined and noted. Set aside: different prompts, equal or empty completions, and
transcripts that do not go user, assistant, user, ..., assistant.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal, TypeGuard

from prefloop.core.lines import json_objects
from prefloop.core.records import Message, Prompt
from prefloop.datasets.formats.rows import BadRow, ImportedComparison, OddRow, Row

__all__ = ["HhRlhf"]

_TURN = re.compile(r"\n\n(Human|Assistant):")
_LAST = "\n\nAssistant:"
_ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}
_SNIFF = re.compile(rb'"(?:chosen|rejected)"\s*:\s*"\\n\\nHuman:')


class HhRlhf:
    """The format of Anthropic's helpful and harmless preference data."""

    name = "hh-rlhf"

    def sniff(self, head: bytes, filename: str) -> bool:
        return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and bool(_SNIFF.search(head))

    def read(self, stream: BinaryIO, where: str) -> Iterator[Row]:
        for line, found in json_objects(stream):
            yield BadRow(line, found) if isinstance(found, str) else _row(found, line, where)


def _row(found: dict[str, Any], line: int, where: str) -> Row:
    chosen, rejected = found.get("chosen"), found.get("rejected")
    if not (_is_transcript(chosen) and _is_transcript(rejected)):
        return BadRow(
            line,
            '"chosen" and "rejected" must be text that goes "\\n\\nHuman: ...\\n\\nAssistant:"',
        )
    before, _, better = chosen.rpartition(_LAST)
    if before != rejected.rpartition(_LAST)[0]:
        return OddRow(line, "chosen and rejected answer different prompts")
    worse = rejected.rpartition(_LAST)[2]
    messages, joined = _messages(before)
    fault = _fault(messages, better.strip(), worse.strip())
    if fault:
        return OddRow(line, fault)
    return ImportedComparison(
        prompt=Prompt(messages=messages, provenance=where),
        chosen=better.strip(),
        rejected=worse.strip(),
        line=line,
        meta={key: found[key] for key in found if key not in ("chosen", "rejected")},
        note="turns of one speaker in a row were joined" if joined else "",
    )


def _is_transcript(text: Any) -> TypeGuard[str]:
    return isinstance(text, str) and text.startswith("\n\nHuman:") and _LAST in text


def _messages(text: str) -> tuple[tuple[Message, ...], bool]:
    """The turns of a transcript, and whether any had to be joined."""
    _, *parts = _TURN.split(text)
    messages: list[Message] = []
    for speaker, said in zip(parts[::2], parts[1::2], strict=True):
        role = _ROLES[speaker]
        if messages and messages[-1].role == role:
            said = f"{messages.pop().text}\n\n{said.strip()}"
        messages.append(Message(role, said.strip()))
    return tuple(messages), len(messages) < len(parts) // 2


def _fault(messages: tuple[Message, ...], better: str, worse: str) -> str:
    """Why this is no comparison; empty where it is one."""
    if messages[-1].role != "user":
        return "two Assistant turns at the end"
    if any(not message.text for message in messages):
        return "a turn of the prompt is empty"
    for name, text in (("chosen", better), ("rejected", worse)):
        if not text:
            return f"the {name} completion is empty"
        if _TURN.search(text):
            return f"the {name} transcript ends with a Human turn"
    return "chosen and rejected are equal" if better == worse else ""
