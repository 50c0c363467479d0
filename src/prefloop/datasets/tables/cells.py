"""The cells of a table that were asked for, row by row, each with the line its row begins on.

Nothing is guessed about a row that is not as the header says: the first one refuses the file.
"""

import csv
import difflib
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO

from prefloop.core.errors import BadInput
from prefloop.core.lines import json_list, json_objects

__all__ = ["Cells", "cells"]

Cells = Iterator[tuple[int, Sequence[Any]]]

_HEAD = 64 * 1024
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = (".jsonl", ".ndjson")


def cells(stream: BinaryIO, where: str, names: Sequence[str]) -> Cells:
    """(line from 1, the cells called `names`) of each row of a seekable, uncompressed stream.

    The file's name says what it is; where it does not, its beginning does. In a JSON array rows are
    numbered instead of lines. Raises BadInput with the line for what cannot be read, and for a
    column that is not there with the name nearest to it.
    """
    delimiter = _delimiter(stream, where)
    if delimiter in "[{":
        found = json_list(stream, where) if delimiter == "[" else json_objects(stream)
        return _picked(_objects(found, where), where, names)
    return _separated(stream, where, names, delimiter)


def _delimiter(stream: BinaryIO, where: str) -> str:
    """What separates cells; { or [ for JSON."""
    name = where.lower().removesuffix(".gz")
    suffix = name[name.rfind(".") :] if "." in name else ""
    if suffix in _DELIMITERS:
        return _DELIMITERS[suffix]
    if suffix in _JSON:
        return "{"
    head = stream.read(_HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")
    stream.seek(0)
    if head[:1] in (b"{", b"["):
        return head[:1].decode()
    first = head.split(b"\n", 1)[0]
    for delimiter in ("\t", ","):
        if delimiter.encode() in first:
            return delimiter
    what = "is no table that can be read: CSV, TSV, JSON Lines or a JSON array" if head else ""
    raise BadInput(f"{where} {what or 'is empty'}")


def _picked(rows: Iterator[tuple[int, dict[str, Any]]], where: str, names: Sequence[str]) -> Cells:
    for line, row in rows:
        try:
            yield line, [row[name] for name in names]
        except KeyError as error:
            raise BadInput(f"{where}:{line}: {_no_column(error.args[0], row)}") from None


def _objects(
    found: Iterator[tuple[int, dict[str, Any] | str]], where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, row in found:
        if isinstance(row, str):
            raise BadInput(f"{where}:{line}: {row}")
        yield line, row


def _separated(stream: BinaryIO, where: str, names: Sequence[str], delimiter: str) -> Cells:
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    begin = 1
    try:
        header = next(rows, [])
        places = _places(header, where, names)
        begin, width = rows.line_num + 1, len(header)
        for row in rows:
            if len(row) == width:
                yield begin, [row[place] for place in places]
            elif row:  # an empty line is no row
                raise BadInput(f"{where}:{begin}: {len(row)} cells, the header names {width}")
            begin = rows.line_num + 1
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}:{begin}: at or after it, not UTF-8: save it as UTF-8") from error
    except csv.Error as error:
        raise BadInput(f"{where}:{begin}: not readable as a table: {error}") from error
    finally:
        if not text.closed:
            text.detach()  # the stream is the caller's to close


def _places(header: Sequence[str], where: str, names: Sequence[str]) -> list[int]:
    if not header:
        raise BadInput(f"{where} is empty")
    twice = next((name for name in names if header.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f'{where}:1: two columns are called "{twice}": rename one')
    missing = next((name for name in names if name not in header), None)
    if missing is not None:
        raise BadInput(f"{where}:1: {_no_column(missing, header)}")
    return [header.index(name) for name in names]


def _no_column(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f'no column "{name}": ' + (
        f'did you mean "{near[0]}"?' if near else f"there are {', '.join(known) or 'none'}"
    )
