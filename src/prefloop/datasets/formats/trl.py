"""TRL preference JSON Lines, in all the shapes TRL accepts, and back.

Read: `prompt`, `chosen`, `rejected` as text; the same as lists of messages; and without `prompt`,
where what chosen and rejected share at the beginning is the prompt (for text, cut back to a
whole word, where TRL cuts inside it). Columns that prefloop has a word for (margin, weight,
dimensions, topic, ...) are taken; the rest is kept as metadata.
Written: messages with an explicit prompt, which is read back as the same pairs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, Literal

from prefloop.core.lines import json_objects
from prefloop.core.records import Message, Pair, Prompt
from prefloop.datasets.formats.hh_rlhf import HhRlhf
from prefloop.datasets.formats.rows import BadRow, ImportedComparison, OddRow, Row
from prefloop.datasets.formats.trl_columns import Bad, Odd, columns

__all__ = ["TrlPreference"]

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
}
_CHOSEN = re.compile(rb'"(?:chosen|rejected)"\s*:\s*["\[]')


class TrlPreference:
    """The preference format of TRL's trainers."""

    name = "trl"

    def sniff(self, head: bytes, filename: str) -> bool:
        is_object = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        return is_object and bool(_CHOSEN.search(head)) and not HhRlhf().sniff(head, filename)

    def read(self, stream: BinaryIO, where: str) -> Iterator[Row]:
        for line, found in json_objects(stream):
            yield BadRow(line, found) if isinstance(found, str) else _row(found, line, where)

    def write(self, pairs: Iterable[Pair], stream: BinaryIO) -> int:
        count = 0
        for count, pair in enumerate(pairs, start=1):  # noqa: B007  the last one is the answer
            stream.write(json.dumps(_written(pair), ensure_ascii=False).encode("utf-8") + b"\n")
        return count


def _row(found: dict[str, Any], line: int, where: str) -> Row:
    try:
        messages, chosen, rejected = _conversation(found)
        known, facts, meta, note = columns(found)
        _check(messages, chosen, rejected)
    except Bad as error:
        return BadRow(line, str(error))
    except Odd as error:
        return OddRow(line, str(error))
    prompt = Prompt(messages=messages, **{"provenance": where, **facts})
    return ImportedComparison(
        prompt=prompt, chosen=chosen, rejected=rejected, line=line, meta=meta, note=note, **known
    )


def _conversation(found: dict[str, Any]) -> tuple[tuple[Message, ...], str, str]:
    """The prompt's messages and the two completions, from whichever shape the row has."""
    prompt, chosen, rejected = (found.get(key) for key in ("prompt", "chosen", "rejected"))
    if isinstance(chosen, str) and isinstance(rejected, str):
        if prompt is None:
            prompt, chosen, rejected = _split_text(chosen, rejected)
        if isinstance(prompt, str):
            return (Message("user", prompt),), chosen, rejected
        return _messages(prompt, "prompt"), chosen, rejected
    if not (isinstance(chosen, list) and isinstance(rejected, list)):
        raise Bad('"chosen" and "rejected" must both be text, or both lists of messages')
    better, worse = _messages(chosen, "chosen"), _messages(rejected, "rejected")
    if prompt is None:
        shared = _shared(better, worse)
        shared -= shared == min(len(better), len(worse))
        before, better, worse = better[:shared], better[shared:], worse[shared:]
    else:
        before = (
            (Message("user", prompt),) if isinstance(prompt, str) else _messages(prompt, "prompt")
        )
    return before, _completion(better, "chosen"), _completion(worse, "rejected")


def _split_text(chosen: str, rejected: str) -> tuple[str, str, str]:
    """The shared beginning, up to a whole word, and what follows it in each."""
    shared = chosen[: _shared(chosen, rejected)]
    if len(shared) == len(chosen) == len(rejected):
        raise Odd("chosen and rejected are equal")
    end = max(shared.rfind(space) for space in (" ", "\n", "\t"))
    if end < 1 or not shared[:end].strip():
        raise Odd("there is no prompt: chosen and rejected do not begin alike")
    return shared[:end].rstrip(), chosen[end:].lstrip(), rejected[end:].lstrip()


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many letters, or messages, both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _messages(found: Any, column: str) -> tuple[Message, ...]:
    if not isinstance(found, list):
        raise Bad(f'"{column}" must be text or a list of messages')
    messages = []
    for number, each in enumerate(found, start=1):
        role = each.get("role") if isinstance(each, dict) else None
        text = each.get("content") if isinstance(each, dict) else None
        if not (isinstance(role, str) and isinstance(text, str)):
            raise Bad(f'message {number} of "{column}" must have a role and a content, both text')
        if role not in _ROLES:
            raise Odd(f'a message has the role "{role}", which prefloop does not know')
        messages.append(Message(_ROLES[role], text))
    return tuple(messages)


def _completion(messages: tuple[Message, ...], column: str) -> str:
    if [message.role for message in messages] != ["assistant"]:
        raise Odd(f"what follows the prompt in {column} is not one assistant message")
    return messages[0].text


def _check(messages: tuple[Message, ...], chosen: str, rejected: str) -> None:
    if not messages or messages[-1].role != "user":
        raise Odd("the prompt does not end with the user")
    if not messages[-1].text.strip():
        raise Odd("the prompt is empty")
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        if not text.strip():
            raise Odd(f"the {name} completion is empty")
    if chosen == rejected:
        raise Odd("chosen and rejected are equal")


def _written(pair: Pair) -> dict[str, Any]:
    """One row. What has its default value is written too: a column is in every row or in none."""
    row = asdict(pair)
    del row["prompt"]
    return {
        "prompt": [{"role": m.role, "content": m.text} for m in pair.prompt.messages],
        **row,
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        **pair.prompt.facts,
    }
