"""Any table: its judgments as codes, and everything that is wrong with it by line."""

import csv
import gzip
import io
import itertools
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.datasets.tables import Table, TableColumns, read_table

LONG: dict[str, Any] = {"label": ("said",), "annotator": "who", "item": ("q",)}
PAIR: dict[str, Any] = {
    "label": ("winner",),
    "annotator": "who",
    "item": ("q",),
    "sides": ("left", "right"),
    "first": ("left",),
    "second": ("right",),
    "tie": ("tie",),
}
TEXTS: dict[str, Any] = {
    "label": ("said",),
    "annotator": "who",
    "prompt": ("ask",),
    "completions": ("one", "two"),
    "first": ("1",),
    "second": ("2",),
}


def read(text: str | bytes, where: str = "t.csv", **columns: Any) -> Table:
    raw = text.encode() if isinstance(text, str) else text
    return read_table(io.BytesIO(raw), where, TableColumns(**{**LONG, **columns}))


def pair(*rows: str, **more: Any) -> Table:
    text = "\n".join(["q,left,right,who,winner", *rows]) + "\n"
    return read_table(io.BytesIO(text.encode()), "t.csv", TableColumns(**{**PAIR, **more}))


def named(table: Table) -> list[tuple[Any, str, str]]:
    """(item, annotator, label) in words."""
    names = dict(enumerate(table.categories)) or {1: "a", -1: "b", 0: "tie"}
    return [
        (table.items[i], table.annotators[w], names[x])
        for i, w, x in zip(
            table.item.tolist(), table.annotator.tolist(), table.label.tolist(), strict=True
        )
    ]


def test_one_row_is_one_judgment() -> None:
    table = read("q,who,said,else\n1,ann,yes,x\n1,bob,no,\n2,ann, yes ,\n")
    assert named(table) == [("1", "ann", "yes"), ("1", "bob", "no"), ("2", "ann", "yes")]
    assert table.categories == ("no", "yes")
    assert table.report()[:2] == [
        "3 judgments of 2 items by 2 annotators",
        "labels: yes 2, no 1",
    ]


def test_one_row_with_a_column_for_each_annotator() -> None:
    table = read(
        "q\tann\tbob\n1\tyes\tno\n2\t\tno\n", "t.tsv", label=("ann", "bob"), annotator=None
    )
    # An empty cell: ann did not judge the second.
    assert named(table) == [("1", "ann", "yes"), ("1", "bob", "no"), ("2", "bob", "no")]


