"""Somebody's table of judgments into the ledger, as a label batch of one of two shapes.

With the texts of both completions it holds comparisons, which can be frozen into preference pairs.
Without them, or where labels are categories, it holds labels: they can be measured and not trained
on, and a freeze says so.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefloop.annotation.labels import UNKNOWN, VERDICTS
from prefloop.core.digest import digest
from prefloop.core.records import Prompt
from prefloop.datasets.tables import Table, TableColumns, read_table
from prefloop.flows.labels import followed, opened
from prefloop.flows.project import Project
from prefloop.store import artifacts, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import prompt_row

__all__ = ["import_table"]

_VERDICT = {code: name for name, code in VERDICTS.items()}
_SIDE = {1: "a", -1: "b", 0: None}
_BLOCK = 10_000  # items or judgments in one row of a file of columns

Ints = NDArray[np.int64]


def import_table(
    project: Project, path: Path, columns: TableColumns, spec: str | None
) -> tuple[Artifact, Table]:
    """A table as a label batch; `spec` names the specification its judgments followed.

    Without one the batch has epoch 0. Raises BadInput with the line for what cannot be understood.
    """
    project.require("import")
    with project.reader() as reader:
        about, above = followed(reader, spec)
        with opened(path) as stream:
            found = read_table(stream, path.name, columns)
        # Long columns are written before anybody else has to wait for a transaction.
        alone = {} if columns.prompt else _labels(reader, found)
    with project.transaction() as tx:
        manifest = {
            "campaign": f"import {path.name}",
            "purpose": "live",
            "round": 1,
            "format": "table",
            **about,
            "dimensions": [],
            "pool": _pool(found),
            "judgments": len(found.item),
            "set_aside": len(found.odd),
            **(alone or _comparisons(tx, found, path.name, about["spec"] or "")),
        }
        batch = artifacts.put(tx, "label_batch", manifest, above, path.name)
    return batch, found


def _labels(reader: Reader, found: Table) -> dict[str, Any]:
    """Items and judgments as columns of codes, in the order of the file; `labels` says what codes
    mean. What no column of the table says has no column here."""
    return {
        "prompt_sources": {},
        "labels": {
            "are": "categories" if found.categories else "verdicts",
            "categories": list(found.categories),
            "scale": found.columns.scale,
            "annotators": list(found.annotators),
        },
        "files": {
            "items": artifacts.write_rows(reader, _item_blocks(found)),
            "labels": artifacts.write_rows(reader, _label_blocks(found)),
        },
    }


def _item_blocks(found: Table) -> Iterator[dict[str, Any]]:
    for begin in range(0, len(found.items), _BLOCK):
        codes = range(begin, min(begin + _BLOCK, len(found.items)))
        row: dict[str, Any] = {"item": list(found.items[begin : begin + _BLOCK])}
        if found.columns.topic is not None:
            row["topic"] = [found.topics[code] for code in codes]
        if found.columns.gold is not None:
            row["gold"] = [found.gold.get(code, UNKNOWN) for code in codes]
        yield row


def _label_blocks(found: Table) -> Iterator[dict[str, Any]]:
    columns = {
        "item": found.item,
        "annotator": found.annotator,
        "label": found.label,
        "again": found.again.astype(np.int64) if found.again.any() else None,
        "first_shown": found.shown,
        "at": found.at,
        "active_ms": found.active_ms,
    }
    told = {name: values for name, values in columns.items() if values is not None}
    for begin in range(0, len(found.item), _BLOCK):
        yield {name: values[begin : begin + _BLOCK].tolist() for name, values in told.items()}


def _comparisons(tx: Transaction, found: Table, where: str, spec: str) -> dict[str, Any]:
    """One row per comparison in id order, as a closed campaign has them."""
    words = [item for item in found.items if isinstance(item, tuple)]
    stored = texts.put_many(tx, (text for item in words for text in item))
    said: dict[int, list[int]] = defaultdict(list)
    for n, code in enumerate(found.item.tolist()):
        said[code].append(n)
    rows = []
    for code, (prompt, one, other) in enumerate(words):
        row = prompt_row(
            Prompt.of(prompt, topic=found.topics.get(code, ""), provenance=where), stored
        )
        a, b = sorted((stored[one], stored[other]))
        turn = 1 if a == stored[one] else -1
        gold = {"gold": _VERDICT[found.gold[code] * turn]} if code in found.gold else {}
        rows.append(
            {
                "comparison": digest([row["messages"], a, b]),
                **row,
                "a": a,
                "b": b,
                "origin": {"a": "", "b": ""},
                **gold,
                "judgments": [_judgment(found, n, turn, spec) for n in said[code]],
            }
        )
    sources = Counter(row["facts"]["source"] for row in rows)
    rows.sort(key=lambda row: str(row["comparison"]))
    return {
        "prompt_sources": dict(sorted(sources.items())),
        "files": {"comparisons": artifacts.write_rows(tx, rows)},
    }


def _judgment(found: Table, n: int, turn: int, spec: str) -> dict[str, Any]:
    shown = 0 if found.shown is None else int(found.shown[n])
    return {
        "annotator": found.annotators[int(found.annotator[n])],
        "purpose": "duplicate" if found.again[n] else "live",
        "round": 1,
        "verdict": _VERDICT[int(found.label[n]) * turn],
        "strength": 1,
        "dimensions": {},
        "flags": [],
        "rationale": "",
        "first_shown": _SIDE[shown * turn],
        "active_ms": 0 if found.active_ms is None else int(found.active_ms[n]),
        **({} if found.at is None else {"at": int(found.at[n])}),
        "spec": spec,
    }


def _pool(found: Table) -> dict[str, Any]:
    """The record of people nobody here has calibrated: on gold answers, and on their repeats."""
    people = len(found.annotators)
    known = np.full(len(found.items), UNKNOWN)
    known[list(found.gold)] = list(found.gold.values())
    answer = known[found.item]
    asked = (answer != UNKNOWN) & ~found.again
    counts = {
        "judgments": np.ones(len(found.item), dtype=np.bool_),
        "asked": asked,
        "correct": asked & (answer == found.label),
        "repeats": found.again,
        "consistent": found.again & _same_again(found),
    }
    each = {name: np.bincount(found.annotator[x], minlength=people) for name, x in counts.items()}
    return {
        name: {
            "judgments": int(each["judgments"][n]),
            "gold": {"n": int(each["asked"][n]), "correct": int(each["correct"][n])},
            "duplicates": {"n": int(each["repeats"][n]), "consistent": int(each["consistent"][n])},
            "calibration": {"status": "cleared", "round": 0, "evidence": {"imported": True}},
        }
        for n, name in sorted(enumerate(found.annotators), key=lambda one: one[1])
    }


def _same_again(found: Table) -> NDArray[np.bool_]:
    """Whether a judgment says what the same annotator first said of the item.  # (N,)"""
    if not found.again.any():
        return found.again
    keys = found.item * len(found.annotators) + found.annotator
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(found.label == found.label[first][place])
