"""What annotators wrote themselves, as demonstrations: the corrected text is one to imitate."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from prefloop.core.errors import BadInput
from prefloop.datasets.standing import standing
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["corrections"]


def corrections(
    reader: Reader, batches: Sequence[Artifact], exclude: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The edits in these batches (oldest first) that stand, as rows {messages, facts, completion}.

    The same people count as in a freeze. Raises BadInput where nothing was edited.
    """
    found, _ = standing(reader, batches, exclude)
    rows = list(_rows(one.row for one in found.values() if one.judgments))
    if not rows:
        raise BadInput("nobody who counts has edited a completion in these batches")
    return rows


def _rows(stood: Iterator[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in sorted((row for row in stood if "edited" in row), key=lambda row: row["comparison"]):
        text = row[row["edited"]]
        yield {"messages": row["messages"], "facts": row["facts"], "completion": text}
