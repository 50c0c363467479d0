"""Do the people behind the labels agree enough for the labels to mean something?"""

from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates, Threshold, threshold
from prefloop.gates.verdict import Check, Word

__all__ = ["check_agreement"]

# A bootstrap interval of kappa over fewer items covers less than it says, and has no width at all
# where nobody happened to disagree.
_FEW = 100


def check_agreement(
    metric: str, kappa: Estimate | None, gates: AgreementGates, *, objective: bool = False
) -> Check:
    """Pass when the interval's lower end reaches the target (higher where `objective`), fail when
    even its upper end is under the pause line, warn in between. Targets warn rather than fail: a
    reward model that learned in spite of its labels shows it in its own examination."""
    target = threshold(gates, "kappa_objective" if objective else "kappa_open")
    pause = threshold(gates, "kappa_pause")
    if kappa is None or kappa.n == 0:
        return _check(metric, Word.WARN, "no comparison was judged by two people", None, target)
    text = f"kappa {kappa.estimate:.3f} [{kappa.low:.3f}, {kappa.high:.3f}], n={kappa.n}"
    if kappa.high < pause.value:
        return _check(
            metric, Word.FAIL, f"{text}; below {pause.value:g} the specification is to be mended",
            kappa, pause,
        )  # fmt: skip
    if kappa.n < _FEW:
        text = f"{text}; on fewer than {_FEW} comparisons the interval is not to be trusted"
        return _check(metric, Word.WARN, text, kappa, target)
    word = Word.PASS if kappa.low >= target.value else Word.WARN
    return _check(metric, word, f"{text}; at least {target.value:g} wanted", kappa, target)


def _check(metric: str, word: Word, text: str, kappa: Estimate | None, limit: Threshold) -> Check:
    return Check(
        metric,
        word,
        text,
        kappa.estimate if kappa else None,
        (kappa.low, kappa.high) if kappa else None,
        kappa.n if kappa else None,
        limit.value,
        limit.source,
        limit.alternatives,
    )
