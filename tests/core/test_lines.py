import gzip
import io

import pytest

from prefloop.core.errors import BadInput
from prefloop.core.lines import first_of, json_objects, reading, uncompressed


def test_objects_come_with_their_lines_and_bad_lines_with_their_reason() -> None:
    lines = [b'\xef\xbb\xbf{"a": 1}\n', b" \n", b"[]\n", b'{"b": "x"}']
    assert list(json_objects(lines)) == [
        (1, {"a": 1}),
        (3, "a JSON object is wanted, as in {...}"),
        (4, {"b": "x"}),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON at character 2"),
        (b'{"a": Infinity}', "not usable JSON: Infinity is not a number that JSON knows"),
        (b'{"a": "\\uDC00"}', "an escape (\\ud...) stands for half a character"),
        (b'{"\xc3": 1}', "not UTF-8 at byte 3"),
    ],
)
def test_the_reason_says_where_and_what(line: bytes, reason: str) -> None:
    ((_, found),) = json_objects([line])
    assert isinstance(found, str)
    assert found.startswith(reason)


def test_an_escaped_pair_of_halves_is_one_character() -> None:
    assert list(json_objects([b'{"a": "\\ud83d\\ude00"}'])) == [(1, {"a": "\U0001f600"})]


@pytest.mark.parametrize("content", [b"", b"x", b"plain text"])
def test_gzip_or_not_the_content_is_the_same(content: bytes) -> None:
    assert uncompressed(io.BytesIO(content)).read() == content
    assert uncompressed(io.BytesIO(gzip.compress(content))).read() == content


def test_a_damaged_gzip_file_is_bad_input() -> None:
    stream = uncompressed(io.BytesIO(gzip.compress(b"x" * 1000)[:-9]))
    with pytest.raises(BadInput, match=r"^f: a damaged gzip file"), reading("f"):
        stream.read()


def test_one_bad_line_is_told_without_a_count() -> None:
    assert str(first_of([(3, "odd")], "f")) == "f:3: odd"
