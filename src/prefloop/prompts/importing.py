"""Prompts from JSON Lines or CSV; near-duplicates removed; personal data taken out and reported.

A row that cannot be understood refuses the file, with its line and the number of its kind.
Columns without a meaning here are named in the result. Nothing is guessed: a file whose prompts
stand in a column of another name says so by `columns`.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TypeVar

from prefloop.core.errors import BadInput
from prefloop.core.lines import first_of, json_list, json_objects, reading, uncompressed
from prefloop.core.records import Prompt, PromptSource
from prefloop.prompts.rows import WORDS, prompt_of
from prefloop.prompts.strata import conversation
from prefloop.text.near_duplicates import leaders
from prefloop.text.redaction import Detector, redact

__all__ = [
    "Imported",
    "Privacy",
    "Repeat",
    "deduplicate",
    "read_prompts",
    "read_rows",
    "redact_prompts",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Imported:
    """A file's prompts, the line of each, and the columns that were not used."""

    prompts: tuple[Prompt, ...]
    lines: tuple[int, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Prompt `index` nearly repeats prompt `of`, which was kept."""

    index: int
    of: int


@dataclass(frozen=True, slots=True)
class Privacy:
    """What redaction found, for the person who reviews it.

    `affected` maps the index of each prompt to the kinds found in it; `detectors` says what was
    looked for, since what was not looked for was not found.
    """

    prompts: int
    detectors: tuple[str, ...]
    counts: Mapping[str, int]
    affected: Mapping[int, tuple[str, ...]]

    def lines(self) -> list[str]:
        """The report as readable lines."""
        found = [f"{kind}: {count:,}" for kind, count in self.counts.items()]
        return [
            f"{len(self.affected):,} of {self.prompts:,} prompts held personal data or secrets",
            *found,
            f"looked for: {', '.join(self.detectors)}",
        ]


def read_prompts(
    stream: BinaryIO,
    where: str,
    source: PromptSource = PromptSource.USAGE,
    columns: Mapping[str, str] | None = None,
) -> Imported:
    """The prompts of a seekable JSONL or CSV file, which may be gzipped.

    `source` is that of rows without one of their own; `columns` maps a column of the file to the
    word it stands for, such as {"utterance": "prompt", "intent": "topic"}. Raises BadInput naming
    `where` and the first line that cannot be understood, or where there is no prompt at all.
    """
    _check_words(columns or {}, WORDS)
    found = read_rows(stream, where, columns, lambda row: prompt_of(row, source, where))
    if not found:
        raise BadInput(f"{where} holds no prompts")
    unused = dict.fromkeys(name for _, (_, names) in found for name in names)
    prompts = tuple(prompt for _, (prompt, _) in found)
    return Imported(prompts, tuple(line for line, _ in found), tuple(unused))


def read_rows(
    stream: BinaryIO,
    where: str,
    columns: Mapping[str, str] | None,
    understand: Callable[[dict[str, Any]], T | str],
) -> list[tuple[int, T]]:
    """(line, what `understand` makes of its row) of a seekable JSONL or CSV file, perhaps gzipped.

    Columns are under the words that they stand for. Raises BadInput naming the first row that
    `understand` has a reason against, and for a column to be renamed that is nowhere.
    """
    plain = uncompressed(stream)
    renamed = dict(columns or {})
    good, bad, seen = list[tuple[int, T]](), list[tuple[int, str]](), set[str]()
    with reading(where):
        for line, row in _rows(plain, where):
            seen.update(row if isinstance(row, dict) else ())
            found = row if isinstance(row, str) else understand(_named(row, renamed))
            if isinstance(found, str):
                bad.append((line, found))
            else:
                good.append((line, found))
    absent = [name for name in renamed if name not in seen]
    if seen and absent:
        there = ", ".join(sorted(seen))
        raise BadInput(f'{where} has no column "{absent[0]}": choose from {there}')
    if bad:
        raise first_of(bad, where)
    return good


def deduplicate(
    prompts: Sequence[Prompt], threshold: float = 0.8
) -> tuple[tuple[int, ...], tuple[Repeat, ...]]:
    """Indices of the prompts to keep, the first of each kind, and what the others repeat.

    Whole conversations are compared: the same last turn in another conversation is no repeat.
    """
    found = leaders([conversation(prompt) for prompt in prompts], threshold).tolist()
    kept = tuple(i for i, leader in enumerate(found) if i == leader)
    repeats = tuple(Repeat(i, leader) for i, leader in enumerate(found) if i != leader)
    return kept, repeats


def redact_prompts(
    prompts: Sequence[Prompt], using: Sequence[Detector]
) -> tuple[tuple[Prompt, ...], Privacy]:
    """The prompts without what the detectors find in any turn, and the report of it."""
    clean, counts, affected = [], Counter[str](), {}
    for index, prompt in enumerate(prompts):
        turns = [redact(message.text, using) for message in prompt.messages]
        kinds = Counter(span.kind for turn in turns for span in turn.spans)
        counts += kinds
        if kinds:
            affected[index] = tuple(sorted(kinds))
            both = zip(prompt.messages, turns, strict=True)
            messages = tuple(replace(message, text=turn.text) for message, turn in both)
            prompt = replace(prompt, messages=messages)
        clean.append(prompt)
    names = tuple(detector.name for detector in using)
    return tuple(clean), Privacy(len(prompts), names, dict(sorted(counts.items())), affected)


def _rows(stream: BinaryIO, where: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    head = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(0)
    if head.startswith(b"["):
        return json_list(stream, where)
    return json_objects(stream) if head.startswith(b"{") else _csv(_decoded(stream, where))


def _decoded(stream: Iterable[bytes], where: str) -> Iterator[str]:
    for number, raw in enumerate(stream, start=1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(
                f"{where}:{number}: not UTF-8 at byte {error.start + 1}: save the file as UTF-8"
            ) from error


def _csv(text: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Rows under the header; a row of several lines is named by its first."""
    reader = csv.reader(text, strict=True)
    before = 0
    header: list[str] = []
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not header:
                header = cells
            elif len(cells) == len(header):
                yield line, dict(zip(header, cells, strict=True))
            elif cells:
                yield line, f"{len(cells)} cells under {len(header)} headings: check the commas"
    except csv.Error as error:
        yield before + 1, f"not CSV: {error}: check the quotation marks"


def _check_words(columns: Mapping[str, str], words: Sequence[str]) -> None:
    for name, word in columns.items():
        if word not in words:
            raise BadInput(f'column {name} cannot stand for "{word}": use {", ".join(words)}')


def _named(row: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The row with its columns under the words they stand for."""
    taken = set(columns.values())
    kept = {name: value for name, value in row.items() if name not in columns and name not in taken}
    return {**kept, **{word: row[name] for name, word in columns.items() if name in row}}
