"""Agreement behind the labels: target, pause line, and too little to tell."""

import pytest

from prefloop.core.records import Estimate
from prefloop.gates.agreement import check_agreement
from prefloop.gates.thresholds import AgreementGates
from prefloop.gates.verdict import Word


@pytest.mark.parametrize(
    ("kappa", "objective", "word"),
    [
        (Estimate(0.71, 0.68, 0.74, 1000), False, Word.PASS),  # the case study after calibration
        (Estimate(0.71, 0.68, 0.74, 1000), True, Word.WARN),  # 0.7 is wanted for objective ones
        (Estimate(0.54, 0.51, 0.57, 1000), False, Word.WARN),  # the case study before it
        (Estimate(0.30, 0.25, 0.35, 1000), False, Word.FAIL),
        (Estimate(0.38, 0.33, 0.43, 1000), False, Word.WARN),  # may be above the pause line
        (Estimate(1.00, 1.00, 1.00, 8), False, Word.WARN),  # nobody disagreed, on eight items
        (None, False, Word.WARN),
    ],
)
def test_the_interval_decides(kappa: Estimate | None, objective: bool, word: Word) -> None:
    check = check_agreement("agreement", kappa, AgreementGates(), objective=objective)
    assert check.verdict is word
