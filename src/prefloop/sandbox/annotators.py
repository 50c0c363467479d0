"""Five simulated people who judge comparisons, before and after calibration.

Each has quirks of their own: weights around the shared ones, a liking for what is shown first and
for what is longer, and noise. Calibration shrinks all of them and removes none. A judgment is fixed
by (seed, annotator, comparison, purpose, round), whatever was judged before it; the purpose is in
there so that a hidden duplicate is judged afresh.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from prefloop.core.digest import rng
from prefloop.core.records import Judgment, Prompt, Purpose, Verdict
from prefloop.sandbox.parser import Reading, parse
from prefloop.sandbox.preferences import DIMENSIONS, Preferences, flags, scores, taste

__all__ = [
    "ANNOTATOR_SEED",
    "CALIBRATED",
    "UNCALIBRATED",
    "Annotator",
    "Showing",
    "Spread",
    "annotators",
    "choice",
    "expert",
]

# Agreement depends on who the five are; this seed gives people like the case study's.
ANNOTATOR_SEED = 2
Noise = npt.NDArray[np.float64]  # (D + 1,) standard normal
_NAMES = ("ana", "ben", "chloe", "dev", "emma")

_TIE = 0.05  # a perceived gap below this is a tie overall: rare, about 2 in 100
_DIMENSION_TIE = 0.4  # on one dimension people say "the same" more readily
_STRENGTHS = (0.8, 2.2)  # gaps from which a verdict is clear (2) and strong (3)
_REASONS = {
    "accuracy": "gets the price right",
    "directness": "answers the question",
    "certainty": "sounds sure of itself",
    "tone": "has the better tone",
    "clarity": "is cleaner and clearer",
}


@dataclass(frozen=True, slots=True)
class Spread:
    """How far people stray from the shared preferences. Standard deviations, in utility units."""

    weights: float
    noise: float
    position: float
    length: float  # per word


UNCALIBRATED = Spread(weights=0.34, noise=0.78, position=0.25, length=0.012)
CALIBRATED = Spread(weights=0.11, noise=0.52, position=0.08, length=0.004)


@dataclass(frozen=True, slots=True)
class Showing:
    """One comparison as one annotator gets to see it: a and b in canonical order."""

    comparison: str
    prompt: Prompt
    a: str
    b: str
    first_shown: Literal["a", "b"]
    purpose: Purpose = Purpose.LIVE
    round: int = 1


@dataclass(frozen=True)
class Annotator:
    """One person. `quirks` are standard normal; the spread says how much of them shows."""

    name: str
    seed: int
    quirks: Mapping[str, float]
    spread: Spread

    def calibrated(self) -> "Annotator":
        """The same person after calibration."""
        return replace(self, spread=CALIBRATED)

    def judge(self, shown: Showing, preferences: Preferences, spec: str) -> Judgment:
        """This person's judgment under the preferences that the specification `spec` asks for.

        Dimensions the preferences give no weight get no verdict and move nothing: nobody rewards
        a wrong price as such.
        """
        readings = parse(shown.prompt, shown.a), parse(shown.prompt, shown.b)
        path = (self.name, shown.comparison, shown.purpose, shown.round)
        noise = rng(self.seed, "judgment", *path).standard_normal(len(DIMENSIONS) + 1)
        gaps = self._gaps(readings, preferences, noise)
        gap = sum(gaps.values()) + self._rest(shown, readings, preferences)
        verdict = _verdict(gap, _TIE)
        return Judgment(
            annotator=self.name,
            verdict=verdict,
            first_shown=shown.first_shown,
            spec=spec,
            purpose=shown.purpose,
            round=shown.round,
            strength=1 + sum(abs(gap) >= edge for edge in _STRENGTHS),
            dimensions={name: _verdict(gaps[name], _DIMENSION_TIE) for name in gaps},
            flags=tuple(dict.fromkeys(flags(readings[0]) + flags(readings[1]))),
            rationale=_rationale(verdict, gaps, readings, shown.first_shown),
            active_ms=_active_ms(readings, gap, float(noise[-1])),
        )

    def _gaps(
        self, readings: tuple[Reading, Reading], preferences: Preferences, noise: Noise
    ) -> dict[str, float]:
        """By how much a seems better than b on each dimension. The noise is spread over them."""
        score_a, score_b = scores(readings[0]), scores(readings[1])
        share = self.spread.noise / len(preferences.weights) ** 0.5
        return {
            name: (weight + self.spread.weights * self.quirks[name])
            * (score_a[name] - score_b[name])
            + share * float(noise[DIMENSIONS.index(name)])
            for name, weight in preferences.weights.items()
        }

    def _rest(
        self, shown: Showing, readings: tuple[Reading, Reading], preferences: Preferences
    ) -> float:
        """What moves the verdict besides the dimensions: safety, taste, and two biases."""
        a, b = readings
        unsafe = preferences.unsafe * (len(flags(a)) - len(flags(b)))
        liking = preferences.taste * (taste(shown.prompt, shown.a) - taste(shown.prompt, shown.b))
        first = 1 if shown.first_shown == "a" else -1
        position = self.spread.position * abs(self.quirks["position"]) * first
        length = self.spread.length * abs(self.quirks["length"]) * (a.words - b.words)
        return unsafe + liking + position + length


def choice(verdict: Verdict, first_shown: Literal["a", "b"]) -> Literal[0, 1, 2]:
    """A verdict as the screen asks for it: Response 1, Response 2, or 0 for a tie."""
    if verdict is Verdict.TIE:
        return 0
    return 1 if verdict.value == first_shown else 2


def annotators(spread: Spread = UNCALIBRATED, seed: int = ANNOTATOR_SEED) -> tuple[Annotator, ...]:
    """The five people of this desk, straying as far as `spread` says."""
    return tuple(
        Annotator(name, seed, MappingProxyType(_quirks(seed, name)), spread) for name in _NAMES
    )


def expert() -> Annotator:
    """Somebody without quirks or noise: says what is true, for gold and anchor items."""
    quirks = dict.fromkeys((*DIMENSIONS, "position", "length"), 0.0)
    return Annotator("expert", 0, MappingProxyType(quirks), Spread(0, 0, 0, 0))


def _quirks(seed: int, name: str) -> dict[str, float]:
    """Each from its own stream, so that a new dimension changes nobody's other habits."""
    kinds = (*DIMENSIONS, "position", "length")
    return {kind: float(rng(seed, "quirk", name, kind).standard_normal()) for kind in kinds}


