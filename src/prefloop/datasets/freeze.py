"""Freezing label batches into a preference dataset that never changes.

Reads batches, never live rows. Annotators who were locked or excluded in their campaign do not
count, ties and left-out comparisons are counted and kept out, and whole prompts are held out, so
that no prompt is on both sides. Labels of different epochs are pooled only by explicit request.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.digest import digest
from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt, Verdict
from prefloop.datasets.aggregate import Aggregate, aggregate, counted
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import prompt_is_whole, read_prompt

__all__ = ["FreezeSettings", "demonstrations", "freeze", "pairs", "read_demonstrations", "votes"]


class FreezeSettings(BaseModel):
    """How batches become pairs."""

    model_config = ConfigDict(extra="forbid")
    held_out: float = Field(0.12, ge=0, lt=1, description="share of prompts held out of training")
    seed: int = Field(0, description="decides which prompts are held out")
    exclude: list[str] = Field([], description="annotators whose judgments do not count")
    across_epochs: bool = Field(
        False, description="pool labels made before and after a breaking change"
    )


def freeze(tx: Transaction, batches: Sequence[Artifact], settings: FreezeSettings) -> Artifact:
    """A dataset of preference pairs from these batches. Raises BadInput where they do not fit."""
    people.require(tx, "dataset.propose")
    _check(batches, settings)
    rows, tally = _aggregate(tx, batches, settings)
    if not rows:
        raise BadInput("no comparison in these batches has a preferred completion: nothing to keep")
    newest = batches[-1].manifest
    manifest = {
        "role": "preferences",
        "settings": settings.model_dump(mode="json"),
        "spec": newest["spec"],
        "epoch": newest["epoch"],
        "dimensions": newest["dimensions"],
        "counts": {
            "pairs": len(rows),
            "held_out": sum(row["split"] == "held_out" for row in rows),
            **tally,
        },
        "files": {"pairs": artifacts.write_rows(tx, rows)},
    }
    return artifacts.put(tx, "dataset", manifest, [batch.digest for batch in batches])


def pairs(reader: Reader, dataset: Artifact, split: str | None = None) -> list[Pair]:
    """The pairs of a dataset, in order; pairs with an erased text are left out."""
    rows, words = _whole(reader, dataset, split)
    return [
        Pair(
            prompt=read_prompt(row, words),
            chosen=words[row["chosen"]] or "",
            rejected=words[row["rejected"]] or "",
            margin=row["margin"],
            agreement=row["agreement"],
            judgments=sum(row["votes"]),
            dimensions=row["dimensions"],
            split=row["split"],
        )
        for row in rows
    ]


def votes(reader: Reader, dataset: Artifact, split: str | None = None) -> list[list[int]]:
    """[for chosen, for rejected, ties] of every pair, in order: what the ceiling rests on."""
    return [row["votes"] for row in _whole(reader, dataset, split)[0]]


def demonstrations(
    tx: Transaction,
    rows: Iterable[Mapping[str, Any]],
    about: Mapping[str, Any],
    above: Sequence[str],
) -> Artifact:
    """A dataset of prompts with the completion to imitate; rows are {messages, facts, completion}
    with digests for words."""
    people.require(tx, "dataset.propose")
    entry = artifacts.write_rows(tx, (dict(row) for row in rows))
    manifest = {
        "role": "demonstrations",
        **about,
        "counts": {"pairs": entry["rows"]},
        "files": {"demonstrations": entry},
    }
    return artifacts.put(tx, "dataset", manifest, above)


def read_demonstrations(
    reader: Reader, dataset: Artifact, sides: Literal["chosen", "both"] = "chosen"
) -> list[tuple[Prompt, str]]:
    """(prompt, completion) of a dataset of demonstrations; erased ones are left out.

    A preference dataset serves as well, by the chosen completions of its training split, or by
    both sides of all pairs: a base made from both knows the texts and not who won, so that a
    reward model built on it can be examined out of fold.
    """
    if dataset.manifest.get("role") == "preferences":
        if sides == "chosen":
            return [(pair.prompt, pair.chosen) for pair in pairs(reader, dataset, "train")]
        found = pairs(reader, dataset)
        return [(one.prompt, text) for one in found for text in (one.chosen, one.rejected)]
    rows = _rows(reader, dataset, "demonstrations", "demonstrations", None)
    wanted = [row["completion"] for row in rows]
    wanted += [m["text"] for row in rows for m in row["messages"]]
    words = texts.get_many(reader, wanted)
    return [
        (read_prompt(row, words), body)
        for row in rows
        if (body := words[row["completion"]]) is not None and prompt_is_whole(row, words)
    ]


def _check(batches: Sequence[Artifact], settings: FreezeSettings) -> None:
    if not batches:
        raise BadInput("a freeze needs at least one label batch")
    for batch in batches:
        if batch.kind != "label_batch":
            raise BadInput(f"{batch.short} is a {batch.kind}: a freeze reads label batches")
        if batch.manifest["purpose"] == "evaluation":
            raise BadInput(
                f"batch {batch.short} ({batch.manifest['campaign']}) was made to evaluate: "
                "training on it would spoil the evaluation"
            )
    followed = {(b.manifest.get("spec_name", ""), b.manifest["epoch"]) for b in batches}
    if len(followed) > 1 and not settings.across_epochs:
        said = ", ".join(f"epoch {epoch} of {name or '(none)'}" for name, epoch in sorted(followed))
        raise BadInput(
            f"these batches follow {said}: their labels are not comparable; "
            "relabel, or ask for it by name (--across-epochs)"
        )


def _aggregate(
    tx: Transaction, batches: Sequence[Artifact], settings: FreezeSettings
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    compared: dict[str, dict[str, Any]] = {}
    judged: dict[str, list[Mapping[str, Any]]] = {}
    rules: list[str] = []
    excluded_judgments = 0
    for batch in batches:  # oldest first: the newest batch's tie-break rules hold
        rules = batch.manifest["tie_break"]
        barred = set(settings.exclude) | _barred(batch)
        for row in artifacts.read_rows(tx, batch, "comparisons"):
            kept = counted(row["judgments"], barred)
            excluded_judgments += sum(j["annotator"] in barred for j in row["judgments"])
            compared[row["comparison"]] = row
            again = any(j["purpose"] == "relabel" for j in kept)
            before = [] if again else judged.get(row["comparison"], [])
            # One word each, the newest: whether asked again in a later round or imported twice.
            words = {one["annotator"]: one for one in [*before, *kept]}
            judged[row["comparison"]] = list(words.values())
    lengths = _lengths(tx, compared.values()) if "the shorter one" in rules else {}
    rows: list[dict[str, Any]] = []
    tally = Counter({"comparisons": 0, "split": 0, "ties": 0, "left_out": 0, "unjudged": 0})
    for name in sorted(compared):
        row = compared[name]
        known = all(one["purpose"] in ("gold", "anchor") for one in row["judgments"])
        if known and not judged[name]:
            continue  # there to test people, not to be learned from
        tally["comparisons"] += 1
        if not judged[name]:
            tally["unjudged"] += 1
            continue
        pair = (lengths[row["a"]], lengths[row["b"]]) if lengths else None
        found = aggregate(judged[name], rules, pair)
        tally["split"] += found.split
        if found.verdict in (None, Verdict.TIE):
            tally["left_out" if found.verdict is None else "ties"] += 1
        else:
            rows.append(_pair_row(row, found, settings))
    return rows, {**tally, "excluded_judgments": excluded_judgments}


def _barred(batch: Artifact) -> set[str]:
    """Annotators whom calibration did not clear: their labels are kept, not trained on."""
    return {
        name
        for name, record in batch.manifest["pool"].items()
        if record["calibration"]["status"] != "cleared"
    }


def _pair_row(row: Mapping[str, Any], found: Aggregate, settings: FreezeSettings) -> dict[str, Any]:
    assert found.verdict is not None
    won, lost = ("a", "b") if found.verdict is Verdict.A else ("b", "a")
    a, b, ties = found.votes
    sign = {found.verdict: 1, found.verdict.swap(): -1, Verdict.TIE: 0}
    return {
        "comparison": row["comparison"],
        "messages": row["messages"],
        "facts": row["facts"],
        "chosen": row[won],
        "rejected": row[lost],
        "votes": [a, b, ties] if won == "a" else [b, a, ties],
        "margin": found.margin,
        "agreement": found.agreement,
        "decided_by": found.decided_by,
        "dimensions": {name: sign[verdict] for name, verdict in found.dimensions.items()},
        "split": _split(row["messages"], settings),
    }


def _split(messages: Any, settings: FreezeSettings) -> str:
    """By the prompt alone: the same prompt falls on the same side in every freeze."""
    coin = int(digest([settings.seed, messages])[:8], 16) / 2**32
    return "held_out" if coin < settings.held_out else "train"


def _lengths(tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    wanted = [row[side] for row in rows for side in ("a", "b")]
    return {name: len((body or "").split()) for name, body in texts.get_many(tx, wanted).items()}


def _rows(
    reader: Reader, dataset: Artifact, role: str, file: str, split: str | None
) -> list[dict[str, Any]]:
    if dataset.kind != "dataset" or dataset.manifest.get("role") != role:
        have = dataset.manifest.get("role", dataset.kind)
        raise BadInput(f"{dataset.short} holds {have}; a dataset of {role} is needed here")
    rows = artifacts.read_rows(reader, dataset, file)
    return [row for row in rows if split is None or row["split"] == split]


def _whole(
    reader: Reader, dataset: Artifact, split: str | None
) -> tuple[list[dict[str, Any]], dict[str, str | None]]:
    """The rows of a preference dataset none of whose texts was erased, and their texts."""
    rows = _rows(reader, dataset, "preferences", "pairs", split)
    words = texts.get_many(reader, _digests(rows))
    return [row for row in rows if not _erased(row, words)], words


def _digests(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield row["chosen"]
        yield row["rejected"]
        yield from (message["text"] for message in row["messages"])


def _erased(row: Mapping[str, Any], words: Mapping[str, str | None]) -> bool:
    return any(words[name] is None for name in _digests([row]))
