import gzip
import io
import json

import pytest

from prefloop.core.errors import BadInput
from prefloop.datasets.formats import read_comparisons

GOOD = json.dumps({"prompt": "p", "chosen": "a", "rejected": "b"}).encode() + b"\n"
ODD = json.dumps({"prompt": "p", "chosen": "a", "rejected": "a"}).encode() + b"\n"


def refusal(content: bytes, form: str | None = "trl") -> str:
    with pytest.raises(BadInput) as caught:
        read_comparisons(io.BytesIO(content), "f.jsonl", form)
    return str(caught.value)


def test_gzip_is_seen_by_its_first_bytes_not_by_the_name() -> None:
    plain = read_comparisons(io.BytesIO(GOOD * 3), "f.jsonl")
    zipped = read_comparisons(io.BytesIO(gzip.compress(GOOD * 3)), "f.jsonl")
    assert zipped == plain


def test_a_byte_order_mark_and_blank_lines_are_no_rows() -> None:
    found = read_comparisons(io.BytesIO(b"\xef\xbb\xbf" + GOOD + b"\r\n\n" + GOOD), "f.jsonl")
    assert [row.line for row in found.comparisons] == [1, 4]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"prompt": "p"', "f.jsonl:2: not JSON at character 15: Expecting ',' delimiter"),
        (b"[1, 2]", "f.jsonl:2: a JSON object is wanted, as in {...}"),
        (b'{"a": "\xff"}', "f.jsonl:2: not UTF-8 at byte 8: save the file as UTF-8"),
        (b'{"a": "\\ud83d"}', "f.jsonl:2: an escape (\\ud...) stands for half a character"),
        (b'{"a": NaN}', "f.jsonl:2: not usable JSON: NaN is not a number that JSON knows"),
        (b"[" * 100_000, "f.jsonl:2: not usable JSON: maximum recursion depth exceeded"),
    ],
)
def test_a_line_that_cannot_be_read_refuses_the_file(line: bytes, expected: str) -> None:
    assert refusal(GOOD + line + b"\n" + GOOD).startswith(expected)


def test_the_first_bad_line_is_named_and_the_others_counted() -> None:
    assert refusal(GOOD + b"x\n" + GOOD + b"y\nz\n").endswith(
        "(and 2 more lines that cannot be read)"
    )


def test_odd_rows_are_set_aside_and_reported_with_their_lines() -> None:
    found = read_comparisons(io.BytesIO(GOOD + ODD * 14 + GOOD), "f.jsonl")
    assert len(found.comparisons) == 2
    assert found.report() == [
        "2 comparisons (trl)",
        "set aside, 14 × chosen and rejected are equal: "
        "lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, ...",
    ]


def test_a_file_without_any_comparison_is_refused() -> None:
    assert refusal(ODD * 2) == (
        "f.jsonl holds no comparison: chosen and rejected are equal (line 1, the first of 2)"
    )
    assert refusal(b"\n\n") == "f.jsonl holds no comparison"


@pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert refusal(content, None) == "f.jsonl is empty"


def test_a_damaged_gzip_file_is_refused() -> None:
    whole = gzip.compress(GOOD * 1000)
    for damaged in (whole[:-20], whole[:40] + b"\0\0\0\0" + whole[44:]):
        assert "f.jsonl: a damaged gzip file" in refusal(damaged)
