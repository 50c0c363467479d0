"""Long-format input checked once: aligned columns, compact codes, sorted by item."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prefloop.core.errors import BadInput

__all__ = [
    "Columns",
    "Floats",
    "Ints",
    "check_weights",
    "columns",
    "compact",
    "numbers",
    "same_length",
    "whole",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_HEAVIEST = 1e100  # a weight: sums and squares of larger ones are no longer numbers


@dataclass(frozen=True, slots=True)
class Columns:
    """Judgments sorted by item, then annotator; codes are compact (0, 1, 2, ...).

    `item_codes[items]` (and so on) are the codes as they were given.
    """

    items: Ints  # (N,)
    annotators: Ints  # (N,)
    labels: Ints  # (N,)
    item_codes: Ints  # (items,)
    annotator_codes: Ints  # (annotators,)
    label_codes: Floats | Ints  # (labels,)
    order: Ints  # (N,) sorted position -> position as given

    @property
    def starts(self) -> Ints:
        """Where each item's judgments begin, with N at the end.  # (items + 1,)"""
        per_item = np.bincount(self.items, minlength=len(self.item_codes))
        return np.concatenate([[0], np.cumsum(per_item)]).astype(np.int64)

    @property
    def counts(self) -> Ints:
        """How often each item received each label.  # (items, labels)"""
        shape = len(self.item_codes), len(self.label_codes)
        cells = self.items * shape[1] + self.labels
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def columns(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    *,
    numeric: bool = False,
    repeats: bool = False,
) -> Columns:
    """Check and compact three aligned columns; labels may be any numbers where `numeric`.

    Raises BadInput where lengths differ, a code is not a whole number, a label is not finite, or
    (unless `repeats`) one annotator judged one item twice.
    """
    item_given, annotator_given = whole("items", items), whole("annotators", annotators)
    label_given = numbers("labels", labels) if numeric else whole("labels", labels)
    same_length(items=item_given, annotators=annotator_given, labels=label_given)
    item_codes, item = compact(item_given)
    annotator_codes, annotator = compact(annotator_given)
    label_codes, label = _ranks(label_given)
    order = np.argsort(item * max(len(annotator_codes), 1) + annotator, kind="stable")
    found = Columns(
        item[order], annotator[order], label[order], item_codes, annotator_codes, label_codes, order
    )
    if not repeats:
        _refuse_repeats(found)
    return found


def whole(name: str, values: ArrayLike) -> Ints:
    """A one-dimensional array of whole numbers, or BadInput."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise BadInput(f"{name} must be one column of codes: {error}") from error
    if array.ndim != 1:
        raise BadInput(f"{name} must be one column of codes, not {array.ndim} dimensions")
    if array.size and array.dtype.kind not in "iu":
        raise BadInput(f"{name} must be whole-number codes, not {array.dtype}: encode them first")
    if array.size and array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise BadInput(f"{name} has a code beyond 63 bits: number them from 0")
    return array.astype(np.int64, copy=False)


def numbers(name: str, values: ArrayLike) -> Floats:
    """A one-dimensional array of finite numbers, or BadInput."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} must be numbers: {error}") from error
    if array.ndim != 1:
        raise BadInput(f"{name} must be one column of numbers, not {array.ndim} dimensions")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise BadInput(f"{name} has a value that is not finite at row {bad[0]}: drop or repair it")
    return array


def check_weights(weights: Floats) -> None:
    """BadInput unless weights are 0 or more, and small enough to be summed."""
    if (weights < 0).any():
        raise BadInput("weights must not be negative")
    if len(weights) and weights.max() > _HEAVIEST:
        raise BadInput(
            f"a weight of {weights.max():g} is beyond {_HEAVIEST:g}: divide all by the largest"
        )


def same_length(**arrays: np.ndarray) -> None:
    """BadInput unless all columns have one length."""
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise BadInput(f"columns differ in length ({said}): give one row per judgment in each")


def compact(codes: Ints) -> tuple[Ints, Ints]:
    """The distinct codes in order, and each row's position among them."""
    if codes.size and codes.min() >= 0 and codes.max() < 4 * codes.size + 1024:
        seen = np.bincount(codes) > 0  # linear in the rows, where sorting is not
        return np.flatnonzero(seen), (np.cumsum(seen) - 1)[codes]
    distinct, position = np.unique(codes, return_inverse=True)
    return distinct, position.astype(np.int64, copy=False)


def _ranks(labels: Floats | Ints) -> tuple[Floats | Ints, Ints]:
    if labels.dtype.kind == "i":
        return compact(labels.astype(np.int64, copy=False))
    given = labels.astype(np.float64)
    if given.size and np.abs(given).max() < given.size and (given == np.rint(given)).all():
        distinct, position = compact(given.astype(np.int64) + given.size)  # no need to sort
        return (distinct - given.size).astype(np.float64), position
    distinct, position = np.unique(given, return_inverse=True)
    return distinct, position.astype(np.int64)


def _refuse_repeats(found: Columns) -> None:
    same = (np.diff(found.items) == 0) & (np.diff(found.annotators) == 0)
    if same.any():
        row = int(np.flatnonzero(same)[0])
        raise BadInput(
            f"annotator {found.annotator_codes[found.annotators[row]]} judged item "
            f"{found.item_codes[found.items[row]]} twice: keep one judgment of each annotator"
        )
