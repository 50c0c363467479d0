"""Tests of the sampling settings."""

import subprocess
import sys

import pytest

from prefloop.core.errors import BadInput
from prefloop.models.sampling import Sampling


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_k", -1),
        ("max_new_tokens", 0),
        ("width", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=name):
        Sampling(**{name: value})  # type: ignore[arg-type]


def test_saying_how_to_sample_and_how_to_train_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import prefloop.models.sampling, prefloop.training.settings, prefloop.training.best_of_n\n"
        "import prefloop.training.convergence"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