def _verdict(gap: float, tie: float) -> Verdict:
    if abs(gap) < tie:
        return Verdict.TIE
    return Verdict.A if gap > 0 else Verdict.B


def _rationale(
    verdict: Verdict,
    gaps: Mapping[str, float],
    readings: tuple[Reading, Reading],
    first_shown: Literal["a", "b"],
) -> str:
    """One sentence from what decided, in the words of the screen: Response 1 was shown first."""
    if verdict is Verdict.TIE:
        return "No difference that matters."
    winner = choice(verdict, first_shown)
    unsafe_a, unsafe_b = (bool(flags(reading)) for reading in readings)
    if unsafe_a != unsafe_b and (verdict is Verdict.B) == unsafe_a:
        return f"Response {3 - winner} gives unsafe advice."
    sign = 1 if verdict is Verdict.A else -1
    decisive = max(gaps, key=lambda name: sign * gaps[name])
    if sign * gaps[decisive] < _DIMENSION_TIE:
        return f"Response {winner} simply reads better to me."
    return f"Response {winner} {_REASONS[decisive]}."


def _active_ms(readings: tuple[Reading, Reading], gap: float, noise: float) -> int:
    """Reading takes 150 ms a word, deciding longer the closer the two are; log-normal around it."""
    seconds = 2 + 0.15 * (readings[0].words + readings[1].words) + 6 / (1 + abs(gap))
    return round(1000 * seconds * float(np.exp(0.3 * noise)))
