"""JSON Lines: one object per line, each line right or named as wrong."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from prefloop.datasets.formats.rows import BadRow

__all__ = ["json_objects"]


def json_objects(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """The objects of a JSON Lines file with their lines, from 1; blank lines are passed over."""
    for number, raw in enumerate(stream, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield number, _object(line, number)


def _object(raw: bytes, line: int) -> dict[str, Any] | BadRow:
    try:
        text = raw.decode("utf-8").rstrip()
        found = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():  # only an escape can smuggle in half a character
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        return BadRow(line, f"not UTF-8 at byte {error.start + 1}: save the file as UTF-8")
    except UnicodeEncodeError:
        return BadRow(line, "an escape (\\ud...) stands for half a character: write it whole")
    except json.JSONDecodeError as error:
        return BadRow(line, f"not JSON at character {error.pos + 1}: {error.msg}")
    except (ValueError, RecursionError) as error:
        return BadRow(line, f"not usable JSON: {error}")
    if not isinstance(found, dict):
        return BadRow(line, 'a JSON object is wanted, as in {"chosen": ..., "rejected": ...}')
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that JSON knows")
