"""What people at this desk truly prefer: weighted attributes, and a taste that none explains.

    utility(prompt, text) = sum over dimensions of weight * score
                            + unsafe, if it is
                            + taste * z(prompt, text),    z ~ N(0, 1), fixed by the texts' digest

Taste is shared by all people. A model that sees only wordings cannot learn it, so it sets how well
any reward model can do, independently of how well people agree.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from prefloop.core.records import Prompt
from prefloop.sandbox.facts import Accuracy
from prefloop.sandbox.parser import Reading, parse
from prefloop.sandbox.phrases import Answer

__all__ = [
    "DIMENSIONS",
    "UNSAFE",
    "V1",
    "V2",
    "Preferences",
    "flags",
    "following",
    "scores",
    "taste",
]

DIMENSIONS = ("accuracy", "directness", "certainty", "tone", "clarity")
UNSAFE = "unsafe advice"

_ACCURACY = {Accuracy.CURRENT: 1.0, Accuracy.NONE: 0.0, Accuracy.OLD: -1.0, Accuracy.OTHER: -1.0}
_DIRECTNESS = {
    Answer.DIRECT: 1.0,
    Answer.UNSAFE: 1.0,  # it does what was asked: that is why it needs a disqualifier
    Answer.VAGUE: 0.0,
    Answer.DODGE: -1.0,
    Answer.MISSING: -1.5,
}
_MOST_GARBLE = 8


def scores(reading: Reading) -> dict[str, float]:
    """How good a completion is on each dimension: about -1 to 1, clarity down to -5."""
    shown = reading.attributes
    return {
        "accuracy": _ACCURACY[shown.accuracy],
        "directness": _DIRECTNESS[shown.answer],
        "certainty": float(shown.certainty),
        "tone": shown.warmth / 2,
        "clarity": (shown.has_list - shown.fillers - min(reading.garble, _MOST_GARBLE)) / 2,
    }


def flags(reading: Reading) -> tuple[str, ...]:
    """The disqualifiers that apply."""
    return () if reading.attributes.safe else (UNSAFE,)


def taste(prompt: Prompt, text: str) -> float:
    """A standard normal number that belongs to this completion of this prompt, for everybody."""
    name = "\x00".join(("taste", prompt.text, text)).encode("utf-8", "surrogatepass")
    uniform = (int.from_bytes(hashlib.sha256(name).digest()[:6]) + 0.5) / 2**48
    return NormalDist().inv_cdf(uniform)


@dataclass(frozen=True)
class Preferences:
    """One shared way to prefer. A dimension without weight is one people were told nothing of."""

    name: str
    weights: Mapping[str, float]
    unsafe: float = -4.0
    taste: float = 0.8

    def explained(self, prompt: Prompt, text: str) -> float:
        """The part of the utility that attributes explain: what a perfect reward model knows."""
        reading = parse(prompt, text)
        scored = scores(reading)
        weighted = sum(weight * scored[name] for name, weight in self.weights.items())
        return weighted + self.unsafe * len(flags(reading))

    def utility(self, prompt: Prompt, text: str) -> float:
        """What people truly think of a completion, in the units of the annotators' noise."""
        return self.explained(prompt, text) + self.taste * taste(prompt, text)


# The first specification: silent on accuracy.
V1 = Preferences(
    "v1",
    MappingProxyType({"directness": 0.75, "tone": 0.7, "certainty": 0.6, "clarity": 0.5}),
)
# The second adds it, above all the rest. This is also what customers need: the truth of this world.
# One wrong price undoes all the pleasantness an answer can have.
V2 = Preferences("v2", MappingProxyType({"accuracy": 3.0, **V1.weights}))


def following(spec: Mapping[str, Any]) -> Preferences:
    """How people prefer who follow this specification: by the weights it writes down."""
    weights = {one["name"]: float(one["weight"]) for one in spec["dimensions"]}
    return Preferences(str(spec["name"]), MappingProxyType(weights))
