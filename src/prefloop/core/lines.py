"""Bytes as people hand them over: perhaps gzipped, one JSON object per line, some lines wrong."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from prefloop.core.errors import BadInput

__all__ = ["first_of", "json_objects", "reading", "uncompressed"]

_GZIP_MAGIC = b"\x1f\x8b"


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


def first_of(bad: list[tuple[int, str]], where: str) -> BadInput:
    """The error for a file with bad lines: the first with its reason, and how many more."""
    line, reason = bad[0]
    more = f" (and {len(bad) - 1:,} more lines that cannot be read)" if len(bad) > 1 else ""
    return BadInput(f"{where}:{line}: {reason}{more}")


def _object(raw: bytes) -> dict[str, Any] | str:
    try:
        text = raw.decode("utf-8").rstrip()
        found = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():  # only an escape can smuggle in half a character
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start + 1}: save the file as UTF-8"
    except UnicodeEncodeError:
        return "an escape (\\ud...) stands for half a character: write it whole"
    except json.JSONDecodeError as error:
        return f"not JSON at character {error.pos + 1}: {error.msg}"
    except (ValueError, RecursionError) as error:
        return f"not usable JSON: {error}"
    return found if isinstance(found, dict) else "a JSON object is wanted, as in {...}"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that JSON knows")
