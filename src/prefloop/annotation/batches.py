"""Closing a campaign: its judgments, and what was known of its annotators, become one artifact.

A label batch carries everything a freeze needs, as it was on that day: who was cleared, how they
did on gold and on duplicates, which specification and epoch they followed. Nobody downstream
looks at live rows again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import Any

from prefloop.annotation import calibration, campaigns, edits, queries, rankings, requests
from prefloop.annotation.campaigns import Campaign
from prefloop.core.digest import digest
from prefloop.core.errors import BadInput
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction

__all__ = ["close", "so_far"]

Row = Any


def close(tx: Transaction, campaign: Campaign, notes: str = "") -> Artifact:
    """Close a campaign into its label_batch; closing again returns the same batch."""
    state = queries.hold_campaign(tx, campaign.id, "change")  # before looking: nothing comes after
    judged = queries.standing_judgments(tx, campaign.id)
    if not judged:
        raise BadInput(f"campaign {campaign.name} has no judgments: there is nothing to close")
    if state != "closed":
        campaigns.set_state(tx, campaign, "closed", notes or "complete")
    spec = artifacts.get(tx, campaign.spec)
    edited = edits.standing(tx, campaign)
    compared = queries.comparisons(tx, {row.comparison for row in [*judged, *edited]})
    files = {"comparisons": artifacts.write_rows(tx, _rows(tx, campaign, judged, compared))}
    if edited:
        written = queries.origins(tx, campaign.id)
        files["edits"] = artifacts.write_rows(tx, edits.comparison_rows(edited, compared, written))
    about, missing = _asked(tx, campaign, {row.comparison for row in judged})
    if missing:  # named, and not judged: their old labels are stale all the same
        rows = ({"comparison": one} for one in missing)
        files["not_judged"] = artifacts.write_rows(tx, rows)
    sources = Counter(compared[name].facts["source"] for name in {r.comparison for r in judged})
    manifest = {
        "campaign": campaign.name,
        "purpose": campaign.settings.purpose.value,
        "round": campaign.settings.round,
        "spec": campaign.spec,
        "spec_name": spec.manifest.get("name", ""),
        "epoch": spec.manifest["epoch"],
        "dimensions": [d["name"] for d in spec.manifest["spec"]["dimensions"]],
        "tie_break": [rule["by"] for rule in spec.manifest["spec"]["tie_break"]],
        "settings": campaign.settings.model_dump(mode="json"),
        "prompt_sources": dict(sorted(sources.items())),
        "pool": _pool(tx, campaign, judged),
        "judgments": len(judged),
        **about,
        "files": files,
    }
    return artifacts.put(tx, "label_batch", manifest, campaign.parents, notes)


def so_far(reader: Reader, campaign: Campaign) -> list[dict[str, Any]]:
    """The rows that closing the campaign now would write; no judgments, no rows."""
    judged = queries.standing_judgments(reader, campaign.id)
    compared = queries.comparisons(reader, {row.comparison for row in judged})
    return list(_rows(reader, campaign, judged, compared))


def _asked(
    tx: Transaction, campaign: Campaign, judged: Set[str]
) -> tuple[dict[str, Any], list[str]]:
    """The request behind a campaign, if there is one, and what it named that nobody judged.

    By its content's digest, without its id, so that the same work gives the same batch.
    """
    asked = requests.behind(tx, campaign.id)
    if asked is None:
        return {}, []
    control = campaign.id != asked.campaigns[0]
    missing = sorted({*(asked.control if control else asked.comparisons)} - judged)
    about = {
        "digest": digest(asked.content),
        "part": "control" if control else asked.purpose.value,
        "reason": asked.reason,
        "filter": asked.filter,
        "comparisons": len(asked.comparisons),
        "control": len(asked.control),
        "not_judged": len(missing),
    }
    return {"request": about}, missing


def _rows(
    reader: Reader, campaign: Campaign, judged: Sequence[Row], compared: dict[str, Row]
) -> Iterator[dict[str, Any]]:
    """One row per comparison, in id order, so that the same judgments give the same file."""
    rows = _as_asked(judged, compared, queries.origins(reader, campaign.id))
    slates = queries.campaign_slates(reader, campaign.id)
    if not slates:
        return rows
    own = {
        row.id: (row.comparison, row.annotator, row.purpose, row.round)
        for row in judged
        if row.comparison in slates
    }
    ranked = {own[name]: found for name, found in queries.rankings(reader, own).items()}
    return rankings.pair_rows(rows, slates, ranked)


def _as_asked(
    judged: Sequence[Row], compared: dict[str, Row], origins: dict[str, dict[str, str]]
) -> Iterator[dict[str, Any]]:
    by_comparison: dict[str, list[Row]] = defaultdict(list)
    for row in judged:
        by_comparison[row.comparison].append(row)
    for name in sorted(by_comparison):
        row = compared[name]
        yield {
            "comparison": name,
            "messages": row.messages,
            "facts": row.facts,
            "a": row.a,
            "b": row.b,
            "origin": origins[name],
            "judgments": sorted(
                (_judgment(one) for one in by_comparison[name]),
                key=lambda one: (one["annotator"], one["purpose"], one["round"]),
            ),
        }


def _judgment(row: Row) -> dict[str, Any]:
    names = (
        "annotator purpose round verdict strength dimensions flags rationale first_shown "
        "active_ms spec"
    )
    return {name: getattr(row, name) for name in names.split()}


def _pool(tx: Transaction, campaign: Campaign, judged: Sequence[Row]) -> dict[str, Any]:
    """Each annotator's standing and record in this campaign."""
    answers = queries.answers(tx, campaign.id)
    own: dict[str, list[Row]] = defaultdict(list)
    for row in judged:
        own[row.annotator].append(row)
    return {
        name: {
            "judgments": len(rows),
            **_record(rows, answers),
            "calibration": calibration.standing(tx, campaign, name),
        }
        for name, rows in sorted(own.items())
    }


def _record(rows: Sequence[Row], answers: dict[str, Row]) -> dict[str, Any]:
    gold = [row for row in rows if row.purpose == "gold"]
    work = {(r.comparison, r.round): r.verdict for r in rows if queries.counts(r.purpose)}
    repeats = [row for row in rows if row.purpose == "duplicate"]
    return {
        "gold": {
            "n": len(gold),
            "correct": sum(row.verdict == answers[row.comparison].verdict for row in gold),
        },
        "duplicates": {
            "n": len(repeats),
            "consistent": sum(
                work.get((row.comparison, row.round)) == row.verdict for row in repeats
            ),
        },
    }
