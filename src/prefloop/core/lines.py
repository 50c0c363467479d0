"""Bytes as people hand them over: perhaps gzipped, one JSON object per line, some lines wrong."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from prefloop.core.errors import BadInput

__all__ = ["first_of", "json_list", "json_objects", "reading", "uncompressed"]

_GZIP_MAGIC = b"\x1f\x8b"
_WHOLE = 256 * 1024 * 1024  # bytes of a JSON list, which is read in one piece
_HALF = "an escape (\\ud...) stands for half a character: write it whole"
_NO_OBJECT = "a JSON object is wanted, as in {...}"


def uncompressed(stream: BinaryIO) -> BinaryIO:
    """A seekable stream itself, or its content where it begins with gzip's magic bytes."""
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    if magic != _GZIP_MAGIC:
        return stream
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turns what a damaged gzip file raises while it is read into BadInput."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{where}: a damaged gzip file ({error}): copy it again") from error


def json_objects(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line from 1, its object, or the reason why there is none); blank lines are passed over."""
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield number, _object(line)


def json_list(stream: BinaryIO, where: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The same of one JSON list, whose rows are numbered from 1. Raises BadInput for what is no
    list, or more than 256 MiB of it."""
    raw = stream.read(_WHOLE + 1)
    if len(raw) > _WHOLE:
        raise BadInput(f"{where}: a JSON list over 256 MiB: write it as JSON Lines, a row a line")
    try:
        found = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: not UTF-8 at byte {error.start + 1}: save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON: {error}") from error
    escaped = b"\\ud" in raw.lower()
    for number, row in enumerate(found, start=1):
        half = escaped and not _whole(row)
        yield number, _HALF if half else row if isinstance(row, dict) else _NO_OBJECT


def first_of(bad: list[tuple[int, str]], where: str) -> BadInput:
    """The error for a file with bad lines: the first with its reason, and how many more."""
    line, reason = bad[0]
    more = f" (and {len(bad) - 1:,} more lines that cannot be read)" if len(bad) > 1 else ""
    return BadInput(f"{where}:{line}: {reason}{more}")


def _object(raw: bytes) -> dict[str, Any] | str:
    try:
        text = raw.decode("utf-8").rstrip()
        found = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower() and not _whole(found):
            return _HALF
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start + 1}: save the file as UTF-8"
    except json.JSONDecodeError as error:
        return f"not JSON at character {error.pos + 1}: {error.msg}"
    except (ValueError, RecursionError) as error:
        return f"not usable JSON: {error}"
    return found if isinstance(found, dict) else _NO_OBJECT


def _whole(found: Any) -> bool:
    """Whether there is no half character in it, which only an escape can smuggle in."""
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that JSON knows")
