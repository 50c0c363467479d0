"""Which columns go together: every contradiction is one line that names the option."""

from typing import Any

import pytest

from prefloop.core.errors import BadInput
from prefloop.datasets.tables import TableColumns

LONG: dict[str, Any] = {"label": ("said",), "annotator": "who", "item": ("q",)}
SIDES: dict[str, Any] = {"first": ("A",), "second": ("B",)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": ()}, "--label COLUMN"),
        ({"annotator": None}, "who judged"),
        ({"label": ("x", "y")}, "leave out --annotator"),
        ({"label": ("x", "x"), "annotator": None}, "one column twice"),
        ({"item": ()}, "what was judged"),
        ({"first": ("A",)}, "--first LABEL --second LABEL"),
        ({"tie": ("=",)}, "--first LABEL --second LABEL"),
        ({**SIDES, "tie": ("A",)}, "means two things"),
        ({**SIDES, "categories": ("A", "B")}, "not both"),
        ({**SIDES, "scale": "ordinal"}, "a scale is for categories"),
        ({"scale": "cardinal"}, "no scale 'cardinal'"),
        ({"sides": ("m1", "m2")}, "need verdicts"),
        ({**SIDES, "sides": ("m1",)}, "--side names two"),
        ({**SIDES, "item": (), "prompt": ("p",)}, "--completion twice"),
        ({**SIDES, "prompt": ("p",), "completions": ("x",)}, "--completion names two"),
        ({**SIDES, "prompt": ("p",), "completions": ("x", "y")}, "leave out --item"),
        ({**SIDES, "as_shown": True, "shown_first": "f"}, "say the same"),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        TableColumns(**{**LONG, **change})


def test_every_column_is_asked_for_once() -> None:
    columns = TableColumns(**{**LONG, **SIDES, "topic": "q", "shown_first": "said"})
    assert columns.names == ["said", "q", "who"]
    assert columns.signs == {"A": 1, "B": -1}
