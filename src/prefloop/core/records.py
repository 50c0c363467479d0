"""The words of the loop as types. Rooms meet in these, never in each other's code.

Everything here is frozen and plain. A *comparison* holds a and b in an order fixed by digest;
which of the two was shown first belongs to an assignment, not to the comparison.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

__all__ = [
    "CampaignRequest",
    "Completion",
    "Estimate",
    "Judgment",
    "Message",
    "Pair",
    "Prompt",
    "PromptSource",
    "Purpose",
    "Verdict",
]


class Verdict(StrEnum):
    """What a judgment says about a comparison, in the comparison's own (canonical) order."""

    A = "a"
    B = "b"
    TIE = "tie"

    def swap(self) -> "Verdict":
        """The same verdict with a and b exchanged."""
        return {Verdict.A: Verdict.B, Verdict.B: Verdict.A, Verdict.TIE: Verdict.TIE}[self]


class Purpose(StrEnum):
    """Why an annotator is shown a comparison. Part of an assignment's identity."""

    LIVE = "live"
    GOLD = "gold"
    ANCHOR = "anchor"
    DUPLICATE = "duplicate"
    SPOT_CHECK = "spot check"
    RELABEL = "relabel"
    EVALUATION = "evaluation"


class PromptSource(StrEnum):
    """Where a prompt came from."""

    USAGE = "usage"
    SYNTHETIC = "synthetic"
    EXPERT = "expert"
    ADVERSARIAL = "adversarial"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a completion answers: a conversation that ends with the user, and what is known."""

    messages: tuple[Message, ...]
    topic: str = ""
    source: PromptSource = PromptSource.USAGE
    hard: bool = False
    high_stakes: bool = False
    specialty: str = ""
    language: str = "en"
    provenance: str = ""

    @classmethod
    def of(cls, text: str, **known: Any) -> Self:
        """A single-turn prompt."""
        return cls(messages=(Message("user", text),), **known)

    @property
    def text(self) -> str:
        """The last user turn."""
        return self.messages[-1].text

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the words, ready for JSON."""
        known = asdict(self)
        del known["messages"]
        return known


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer, the model that gave it (a digest or an outside name), and how it was drawn."""

    text: str
    model: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgment:
    """One annotator's verdict on one comparison, as a label batch carries it."""

    annotator: str
    verdict: Verdict
    first_shown: Literal["a", "b"]
    spec: str
    purpose: Purpose = Purpose.LIVE
    round: int = 1
    strength: int = 1
    dimensions: dict[str, Verdict] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    rationale: str = ""
    active_ms: int = 0


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """What one room asks annotation to have judged, and what became of it.

    `sources` are the artifacts it rests on, the label batch whose comparisons are named first.
    `comparisons` are exactly the ids that `filter` named when it was asked; `control` are ids
    outside it, to be judged by the same people at the same time. `campaigns` are the ids of what
    took it up: the one for `comparisons`, then the one for `control` if there is any.
    """

    id: str
    purpose: Purpose
    reason: str
    asked_by: str
    asked: int  # microseconds since 1970, UTC
    spec: str
    sources: tuple[str, ...]
    filter: dict[str, Any]
    comparisons: tuple[str, ...]
    control: tuple[str, ...] = ()
    state: Literal["open", "taken up", "declined"] = "open"
    campaigns: tuple[str, ...] = ()
    answer: str = ""  # why it was declined

    @property
    def content(self) -> dict[str, Any]:
        """What is asked, without who, when and what became of it: for a digest that repeats."""
        return {
            "purpose": self.purpose.value,
            "reason": self.reason,
            "spec": self.spec,
            "sources": list(self.sources),
            "filter": self.filter,
            "comparisons": list(self.comparisons),
            "control": list(self.control),
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A preference pair: aggregated judgments on one comparison, ready to train on.

    `margin` is the share of the weighted vote by which chosen won (0 to 1); `agreement` the raw
    share of judgments that agree with the aggregate; `dimensions` says per dimension whether
    the chosen completion also won there (1), lost (-1) or tied (0).
    """

    prompt: Prompt
    chosen: str
    rejected: str
    margin: float = 1.0
    weight: float = 1.0
    agreement: float = 1.0
    judgments: int = 1
    dimensions: dict[str, int] = field(default_factory=dict)
    split: Literal["train", "held_out"] = "train"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number with its 95 % interval and the number of units it rests on."""

    estimate: float
    low: float
    high: float
    n: int

    def json(self) -> dict[str, float | int]:
        """The form every report uses."""
        return {"estimate": self.estimate, "low": self.low, "high": self.high, "n": self.n}
