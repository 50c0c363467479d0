"""From a batch's rows to the columns that detectors read, and the sentences of alarms."""

from typing import Any

import numpy as np
import pytest

from prefloop.annotation import alarms
from prefloop.annotation.evidence import evidence, of_labels, texts_of, topic_codes
from prefloop.annotation.labels import Labels, of_rows
from prefloop.stats import NotEnough
from prefloop.stats.detection import Alarm
from prefloop.stats.detection.judged import Kind

WORDS: dict[str, str | None] = {
    "short": "one two three four",
    "alike": "five six seven eight",
    "long": "one two three four five six",
    "list": "Do this:\n- one\n- two\n- three",
    "gone": None,
    "r1": "The first is much clearer about the price.",
    "r2": "The first is much clearer about the price!",
    "r3": "Nothing here helps with a refund.",
}


def said(who: str, verdict: str = "a", **other: Any) -> dict[str, Any]:
    plain = {
        "annotator": who,
        "purpose": "live",
        "round": 1,
        "verdict": verdict,
        "rationale": "",
        "first_shown": "a",
        "active_ms": 9000,
    }
    return {**plain, **other}


def row(a: str, b: str, *judged: dict[str, Any], topic: str = "") -> dict[str, Any]:
    return {"a": a, "b": b, "facts": {"topic": topic}, "judgments": list(judged)}


def labels(rows: list[dict[str, Any]]) -> Labels:
    judged = [
        {**row, "comparison": str(n), "judgments": [{**one, "dimensions": {}} for one in said]}
        for n, row in enumerate(rows)
        for said in [row["judgments"]]
    ]
    return of_rows(judged)


def test_columns_by_hand() -> None:
    rows = [
        row("short", "long", said("zoe", "b"), said("ann", "tie", first_shown="b"), topic="price"),
        row("list", "short", said("ann", rationale="r1"), topic="care"),
    ]
    seen = evidence(rows, WORDS)
    assert seen.names == ("ann", "zoe")
    data = seen.data  # sorted by item, then annotator: (0, ann), (0, zoe), (1, ann)
    assert data.verdicts.tolist() == [0, -1, 1]
    assert data.first is not None
    assert data.first.tolist() == [-1, 1, 1]
    assert data.longer is not None
    assert data.longer.tolist() == [-1, -1, 1]  # 4 words against 6; 5 against 4
    assert data.bullets is not None
    assert data.bullets.tolist() == [0, 0, 1]
    assert data.words is not None
    assert data.words.tolist() == [10, 10, 9]
    assert data.active_ms is not None
    assert data.rationales is not None
    assert [code >= 0 for code in data.rationales] == [False, False, True]
    assert data.topics is not None
    assert data.topics.tolist() == [1, 1, 0]  # in order of name


def test_labels_alone_have_topics_too() -> None:
    rows = [
        row("short", "long", said("ann"), said("bo"), topic="price"),
        row("list", "long", said("bo"), topic="care"),
    ]
    topics = of_labels(labels(rows)).data.topics
    assert topics is not None
    assert topics.tolist() == [1, 1, 0]


def test_a_topic_that_is_not_known_is_one_of_its_own() -> None:
    assert topic_codes(["price", "", "care", ""]).tolist() == [2, 0, 1, 0]
    assert topic_codes([]).tolist() == []


def test_only_first_words_take_part_and_anchors_and_repeats_do_not() -> None:
    rows = [
        row(
            "short",
            "long",
            said("ann", "b", round=2),
            said("ann", "a"),
            said("ann", "b", purpose="duplicate"),
            said("bo", purpose="anchor"),
            said("cy", purpose="gold"),
            said("di", purpose="spot check"),
        )
    ]
    seen = evidence(rows, WORDS)
    assert seen.names == ("ann", "cy")
    assert seen.data.verdicts.tolist() == [1, 1]


