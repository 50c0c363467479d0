"""Tests of reading convergence off held-out losses."""

import pytest

from prefloop.core.errors import BadInput
from prefloop.training.convergence import Convergence, Trend, convergence


@pytest.mark.parametrize(
    ("losses", "trend"),
    [
        ([4.0, 3.0, 2.0, 1.0], Trend.FALLING),  # the last look took the best from 2 to 1
        ([4.0, 2.0, 1.0, 0.999], Trend.FLAT),  # 0.1 % is less than 1 %
        ([4.0, 2.0, 1.0, 1.005], Trend.FLAT),  # up by half a percent is none either
        ([4.0, 1.0, 1.2, 1.5], Trend.ROSE),
        ([4.0, 1.0, 4.0, 1.0], Trend.FLAT),
        ([0.0, 0.0, 0.0, 0.0], Trend.FLAT),
        ([3.0, 2.0, 1.0], Trend.UNKNOWN),
        ([1.0], Trend.UNKNOWN),
    ],
)
def test_the_trend_is_read_from_the_last_looks(losses: list[float], trend: Trend) -> None:
    assert convergence(losses).trend is trend


def test_the_best_look_is_kept_with_its_place() -> None:
    assert convergence([3.0, 1.0, 2.0, 2.5]) == Convergence(Trend.ROSE, 1.0, 2.5, 1)


def test_no_looks_cannot_be_judged() -> None:
    with pytest.raises(BadInput, match="held-out"):
        convergence([])
