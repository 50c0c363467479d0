"""Personal data and secrets in a text: found, named by kind, replaced by a placeholder.

What is found is what has a form (an address, a number with a check digit, a key with a known
beginning). Names of people and places have none and are not found; a detector for them plugs in
under the entry point `prefloop.redaction`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prefloop.core.errors import BadInput
from prefloop.core.plugins import plugins
from prefloop.text.detectors import BUILT_IN
from prefloop.text.phones import Phone, phones_available
from prefloop.text.spans import Detector, Span

__all__ = ["GROUP", "Detector", "Redacted", "Span", "detectors", "redact"]

GROUP = "prefloop.redaction"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found in it. Spans are places in the original text."""

    text: str
    spans: tuple[Span, ...] = field(default=())

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind were found."""
        return dict(sorted(Counter(span.kind for span in self.spans).items()))


def detectors(names: Iterable[str] | None = None) -> tuple[Detector, ...]:
    """The detectors called `names`; without names all that can run here.

    Phone numbers need the extra `data`. Raises MissingExtra only where they are asked for by
    name, and BadInput for a name that is not known.
    """
    known = plugins(GROUP, Detector, (*BUILT_IN, Phone()))  # type: ignore[type-abstract]
    if names is None:
        return tuple(d for d in known.values() if d.name != Phone.name or phones_available())
    chosen = list(names)
    for name in chosen:
        if name not in known:
            raise BadInput(f"no detector {name}: choose from {', '.join(known)}")
    if Phone.name in chosen:
        phones_available(required=True)
    return tuple(known[name] for name in chosen)


def redact(text: str, using: Sequence[Detector]) -> Redacted:
    """`text` with every span that a detector finds replaced by its kind, as in [EMAIL].

    Spans that overlap become one, named by the detector that comes first in `using`, so that no
    part is left over.
    """
    spans = _joined((span, rank) for rank, each in enumerate(using) for span in each.find(text))
    pieces, end = [], 0
    for span in spans:
        pieces += [text[end : span.start], f"[{span.kind}]"]
        end = span.end
    return Redacted("".join([*pieces, text[end:]]), tuple(spans))


def _joined(found: Iterable[tuple[Span, int]]) -> list[Span]:
    joined: list[Span] = []
    ranked = 0
    for span, rank in sorted(found, key=lambda each: (each[0].start, each[1])):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            kind = span.kind if rank < ranked else last.kind
            joined[-1] = Span(last.start, max(last.end, span.end), kind)
            ranked = min(ranked, rank)
        else:
            joined.append(span)
            ranked = rank
    return joined
