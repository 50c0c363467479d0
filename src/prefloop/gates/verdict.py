"""What a check says, and how several become one word."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from prefloop.core.records import Estimate
from prefloop.gates.thresholds import Threshold

__all__ = ["Check", "Word", "at_least", "at_most", "overall", "summary"]


class Word(StrEnum):
    """pass and warn open a gate; fail and insufficient_data do not."""

    PASS = "pass"
    WARN = "warn"
    INSUFFICIENT = "insufficient_data"
    FAIL = "fail"


_SEVERITY = [Word.PASS, Word.WARN, Word.INSUFFICIENT, Word.FAIL]


@dataclass(frozen=True, slots=True)
class Check:
    """One question a gate asked, its evidence and its answer."""

    metric: str
    verdict: Word
    explanation: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    threshold: float | None = None
    source: str = ""
    alternatives: str = ""

    def json(self) -> dict[str, Any]:
        """The form the ledger and reports keep."""
        values = asdict(self)
        values["verdict"] = self.verdict.value
        values["interval"] = list(self.interval) if self.interval else None
        return values


def overall(checks: Iterable[Check]) -> Word:
    """The most severe word; no checks at all is no evidence."""
    words = [check.verdict for check in checks]
    return max(words, key=_SEVERITY.index) if words else Word.INSUFFICIENT


def summary(checks: Iterable[Check]) -> str:
    """The reasons for anything but a pass, in one line."""
    reasons = [f"{c.metric}: {c.explanation}" for c in checks if c.verdict is not Word.PASS]
    return "; ".join(reasons) or "every check passed"


def at_least(metric: str, found: Estimate | None, threshold: Threshold, why: str = "") -> Check:
    """Pass when the interval's lower end reaches the threshold, fail when its upper end does not;
    in between more data could decide, so it does not pass."""
    return _bound(metric, found, threshold, why, sign=1)


def at_most(metric: str, found: Estimate | None, threshold: Threshold, why: str = "") -> Check:
    """Pass when the interval's upper end stays at or under the threshold, fail when its lower end
    is over it; in between more data could decide, so it does not pass."""
    return _bound(metric, found, threshold, why, sign=-1)


def _bound(metric: str, found: Estimate | None, threshold: Threshold, why: str, sign: int) -> Check:
    relation = "at least" if sign > 0 else "at most"
    wanted = f"{relation} {threshold.value:g} wanted"
    if found is None or found.n == 0:
        return Check(
            metric,
            Word.INSUFFICIENT,
            f"not measured; {wanted}",
            threshold=threshold.value,
            source=threshold.source,
            alternatives=threshold.alternatives,
        )
    near, far = (found.low, found.high) if sign > 0 else (found.high, found.low)
    if sign * near >= sign * threshold.value:
        word, tail = Word.PASS, ""
    elif sign * far < sign * threshold.value:
        word, tail = Word.FAIL, ""
    else:
        word, tail = Word.INSUFFICIENT, ", so the data cannot tell yet"
    text = f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}], n={found.n}; {wanted}{tail}"
    return Check(
        metric,
        word,
        f"{text}; {why}" if why else text,
        found.estimate,
        (found.low, found.high),
        found.n,
        threshold.value,
        threshold.source,
        threshold.alternatives,
    )
