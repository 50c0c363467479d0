"""Completions that are there already: a prompt and several answers a row, to be compared.

The answers stand in one column (`completions`: texts, or objects with text and model), or in
columns of their own. A row may say which is best, and why: then it is a gold or anchor item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from prefloop.core.errors import BadInput
from prefloop.core.records import Completion, Prompt, PromptSource
from prefloop.prompts.importing import read_rows
from prefloop.prompts.rows import WORDS, prompt_of

__all__ = ["Candidates", "read_candidates"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """A prompt, its completions, and, for a known item, which is best: its number from 1, or 0
    for a tie."""

    prompt: Prompt
    completions: tuple[Completion, ...]
    best: int | None = None
    explanation: str = ""


def read_candidates(
    stream: BinaryIO,
    where: str,
    source: PromptSource = PromptSource.USAGE,
    columns: Mapping[str, str] | None = None,
    completions: Sequence[str] = (),
    known: bool = False,
) -> list[Candidates]:
    """The rows of a seekable JSONL or CSV file, perhaps gzipped.

    `completions` names the columns of the answers; without it they are a list in `completions`.
    With `known` each row must say which of its two answers is `best` (1, 2, or 0 for a tie).
    Raises BadInput naming the first line that cannot be understood.
    """
    words = (*WORDS, "completions", "best", "explanation")
    for name, word in (columns or {}).items():
        if word not in words:
            raise BadInput(f'column {name} cannot stand for "{word}": use {", ".join(words)}')

    def understand(row: dict[str, Any]) -> Candidates | str:
        asked = prompt_of(row, source, where)
        if isinstance(asked, str):
            return asked
        answers = _answers(row, completions)
        if isinstance(answers, str):
            return answers
        if not known:
            return Candidates(asked[0], answers)
        if len(answers) != 2:
            return f"{len(answers)} answers: an item with a known best has two"
        best = {"0": 0, "1": 1, "2": 2}.get(str(row.get("best", "")).strip())
        if best is None:
            return '"best" must be 1, 2, or 0 for a tie'
        return Candidates(asked[0], answers, best, str(row.get("explanation") or ""))

    found = read_rows(stream, where, columns, understand)
    if not found:
        raise BadInput(f"{where} holds no prompts with completions")
    return [one for _, one in found]


def _answers(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[Completion, ...] | str:
    missing = [name for name in (columns or ["completions"]) if name not in row]
    if missing:
        return (
            f'no column "{missing[0]}" (there is {", ".join(row)}): name those of the answers, '
            "as in --completion answer_1 --completion answer_2"
        )
    given = [row[name] for name in columns] if columns else row["completions"]
    if not isinstance(given, list):
        return '"completions" must be a list of texts, or of objects with text and model'
    answers = [_answer(one, name) for one, name in zip(given, _models(columns, given), strict=True)]
    if None in answers:
        return f"completion {answers.index(None) + 1}: a text that is not empty is wanted"
    found = tuple(one for one in answers if one is not None)
    if len({one.text for one in found}) < max(len(found), 2):
        return "at least two completions that differ are wanted, and no text twice"
    return found


def _models(columns: Sequence[str], given: Sequence[Any]) -> Sequence[str]:
    return columns or [""] * len(given)


def _answer(value: Any, model: str) -> Completion | None:
    if isinstance(value, dict):
        value, model = value.get("text"), value.get("model", model)
    if not isinstance(value, str) or not value.strip() or not isinstance(model, str):
        return None
    return Completion(value, model)
