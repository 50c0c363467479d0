"""Work by hand: rows of comparisons as a batch has them, without a ledger."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.annotation.labels import of_rows
from prefloop.annotation.quality.work import Followed, Work

DAY = 24 * 60 * 60 * 1_000_000
WEEK = 7 * DAY
MONDAY = 1_789_344_000_000_000  # 2026-09-14, 00:00 UTC


def said(who: str, verdict: str, **more: Any) -> dict[str, Any]:
    """One judgment."""
    about = {
        "annotator": who,
        "verdict": verdict,
        "purpose": "live",
        "round": 1,
        "dimensions": {},
        "rationale": "",
        "first_shown": "a",
        "active_ms": 0,
        "spec": "s1",
    }
    return {**about, **more}


def row(name: str, *judgments: Mapping[str, Any], topic: str = "", **more: Any) -> dict[str, Any]:
    """One comparison."""
    about = {"comparison": name, "facts": {"topic": topic}, "a": "x", "b": "y"}
    return {**about, "judgments": list(judgments), **more}


def work(
    rows: Sequence[Mapping[str, Any]],
    dimensions: Sequence[str] = (),
    specs: Mapping[str, Followed] | None = None,
    answers: Mapping[str, str] | None = None,
) -> Work:
    """Rows as the work of a campaign."""
    known = specs or {"s1": Followed("spec/x@v1", 1)}
    labels = of_rows(rows)
    return Work(
        "july", ("july",), None, rows, labels, tuple(dimensions), known, answers or {}, (), {}
    )