def test_nearly_the_same_wording_of_one_person_is_one_code() -> None:
    rows = [
        row("short", "long", said("ann", rationale="r1"), said("bo", rationale="r1")),
        row("short", "list", said("ann", rationale="r2")),
        row("long", "list", said("ann", rationale="r3")),
    ]
    codes = evidence(rows, WORDS).data.rationales
    assert codes is not None
    first, other, again, new = codes.tolist()
    assert first == again
    assert len({first, other, new}) == 3


def test_what_was_never_recorded_is_no_column() -> None:
    data = evidence([row("short", "long", said("x", first_shown=None, active_ms=0))], WORDS).data
    assert (data.first, data.active_ms, data.rationales) == (None, None, None)


def test_an_erased_text_has_no_length_and_no_wording() -> None:
    data = evidence([row("gone", "long", said("x", rationale="gone"))], WORDS).data
    assert data.longer is not None
    assert (data.longer.tolist(), data.rationales) == ([0], None)


def test_equal_lengths_have_no_longer_one() -> None:
    data = evidence([row("short", "alike", said("x"))], WORDS).data
    assert data.longer is not None
    assert data.longer.tolist() == [0]


def test_every_text_that_is_needed_is_asked_for() -> None:
    rows = [row("short", "long", said("x", rationale="r1"), said("y", rationale=""))]
    assert texts_of(rows) == {"short", "long", "r1"}


def test_no_rows_are_not_enough_for_anything() -> None:
    found = alarms.look(evidence([], {}))
    assert found.alarms == ()
    assert set(found.not_enough) == {
        "random", "one side", "one answer", "longer wins", "bullets win", "ring", "too fast",
        "templates",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("random", "agrees with what others say in 90% of 60 judgments"),
        ("one side", "takes the one shown first"),
        ("one answer", "one and the same answer in 54 of 60"),
        ("longer wins", "takes the longer, beyond what quality explains"),
        ("bullets win", "takes the list, beyond what quality and length explain"),
        ("ring", "gives nearly the same answers as bo, cy: in 90% of 60 comparisons that"),
        ("too fast", "takes 90% of the time"),
        ("templates", "repeats their own wording in 90% of 60 rationales"),
    ],
)
def test_each_alarm_is_a_sentence(kind: Kind, said: str) -> None:
    one = Alarm(0, kind, 0.9, 0.1, 0.05, 60, 1e-9, 1e-7, (1, 2))
    sentence = alarms.sentence(one, ("bo", "cy"))
    assert said in sentence
    assert "\n" not in sentence


def test_a_shared_view_is_told_and_nobody_is_accused_of_it() -> None:
    # Of 24 people two think otherwise on every other comparison; nobody says what it is about.
    rng = np.random.default_rng(5)
    names, sides = [f"p{n:02d}" for n in range(24)], {1: "a", -1: "b"}
    rows = []
    for item in range(200):
        truth = int(rng.choice([-1, 1]))
        right = rng.random(24) < 0.85
        view = [-1 if person < 2 and item % 2 == 0 else 1 for person in range(24)]
        verdicts = [sides[truth * (1 if r else -1) * v] for r, v in zip(right, view, strict=True)]
        rows.append(row("short", "alike", *map(said, names, verdicts)))
    found = alarms.look(evidence(rows, WORDS))
    assert not {"p00", "p01"} & {one.annotator for one in found.alarms}
    assert set(found.shared_views) == {"p00", "p01"}
    assert found.shared_views["p00"].startswith("agrees with p01, in 81% ")  # .85^2 + .15^2 = .745
    assert found.shared_views["p00"].endswith(
        "of 200 comparisons that the closest decided too, more than skill explains: a shared view "
        "or copying, which this cannot tell apart"
    )
    assert alarms.as_json(found)["shared_views"] == found.shared_views


def test_as_json_is_json() -> None:
    found = alarms.look(evidence([row("short", "long", said("x"), said("y"))], WORDS))
    plain = alarms.as_json(found)
    assert plain["inversion"]["x"] == {"not_enough": "too few shared judgments"}
    assert isinstance(found.inversion["x"], NotEnough)
    assert plain["judgments"] == 2