@pytest.mark.parametrize("where", ["t.jsonl", "t"])
def test_json_lines_and_a_json_array_say_the_same_as_csv(where: str) -> None:
    rows = [{"q": 1, "who": "ann", "said": True}, {"q": "2", "who": 7, "said": False}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    wanted = [("1", "ann", "true"), ("2", "7", "false")]
    assert named(read(lines, where)) == wanted
    assert named(read(gzip.compress(lines.encode()), f"{where}.gz")) == wanted
    assert named(read(json.dumps(rows), "t.json")) == wanted
    assert named(read("q,who,said\n1,ann,true\n2,7,false\n", "t")) == wanted


def test_sides_are_put_into_one_order_however_a_row_names_them() -> None:
    table = pair("1,m1,m2,ann,left", "1,m2,m1,bob,right", "1,m2,m1,cy,left", as_shown=True)
    assert table.items == ["1|m1|m2"]
    # ann and bob both prefer m1, the smaller name, which is a; cy prefers m2.
    assert table.label.tolist() == [1, 1, -1]
    assert table.shown is not None
    assert table.shown.tolist() == [1, -1, -1]  # ann saw m1 first, bob and cy m2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["left", "right", "tie"])), max_size=9))
def test_turning_rows_round_changes_nothing(rows: list[tuple[bool, str]]) -> None:
    turn = {"left": "right", "right": "left", "tie": "tie"}
    plain = [f"{n},m1,m2,ann,{said}" for n, (_, said) in enumerate(rows)]
    turned = [
        f"{n},m2,m1,ann,{turn[said]}" if flip else f"{n},m1,m2,ann,{said}"
        for n, (flip, said) in enumerate(rows)
    ]
    if rows:
        assert named(pair(*plain)) == named(pair(*turned))


def test_texts_are_the_item_and_a_row_that_compares_nothing_is_set_aside() -> None:
    text = "ask,one,two,who,said\nHow?,x,y,ann,1\nHow?,y,x,bob,1\nHow?,x,x,ann,1\nHow?,x,,ann,2\n"
    table = read(text, item=(), **{k: v for k, v in TEXTS.items() if k not in LONG})
    assert table.items == [("How?", "x", "y")]
    assert table.label.tolist() == [1, -1]
    assert [(row.line, row.reason) for row in table.odd] == [
        (4, "both completions are the same text"),
        (5, "a completion is empty"),
    ]
    assert table.report()[-1] == "set aside, 1 × a completion is empty: line 5"


def test_a_prompt_in_two_columns_is_joined_and_an_empty_part_left_out() -> None:
    rows = [
        {"ask": "Sum up.", "in": "A text.", "one": "x", "two": "y", "who": "ann", "said": 1},
        {"ask": "Say hi.", "in": "", "one": "x", "two": "y", "who": "ann", "said": 2},
        {"ask": "Say hi.", "in": "", "one": True, "two": "y", "who": "bob", "said": 2},
    ]
    table = read(json.dumps(rows), "t.json", **{**TEXTS, "prompt": ("ask", "in"), "item": ()})
    assert [item[0] for item in table.items] == ["Sum up.\n\nA text.", "Say hi."]
    assert [row.reason for row in table.odd] == ["a completion is true or false, no text"]


def test_topic_time_gold_and_active_time_are_kept() -> None:
    table = read(
        "q,who,said,topic,when,took,truth\n"
        "1,ann,yes,tone,2026-07-01T12:00:00Z,1500,yes\n"
        "2,ann,no,,1782907200,,\n",
        topic="topic",
        time="when",
        active_ms="took",
        gold="truth",
    )
    # 2026-07-01 12:00 UTC is 1,782,907,200 seconds after 1970.
    assert table.at is not None
    assert table.active_ms is not None
    assert table.at.tolist() == [1782907200 * 10**6] * 2
    assert table.active_ms.tolist() == [1500, 0]
    assert table.topics == {0: "tone", 1: ""}
    assert table.gold == {0: 1}  # no, yes
    assert "items with a gold answer: 1" in table.report()


def test_numbers_are_put_in_order_and_are_the_same_however_written() -> None:
    table = read("q,who,said\n1,ann,10\n1,bob,2\n2,ann,2.0\n2,bob,10\n", scale="interval")
    assert table.categories == ("2", "10")
    assert table.label.tolist() == [1, 0, 0, 1]
    ranked = read(
        "q,who,said\n1,ann,high\n1,bob,low\n", scale="ordinal", categories=("low", "mid", "high")
    )
    assert (ranked.categories, ranked.label.tolist()) == (("low", "mid", "high"), [2, 0])


def test_repeats_are_kept_as_repeats_where_they_were_announced() -> None:
    table = read("q,who,said\n1,ann,yes\n1,bob,yes\n1,ann,no\n", repeats=True)
    assert table.again.tolist() == [False, False, True]
    assert "repeats by the same annotator: 1" in table.report()


def test_one_label_only_is_a_table_all_the_same() -> None:
    table = read("q,who,said\n1,ann,yes\n1,bob,yes\n")
    assert (table.categories, table.label.tolist()) == (("yes",), [0, 0])


HEAD = "q,who,said\n1,ann,yes\n"


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("", {}, "t.csv is empty"),
        ("q,who,said\n", {}, "t.csv holds no judgment"),
        ("q,who,Said\n1,ann,yes\n", {}, r't.csv:1: no column "said": did you mean "Said"\?'),
        ("a,b\n1,2\n", {}, 't.csv:1: no column "said": there are a, b'),
        ("q,who,said,who\n1,ann,yes,x\n", {}, 'two columns are called "who"'),
        (HEAD + "2,ann\n", {}, "t.csv:3: 2 cells, the header names 3"),
        (HEAD + "2,ann,no,\n", {}, "t.csv:3: 4 cells, the header names 3"),
        (HEAD + "2,ann,\n", {}, 't.csv:3: "said" is empty'),
        (HEAD + "2,,no\n", {}, 't.csv:3: "who" is empty'),
        (HEAD + '2,ann,"no\n', {}, "t.csv:3: not readable as a table"),
        (HEAD.encode() + b"2,ann,n\xe9\n", {}, "not UTF-8: save it as UTF-8"),
        (HEAD + "1,ann,no\n", {}, "t.csv:3: ann judged '1' before, on line 2: .*--repeats"),
        (HEAD + "2,ann,yess\n", {"categories": ("yes", "no")}, 'none of "yes", "no": did you'),
        (HEAD + "2,ann,7\n", {}, 'mixed types: the number "7" on line 3, "yes" on line 2'),
        (HEAD + "2,ann,7\n", {"scale": "ratio"}, 't.csv:2: "yes" is no number'),
        ("q,who,said\n1,ann,nan\n", {"scale": "interval"}, '"nan" is no number'),
        (HEAD, {"gold": "q"}, "mixed types"),
        (HEAD + "1,bob,yes\n", {"topic": "who"}, 'topic "bob", where "ann" was said before'),
        (HEAD + "2,bob,yes\n", {"time": "q"}, '"1" is no time after 1973'),
        (HEAD, {"time": "who"}, '"ann" is no time: ISO 8601'),
        (HEAD, {"active_ms": "who"}, '"ann" is no number'),
        ("q,who,said\n-5,ann,yes\n", {"active_ms": "q"}, '"q" is -5: milliseconds'),
        (gzip.compress(HEAD.encode())[:-9], {}, "damaged gzip"),
    ],
)
def test_what_is_wrong_is_one_line(text: str | bytes, columns: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(text, **columns)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"said": 1}, {"said": "1"}], "t.jsonl:2: labels of mixed types: text here, a number on"),
        ([{"said": 1}, {"said": True}], "true or false here, a number on line 1"),
        ([{"said": "x"}, {"said": ["x"]}], 't.jsonl:2: "said" is list'),
        ([{"said": "x"}, {"said": None}], 't.jsonl:2: "said" is empty'),
        ([{"said": "x"}, {"Said": "y"}], 't.jsonl:2: no column "said": did you mean "Said"'),
    ],
)
def test_mixed_types_in_json_are_refused(rows: list[dict[str, Any]], said: str) -> None:
    lines = [json.dumps({"q": n, "who": "ann", **row}) for n, row in enumerate(rows)]
    with pytest.raises(BadInput, match=said):
        read("\n".join(lines), "t.jsonl")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[{}, 3]", 't.json:1: no column "said"'),
        (b"[3]", "t.json:1: a JSON object is wanted"),
        (b'[{"q": 1e999, "who": "x", "said": "y"}]', "no finite number"),
        (b"[\xff]", "not UTF-8 at byte 2"),
        (b'[{"q": "\\ud800", "who": "x", "said": "y"}]', "t.json:1: an escape .* half a character"),
        (b'[{"q": 1, "who": "x\\u0000", "said": "y"}]', "holds a zero character"),
        (b"[1,", "t.json: not JSON"),
        (b"just words", "is no table that can be read"),
        (b"  ", "t.json is empty"),
    ],
)
def test_json_that_is_no_table_is_one_line(raw: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(raw, "t.json")


def test_sides_that_say_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match=r't.csv:2: both sides are "m1"'):
        pair("1,m1,m1,ann,left")
    with pytest.raises(
        BadInput, match=r't.csv:2: label "middle" is none of "left", "right", "tie"'
    ):
        pair("1,m1,m2,ann,middle")
    with pytest.raises(BadInput, match='"m1" in "left" is no side'):
        pair("1,m1,m2,ann,left", shown_first="left")


