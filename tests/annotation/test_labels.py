"""What people said, as columns."""

from typing import Any

import numpy as np
import pytest

from prefloop.annotation import evidence, labels
from prefloop.annotation.labels import UNKNOWN, Labels
from prefloop.core.errors import BadInput


def judgment(who: str, verdict: str, **about: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"purpose": "live", "dimensions": {}}
    plain |= {"first_shown": None, "active_ms": 0}
    return {"annotator": who, "verdict": verdict, **plain, **about}


def row(name: str, *said: dict[str, Any], **about: Any) -> dict[str, Any]:
    return {"comparison": name, "facts": {"topic": "tone"}, "judgments": list(said), **about}


def categories(said: list[int], names: tuple[str, ...], scale: Any = "nominal") -> Labels:
    """Everybody judges one item."""
    n, none = len(said), np.zeros(len(said), dtype=np.int64)
    people = [f"p{code}" for code in range(n)]
    who, label = np.arange(n), np.array(said)
    times = none - 1
    return Labels(
        ["q"], people, names, scale, none, who, label, times, none, none, [""], times[:1] * 0
    )


def test_work_is_each_persons_first_word_with_what_is_known_of_it() -> None:
    rows = [
        row(
            "c1",
            judgment("ann", "a", first_shown="b", active_ms=900, at=5),
            judgment("bob", "tie"),
            judgment("ann", "b"),
            judgment("cy", "b", purpose="gold"),
            judgment("bob", "b", purpose="duplicate"),
            gold="a",
        ),
        row("c2", judgment("bob", "b")),
    ]
    found = labels.of_rows(rows)
    assert (found.items, found.annotators) == (["c1", "c2"], ["ann", "bob"])
    assert found.item.tolist() == [0, 0, 1]
    assert found.annotator.tolist() == [0, 1, 1]
    assert found.label.tolist() == [1, 0, -1]
    assert found.names(found.label) == ["a", "tie", "b"]
    assert found.at.tolist() == [5, -1, -1]
    assert found.first_shown.tolist() == [-1, 0, 0]
    assert found.active_ms.tolist() == [900, 0, 0]
    assert (found.topics, found.gold.tolist()) == (["tone", "tone"], [1, UNKNOWN])


def test_a_dimension_has_the_judgments_that_speak_of_it() -> None:
    rows = [row("c1", judgment("ann", "a", dimensions={"tone": "b"}), judgment("bob", "a"))]
    found = labels.of_rows(rows, "tone")
    assert (found.annotators, found.label.tolist()) == (["ann"], [-1])


def test_no_rows_are_no_labels() -> None:
    found = labels.of_rows([])
    assert (len(found.item), found.items, found.values.tolist()) == (0, [], [])


@pytest.mark.parametrize(
    ("scale", "values"),
    [("nominal", [2, 0]), ("ordinal", [2, 0]), ("interval", [9.5, 1]), ("ratio", [9.5, 1])],
)
def test_values_are_what_the_scale_measures(scale: str, values: list[float]) -> None:
    assert categories([2, 0], ("1", "4", "9.5"), scale).values.tolist() == values


@pytest.mark.parametrize(
    ("names", "scale", "said", "signs"),
    [
        (("no", "yes"), "nominal", [0, 1, 1], [1, -1, -1]),
        (("No", "Unsure", "Yes"), "nominal", [0, 0, 1, 2, 2], [1, 1, 0, -1, -1]),
        (("a", "b", "rare"), "nominal", [0, 1, 2, 0, 1], [1, -1, 0, 1, -1]),
        (("low", "mid", "high"), "ordinal", [0, 1, 1, 2], [1, 0, 0, -1]),
    ],
)
def test_detectors_read_two_answers_and_neither(
    names: tuple[str, ...], scale: str, said: list[int], signs: list[int]
) -> None:
    assert evidence.signs(categories(said, names, scale)).tolist() == signs


def test_detectors_do_not_read_more() -> None:
    with pytest.raises(BadInput, match="two or three categories: these have 4"):
        evidence.signs(categories([0, 1], ("1", "2", "3", "4"), "interval"))
