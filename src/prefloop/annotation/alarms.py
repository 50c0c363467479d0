"""Alarms about annotators in words: who, what was seen, how much, on how many judgments.

Runs every detector of `stats.detection` on the rows of a batch, or of a campaign as it stands, and
says it so that a person can check it. Nothing here acts: an alarm is a reason to look.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from prefloop.annotation.evidence import Evidence
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.detection import Alarm as Found
from prefloop.stats.detection import Alike, Detected, Kind, detect, inverted_share

__all__ = ["RATE", "Alarm", "Alarms", "as_json", "look", "sentence"]

RATE = 0.05
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """One person, one kind of evidence. `effect`, `usual` and `spread` are on the detector's scale;
    `q` is p adjusted for everything that was asked at once."""

    annotator: str
    kind: Kind
    evidence: str
    effect: float
    usual: float
    spread: float
    judgments: int
    p: float
    q: float
    partners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarms:
    """Everything the detectors say of one set of judgments."""

    alarms: tuple[Alarm, ...]
    rate: float
    tests: int
    judgments: int
    annotators: int
    not_enough: Mapping[str, str]  # {detector: why it says nothing at all}
    unheard: Mapping[str, Mapping[str, str]]  # {annotator: {detector: why}}
    inversion: Mapping[str, Estimate | NotEnough]  # share turned round, if otherwise as skilled
    shared_views: Mapping[str, str]  # {annotator: with whom they agree, no alarm}


def look(seen: Evidence, rate: float = RATE) -> Alarms:
    """Run all detectors on a batch's evidence, under one false-discovery rate."""
    found = detect(seen.data, rate)
    unheard: dict[str, dict[str, str]] = {}
    for kind, one in found.detected.items():
        for code, why in one.missing.items() if isinstance(one, Detected) else ():
            unheard.setdefault(seen.names[code], {})[kind] = why.reason
    shares = inverted_share(seen.data, found.traits)
    ring = found.detected["ring"]
    alike = ring.alike if isinstance(ring, Detected) else {}
    return Alarms(
        tuple(_named(one, seen) for one in found.alarms),
        rate,
        found.tests,
        len(seen.data.verdicts),
        len(seen.names),
        {k: d.reason for k, d in found.detected.items() if isinstance(d, NotEnough)},
        dict(sorted(unheard.items())),
        {seen.names[code]: share for code, share in shares.items()},
        {seen.names[code]: _view(one, seen) for code, one in sorted(alike.items())},
    )


def as_json(found: Alarms) -> dict[str, Any]:
    """The alarms as an artifact's manifest holds them."""
    return {
        "alarms": [{**asdict(one), "partners": list(one.partners)} for one in found.alarms],
        "false_discovery_rate": found.rate,
        "tests": found.tests,
        "judgments": found.judgments,
        "annotators": found.annotators,
        "not_enough": dict(found.not_enough),
        "unheard": {name: dict(why) for name, why in found.unheard.items()},
        "inversion": {name: one.json() for name, one in found.inversion.items()},
        "shared_views": dict(found.shared_views),
    }


def _named(one: Found, seen: Evidence) -> Alarm:
    partners = tuple(seen.names[code] for code in one.partners)
    return Alarm(
        seen.names[one.annotator],
        one.kind,
        sentence(one, partners),
        one.effect,
        one.usual,
        one.spread,
        one.n,
        one.p,
        one.q,
        partners,
    )


def sentence(one: Found, partners: Sequence[str] = ()) -> str:
    """What was seen of somebody, in one sentence without a subject."""
    return _SAID[one.kind](one, partners)


def _random(one: Found, partners: Sequence[str]) -> str:
    return (
        f"agrees with what others say in {one.effect:.0%} of {one.n} judgments, where a coin has "
        f"50% and people here {one.usual:.0%}"
    )


def _side(one: Found, partners: Sequence[str]) -> str:
    shown = "first" if one.effect > 0 else "second"
    return (
        f"takes the one shown {shown}, whatever it says: it moves {abs(one.effect):.0%} of {one.n} "
        f"verdicts, for people here {abs(one.usual):.0%}"
    )


def _answer(one: Found, partners: Sequence[str]) -> str:
    return (
        f"gives one and the same answer in {round(one.effect * one.n)} of {one.n} judgments; "
        f"people here give their favorite in {one.usual:.0%}"
    )


def _longer(one: Found, partners: Sequence[str]) -> str:
    return (
        f"takes the longer, beyond what quality explains: it moves {one.effect:.0%} of {one.n} "
        f"verdicts between unlike lengths, for people here {one.usual:.0%}"
    )


def _bullets(one: Found, partners: Sequence[str]) -> str:
    return (
        f"takes the list, beyond what quality and length explain: it moves {one.effect:.0%} of "
        f"{one.n} verdicts between a list and none, for people here {one.usual:.0%}"
    )


def _ring(one: Found, partners: Sequence[str]) -> str:
    return (
        f"gives nearly the same answers as {', '.join(partners)}: in {one.effect:.0%} of {one.n} "
        f"comparisons that the closest decided too, where two able people of one mind here agree "
        f"in {one.usual:.0%}"
    )


def _view(one: Alike, seen: Evidence) -> str:
    named, more = [seen.names[code] for code in one.partners[:_NAMED]], len(one.partners) - _NAMED
    others = f" and {more} more" if more > 0 else ""
    return (
        f"agrees with {', '.join(named)}{others}, in {one.agreed:.0%} of {one.shared} comparisons "
        "that the closest decided too, more than skill explains: a shared view or copying, which "
        "this cannot tell apart"
    )


def _fast(one: Found, partners: Sequence[str]) -> str:
    return (
        f"takes {one.effect:.0%} of the time that people here take for texts of such length "
        f"(median {one.usual / 1000:.0f} s) over {one.n} judgments"
    )


def _templates(one: Found, partners: Sequence[str]) -> str:
    return (
        f"repeats their own wording in {one.effect:.0%} of {one.n} rationales, people here in "
        f"{one.usual:.0%}"
    )


_SAID: Mapping[Kind, Callable[[Found, Sequence[str]], str]] = {
    "random": _random,
    "one side": _side,
    "one answer": _answer,
    "longer wins": _longer,
    "bullets win": _bullets,
    "ring": _ring,
    "too fast": _fast,
    "templates": _templates,
}
