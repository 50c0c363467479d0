"""What people said, as columns, whatever batch it stands in: comparisons, or labels alone.

A closed campaign and an import with texts hold comparisons; an import without texts, or whose
labels are categories, holds columns of codes in blocks: ten million judgments can be read so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.stats.alpha import Scale
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["SPECIAL", "UNKNOWN", "VERDICTS", "Labels", "are_labels", "of_rows", "read"]

Ints = NDArray[np.int64]
Rows = Sequence[Mapping[str, Any]]

VERDICTS = {"a": 1, "b": -1, "tie": 0}
SPECIAL = ("gold", "anchor", "duplicate", "spot check")  # asked to test somebody: no work
UNKNOWN = -(2**40)  # in the place of a gold answer: no label's code


@dataclass(frozen=True, slots=True)
class Labels:
    """The work in a batch, each person's first word on an item: N judgments of I items.

    Codes point into `items` and `annotators`; a label is 1 (a), -1 (b), 0 (tie), or where there are
    `categories` points into them.
    """

    items: Sequence[str]
    annotators: Sequence[str]
    categories: tuple[str, ...] | None  # None: verdicts on two sides
    scale: Scale
    item: Ints  # (N,)
    annotator: Ints  # (N,)
    label: Ints  # (N,)
    at: Ints  # (N,) microseconds since 1970, UTC; -1 not known
    first_shown: Ints  # (N,) 1 where a was shown first, -1 where b was, 0 not known
    active_ms: Ints  # (N,) 0 not known
    topics: Sequence[str]  # (I,) "" not known
    gold: Ints  # (I,) the right label, or UNKNOWN

    @property
    def values(self) -> NDArray[np.float64]:
        """Labels as the numbers their scale measures: ranks on an ordinal one.  # (N,)"""
        if self.categories is None or self.scale in ("nominal", "ordinal"):
            return self.label.astype(np.float64)
        return np.array([float(name) for name in self.categories])[self.label]

    def names(self, codes: Ints) -> list[str]:
        """What these label codes are called."""
        known = self.categories or {code: name for name, code in VERDICTS.items()}
        return [known[code] for code in codes.tolist()]


def are_labels(batch: Artifact) -> bool:
    """Whether a batch holds labels alone, which can be measured and not trained on."""
    return "labels" in batch.manifest["files"]


def read(reader: Reader, batch: Artifact) -> Labels:
    """The work in any label batch."""
    if not are_labels(batch):
        return of_rows(artifacts.read_rows(reader, batch, "comparisons"))
    about = batch.manifest["labels"]
    items = _columns(reader, batch, "items")
    rows = _columns(reader, batch, "labels")
    n, several = len(rows["item"]), len(items["item"])
    work = np.flatnonzero(rows["again"] == 0) if "again" in rows else slice(None)

    def column(name: str, default: int) -> Ints:
        found = rows.get(name)
        return np.broadcast_to(np.int64(default), n)[work] if found is None else found[work]

    return Labels(
        items["item"].tolist(),
        about["annotators"],
        tuple(about["categories"]) if about["are"] == "categories" else None,
        about["scale"],
        rows["item"][work],
        rows["annotator"][work],
        rows["label"][work],
        column("at", -1),
        column("first_shown", 0),
        column("active_ms", 0),
        items["topic"].tolist() if "topic" in items else [""] * several,
        items.get("gold", np.broadcast_to(np.int64(UNKNOWN), several)),
    )


def of_rows(rows: Rows, dimension: str | None = None) -> Labels:
    """The work in rows of comparisons, overall or on one dimension of the specification."""
    people: dict[str, int] = {}
    found: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for item, row in enumerate(rows):
        for one in row["judgments"]:
            verdict = one["verdict"] if dimension is None else one["dimensions"].get(dimension)
            if one["purpose"] in SPECIAL or verdict is None:
                continue
            person = people.setdefault(one["annotator"], len(people))
            shown = VERDICTS.get(one["first_shown"] or "", 0)
            said = VERDICTS[verdict], one.get("at", -1), shown, one["active_ms"]
            found.setdefault((item, person), said)
    keys = np.array(list(found), dtype=np.int64).reshape(-1, 2)
    told = np.array(list(found.values()), dtype=np.int64).reshape(-1, 4)
    gold = [VERDICTS[row["gold"]] if "gold" in row else UNKNOWN for row in rows]
    return Labels(
        [row["comparison"] for row in rows],
        list(people),
        None,
        "nominal",
        keys[:, 0],
        keys[:, 1],
        told[:, 0],
        told[:, 1],
        told[:, 2],
        told[:, 3],
        [row["facts"]["topic"] for row in rows],
        np.array(gold, dtype=np.int64),
    )


def _columns(reader: Reader, batch: Artifact, name: str) -> dict[str, Any]:
    """{column: array} of a file in blocks; words are object arrays."""
    parts: dict[str, list[Any]] = {}
    for line in _lines(reader.files.chunks(batch.manifest["files"][name]["sha256"])):
        for column, values in json.loads(line).items():
            words = name == "items" and column != "gold"
            block = np.array(values, dtype=object if words else np.int64)
            parts.setdefault(column, []).append(block)
    return {column: np.concatenate(blocks) for column, blocks in parts.items()}


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