def test_gold_answers_that_contradict_each_other_are_refused() -> None:
    text = "q,who,said,truth\n1,ann,yes,yes\n1,bob,no,no\n"
    with pytest.raises(BadInput, match=r't.csv:3: "truth" gives another gold answer'):
        read(text, gold="truth")


def test_a_column_of_everything_is_not_the_column_of_labels() -> None:
    rows = "".join(f"{n},ann,label {n}\n" for n in range(101))
    with pytest.raises(BadInput, match=r't.csv:102: more than 100 different labels: is "said"'):
        read("q,who,said\n" + rows)


class Endless(io.RawIOBase):
    """A CSV that is made while it is read."""

    def __init__(self, rows: Iterable[str]) -> None:
        self.rows, self.rest = iter(rows), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self.rest) < len(buffer):
            some = "".join(itertools.islice(self.rows, 1000)).encode()
            if not some:
                break
            self.rest += some
        given, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


class _NotZipped(io.BufferedReader):
    def seek(self, where: int, whence: int = 0) -> int:  # the magic bytes are only peeked at
        return 0

    def read(self, size: int | None = -1, /) -> bytes:
        return self.peek(2)[:2] if size == 2 else super().read(size)


def rows_of(count: int) -> Iterator[str]:
    yield "item,who,said\n"
    for n in range(count):
        yield f"q{n % 2000},p{n // 2000},{'ab'[n * 7 % 3 % 2]}\n"


def test_memory_grows_by_a_few_bytes_for_each_judgment() -> None:
    columns = TableColumns(label=("said",), annotator="who", item=("item",))

    def peak(count: int) -> int:
        stream: BinaryIO = _NotZipped(Endless(rows_of(count)))
        tracemalloc.start()
        table = read_table(stream, "t.csv", columns)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(table.label) == count
        return most

    # 14 bytes each while reading; at the end int64 columns and a sort, near 100 bytes each at once.
    # Rows kept as Python objects would take 500 bytes and more.
    assert (peak(120_000) - peak(20_000)) / 100_000 < 120


def test_a_table_is_the_same_through_any_csv_dialect_of_quotes() -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("q", "who", "said"), ("one, two", 'a "b"', "yes\nand no")])
    assert named(read("﻿" + out.getvalue())) == [("one, two", 'a "b"', "yes\nand no")]
    assert np.array_equal(read(out.getvalue()).label, [0])
