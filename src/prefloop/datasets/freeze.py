"""Freezing label batches into a preference dataset that never changes.

Reads batches, never live rows, and what two people decided about quarantine. Annotators who were
locked or excluded in their campaign, or are in quarantine, do not count; ties and left-out
comparisons are counted and kept out, and whole prompts are held out, so that no prompt is on both
sides. Labels of different epochs are pooled only by explicit request and for a recorded reason; the
votes on one comparison are always of one epoch (datasets.standing).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.digest import digest
from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt, Verdict
from prefloop.datasets.aggregate import Aggregate, aggregate
from prefloop.datasets.standing import followed, in_quarantine, standing
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import prompt_is_whole, read_prompt

__all__ = ["FreezeSettings", "demonstrations", "freeze", "pairs", "read_demonstrations", "votes"]

_TALLY = ("comparisons", "split", "ties", "left_out", "unjudged", "superseded", "changed_winner")


class FreezeSettings(BaseModel):
    """How batches become pairs."""

    model_config = ConfigDict(extra="forbid")
    held_out: float = Field(0.12, ge=0, lt=1, description="share of prompts held out of training")
    seed: int = Field(0, description="decides which prompts are held out")
    exclude: list[str] = Field([], description="annotators whose judgments do not count")
    across_epochs: bool = Field(
        False, description="pool labels made before and after a breaking change"
    )
    because: str = Field(
        "", description="why they may be pooled; default: the reasons of the relabelling requests"
    )


def freeze(tx: Transaction, batches: Sequence[Artifact], settings: FreezeSettings) -> Artifact:
    """A dataset of preference pairs from these batches. Raises BadInput where they do not fit."""
    people.require(tx, "dataset.propose")
    why = _check(batches, settings)
    rows, tally = _aggregate(tx, batches, settings)
    if not rows:
        raise BadInput("no comparison in these batches has a preferred completion: nothing to keep")
    newest = batches[-1].manifest
    epochs = Counter((row["spec_name"], row["epoch"]) for row in rows)
    manifest = {
        "role": "preferences",
        "settings": settings.model_dump(mode="json"),
        "spec": newest["spec"],
        "epoch": newest["epoch"],
        "dimensions": newest["dimensions"],
        "epochs": [
            {"spec_name": name, "epoch": epoch, "pairs": count}
            for (name, epoch), count in sorted(epochs.items())
        ],
        **({"across_epochs": why} if why else {}),
        **_set_aside(tx, batches),
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
            weight=row.get("weight", 1.0),
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


def _set_aside(reader: Reader, batches: Sequence[Artifact]) -> dict[str, Any]:
    """Who was in quarantine when this was frozen, and on which alarms: lifted later, they count in
    the next freeze, and this one still says what it left out."""
    found = {batch.digest: in_quarantine(reader, batch) for batch in batches}
    held = {name: people for name, people in found.items() if people}
    return {"quarantine": held} if held else {}


def _check(batches: Sequence[Artifact], settings: FreezeSettings) -> str:
    """Raise BadInput for batches that do not fit together; returns why epochs are pooled, if so."""
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
        if "comparisons" not in batch.manifest["files"]:
            raise BadInput(
                f"batch {batch.short} ({batch.manifest['campaign']}) holds labels without two "
                "completions: it can be measured, and nothing can be trained on it"
            )
    _in_order(batches)
    return _across(batches, settings)


def _in_order(batches: Sequence[Artifact]) -> None:
    """A batch given too late would bring back the labels that a newer one took away."""
    newest: dict[str, int] = {}
    for place, batch in enumerate(batches):
        name, epoch = followed(batch)
        again = any(batch.digest in earlier.parents for earlier in batches[:place])
        if again or epoch < newest.get(name, epoch):
            raise BadInput(
                f"batch {batch.short} ({batch.manifest['campaign']}) is older than one before it: "
                "give batches oldest first"
            )
        newest[name] = epoch


def _across(batches: Sequence[Artifact], settings: FreezeSettings) -> str:
    epochs = {followed(batch) for batch in batches}
    if len(epochs) < 2:
        return ""
    said = ", ".join(f"epoch {epoch} of {name or '(none)'}" for name, epoch in sorted(epochs))
    if not settings.across_epochs:
        raise BadInput(
            f"these batches follow {said}: their labels are not comparable; "
            "relabel, or ask for it by name (--across-epochs)"
        )
    asked = [
        batch.manifest["request"]["reason"] for batch in batches if "request" in batch.manifest
    ]
    why = settings.because.strip() or "; ".join(dict.fromkeys(asked))
    if not why:
        raise BadInput(
            f"these batches follow {said}: say why their labels may be pooled (--because REASON)"
        )
    return why


def _aggregate(
    tx: Transaction, batches: Sequence[Artifact], settings: FreezeSettings
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    stood, excluded_judgments = standing(tx, batches, settings.exclude)
    rules = batches[-1].manifest["tie_break"]  # oldest first: the newest batch's rules hold
    shorter = "the shorter one" in rules
    lengths = _lengths(tx, (one.row for one in stood.values())) if shorter else {}
    rows: list[dict[str, Any]] = []
    tally = Counter(dict.fromkeys(_TALLY, 0))
    for _, one in sorted(stood.items()):
        if one.only_tests:
            continue  # there to test people, not to be learned from
        tally["comparisons"] += 1
        pair = (lengths[one.row["a"]], lengths[one.row["b"]]) if lengths else None
        found = aggregate(one.judgments, rules, pair)
        if one.replaced:
            tally["superseded"] += 1
            before = aggregate(one.replaced, rules, pair)
            tally["changed_winner"] += bool(one.judgments) and _turned(before, found)
        if not one.judgments:
            tally["unjudged"] += 1
            continue
        tally["split"] += found.split
        if "edited" in one.row:
            tally["edits"] += 1
        if found.verdict in (None, Verdict.TIE):
            tally["left_out" if found.verdict is None else "ties"] += 1
        else:
            rows.append({**_pair_row(one.row, found, settings), **one.followed})
    return rows, {**tally, "excluded_judgments": excluded_judgments}


def _turned(before: Aggregate, after: Aggregate) -> bool:
    """The winner is the other side: a tie on either hand has none."""
    sides = {before.verdict, after.verdict}
    return sides == {Verdict.A, Verdict.B}


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
        "decided_by": "edit" if "edited" in row else found.decided_by,
        "dimensions": {name: sign[verdict] for name, verdict in found.dimensions.items()},
        "split": _split(row["messages"], settings),
        **({"weight": row["weight"]} if "weight" in row else {}),
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
