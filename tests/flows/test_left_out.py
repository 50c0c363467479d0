"""What would change without some people, for labels alone; rows are tried in test_alarms."""

from typing import Any

import numpy as np

from prefloop.annotation import labels
from prefloop.flows import left_out


def columns(said: list[tuple[int, int, int]], categories: tuple[str, ...] | None) -> labels.Labels:
    """(item, person, label) as labels of five items by x, x2, p and q."""
    item, who, label = np.array(said).T
    none: Any = np.zeros(len(said), dtype=np.int64)
    return labels.Labels(
        ["a", "b", "c", "d", "e"],
        ["x", "x2", "p", "q"],
        categories,
        "nominal",
        item,
        who,
        label,
        none - 1,
        none,
        none,
        [""] * 5,
        np.full(5, labels.UNKNOWN),
    )


def test_categories_by_hand() -> None:
    """Five items; the xs say yes everywhere."""
    said = [  # (item, who, label): 0 no, 1 yes
        *((0, 0, 1), (0, 1, 1), (0, 2, 0)),  # yes by the xs, then no
        *((1, 0, 1), (1, 2, 0)),  # level, then no
        (2, 0, 1),  # nobody is left
        *((3, 2, 0), (3, 3, 0)),  # not touched
        *((4, 0, 1), (4, 2, 1), (4, 3, 1)),  # the same
    ]
    found = left_out.from_labels(columns(said, ("no", "yes")), {"x", "x2"}, 0)
    assert found["labels"] == {"touched": 4, "same": 1, "turned": 1, "other": 1, "lost": 1}
    assert found["judgments_left_out"] == 5
    assert found["annotators"] == ["x", "x2"]


def test_verdicts_by_hand() -> None:
    """A tie is a label too, and no winner: to or from it nobody's side is turned."""
    said = [  # 1 a, -1 b, 0 tie
        *((0, 0, 1), (0, 1, 1), (0, 2, -1)),  # a, then b
        *((1, 0, 1), (1, 2, 0), (1, 3, 0)),  # a tie before and after
        *((2, 0, 1), (2, 1, 1), (2, 2, 0)),  # a, then a tie
    ]
    found = left_out.from_labels(columns(said, None), {"x", "x2"}, 0)
    assert found["labels"] == {"touched": 3, "same": 1, "turned": 1, "other": 1, "lost": 0}


def test_nobody_left_out_changes_nothing_and_everybody_leaves_no_agreement() -> None:
    said = [(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 1)]
    nobody = left_out.from_labels(columns(said, ("no", "yes")), set(), 0)
    assert set(nobody["labels"].values()) == {0}
    assert nobody["agreement"]["with"] == nobody["agreement"]["without"]
    everybody = left_out.from_labels(columns(said, ("no", "yes")), {"x", "x2"}, 0)
    assert everybody["labels"]["lost"] == 2
    assert everybody["agreement"]["without"] == {"not_enough": "no judgments are left"}
