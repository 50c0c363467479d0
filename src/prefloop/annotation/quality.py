"""How well a batch's annotators agree, and each one's record on gold items and hidden repeats.

Reads the label batch, not live rows, so that the figures belong to labels that can be named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.agreement import percent_agreement
from prefloop.stats.pairwise import pooled_kappa
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["AnnotatorRecord", "Quality", "agreement", "as_json", "long_format", "report"]

CODES = {"a": 1, "b": -1, "tie": 0}
_SPECIAL = ("gold", "anchor", "duplicate", "spot check")


@dataclass(frozen=True, slots=True)
class AnnotatorRecord:
    """One annotator in one campaign."""

    name: str
    judgments: int
    gold: int
    gold_correct: int
    repeats: int
    consistent: int
    standing: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Agreement over comparisons that several people judged, and each annotator's record."""

    percent: Estimate | NotEnough
    kappa: Estimate | NotEnough
    mean_kappa: float | None
    dimensions: Mapping[str, Estimate | NotEnough]
    split: int
    overlapping: int
    annotators: Sequence[AnnotatorRecord]

    def lines(self) -> list[str]:
        """The figures as sentences."""
        head = [
            f"comparisons with several judgments: {self.overlapping}, of which level: {self.split}",
            f"raw agreement: {_said(self.percent)}",
            f"Cohen's kappa, all pairs of annotators: {_said(self.kappa)}",
        ]
        return head + [f"  {name}: {_said(found)}" for name, found in self.dimensions.items()]


def report(reader: Reader, batch: Artifact, seed: int) -> Quality:
    """The quality of one label batch."""
    rows = artifacts.read_rows(reader, batch, "comparisons")
    items, annotators, labels = long_format(rows)
    kappa, mean = agreement(items, annotators, labels, seed)
    several = np.bincount(items) > 1
    return Quality(
        percent=percent_agreement(items, annotators, labels),
        kappa=kappa,
        mean_kappa=mean,
        dimensions={
            name: agreement(*long_format(rows, name), seed)[0]
            for name in batch.manifest["dimensions"]
        },
        split=int((np.bincount(items, labels)[several] == 0).sum()),
        overlapping=int(several.sum()),
        annotators=[
            AnnotatorRecord(
                name,
                record["judgments"],
                record["gold"]["n"],
                record["gold"]["correct"],
                record["duplicates"]["n"],
                record["duplicates"]["consistent"],
                record["calibration"]["status"],
            )
            for name, record in batch.manifest["pool"].items()
        ],
    )


def long_format(
    rows: Sequence[Mapping[str, Any]], dimension: str | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(item, annotator, label) codes of the work in a batch, overall or on one dimension.  # (N,)

    Labels are 1 for a, -1 for b, 0 for a tie. One judgment per annotator and comparison: imported
    labels without names count as one person's first word.
    """
    people: dict[str, int] = {}
    found: dict[tuple[int, int], int] = {}
    for item, row in enumerate(rows):
        for one in row["judgments"]:
            verdict = one["verdict"] if dimension is None else one["dimensions"].get(dimension)
            if one["purpose"] in _SPECIAL or verdict is None:
                continue
            person = people.setdefault(one["annotator"], len(people))
            found.setdefault((item, person), CODES[verdict])
    keys = np.array(list(found), dtype=np.int64).reshape(-1, 2)
    return keys[:, 0], keys[:, 1], np.array(list(found.values()), dtype=np.int64)


def agreement(
    items: np.ndarray, annotators: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[Estimate | NotEnough, float | None]:
    """Cohen's kappa pooled over all pairs of annotators with its interval, and the pairs' mean."""
    found = pooled_kappa(items, annotators, labels, rng(seed, "kappa"))
    if isinstance(found, NotEnough):
        return found, None
    return found.pooled, found.mean


def as_json(found: Quality) -> dict[str, Any]:
    """The report for programs; a figure that cannot be had is {"not_enough": reason}."""
    return {
        "percent": found.percent.json(),
        "kappa": found.kappa.json(),
        "mean_kappa": found.mean_kappa,
        "dimensions": {name: value.json() for name, value in found.dimensions.items()},
        "split": found.split,
        "overlapping": found.overlapping,
        "annotators": [asdict(one) for one in found.annotators],
    }


def _said(found: Estimate | NotEnough) -> str:
    if isinstance(found, NotEnough):
        return f"not enough data: {found.reason}"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}], n={found.n}"
