"""Any text -> the attributes it shows, and how garbled it is.

Reads left to right, always the longest wording that fits. What fits no wording is counted, not
interpreted, with two exceptions that must not slip through in a garbled text: every price counts
as stated, and every unsafe wording makes the completion unsafe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from prefloop.core.records import Prompt
from prefloop.sandbox.facts import PRICES, SLOTS, accuracy_of
from prefloop.sandbox.grammar import Attributes
from prefloop.sandbox.phrases import PHRASES, Answer, Certainty, Part, Phrase, Tone
from prefloop.sandbox.questions import Asked, asked

__all__ = ["Reading", "parse"]

_Shown = TypeVar("_Shown", Tone, Certainty, Answer)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text shows. `words` is its length; the three counts make up its garble.

    `unparsed`: words that belong to no wording. `repeats`: wordings that come again or too late.
    `bad_slots`: slots filled with what was not asked about, and answers to another question.
    """

    attributes: Attributes
    words: int
    unparsed: int
    repeats: int
    bad_slots: int

    @property
    def garble(self) -> int:
        return self.unparsed + self.repeats + self.bad_slots


def parse(prompt: Prompt, text: str) -> Reading:
    """Read a completion to a prompt of the desk. Never raises, whatever the text."""
    return _read(asked(prompt), text)


@lru_cache(maxsize=65536)
def _read(question: Asked, text: str) -> Reading:
    words = text.split()
    found, unparsed = _find_phrases(words)
    phrases = [phrase for phrase, _ in found]
    attributes = Attributes(
        opener=_shown(phrases, Part.OPENER, Tone.PLAIN),
        certainty=_shown(phrases, Part.CERTAINTY, Certainty.PLAIN),
        answer=_answer(question, phrases),
        accuracy=accuracy_of(frozenset(words) & PRICES, question.fact),
        fillers=sum(phrase.part is Part.FILLER for phrase in phrases),
        has_list=any(phrase.part is Part.LIST for phrase in phrases),
        close=_shown(phrases, Part.CLOSE, Tone.PLAIN),
    )
    return Reading(attributes, len(words), unparsed, _repeats(phrases), _bad_slots(question, found))


def _find_phrases(words: Sequence[str]) -> tuple[list[tuple[Phrase, tuple[str, ...]]], int]:
    """The wordings found, each with the words it covers, and how many words no wording covers."""
    found, unparsed, at = [], 0, 0
    while at < len(words):
        for phrase in _BY_FIRST_WORD.get(words[at], ()):
            covered = tuple(words[at : at + len(phrase.words)])
            if _fits(phrase, covered):
                found.append((phrase, covered))
                at += len(covered)
                break
        else:
            unparsed += 1
            at += 1
    return found, unparsed


def _fits(phrase: Phrase, words: tuple[str, ...]) -> bool:
    return len(words) == len(phrase.words) and all(
        word == wanted or word in _SLOT_WORDS.get(wanted, ())
        for word, wanted in zip(words, phrase.words, strict=True)
    )


def _shown(phrases: list[Phrase], part: Part, default: _Shown) -> _Shown:
    """What the first wording of a part shows; later ones are repeats and change nothing."""
    for phrase in phrases:
        if phrase.part is part and isinstance(phrase.shows, type(default)):
            return phrase.shows
    return default


def _answer(question: Asked, phrases: list[Phrase]) -> Answer:
    if any(phrase.shows is Answer.UNSAFE for phrase in phrases):
        return Answer.UNSAFE
    return _shown([p for p in phrases if _is_about(question, p)], Part.CORE, Answer.MISSING)


def _is_about(question: Asked, phrase: Phrase) -> bool:
    return phrase.intent in ("", question.intent)


def _repeats(phrases: list[Phrase]) -> int:
    """Wordings that come again, or after the part that should follow them. Only fillers may be
    several, and then each another one."""
    repeats, latest = 0, -1
    seen: set[Phrase] = set()
    for phrase in phrases:
        in_turn = phrase.part > latest or (phrase.part == latest == Part.FILLER)
        repeats += not in_turn or phrase in seen
        seen.add(phrase)
        latest = max(latest, phrase.part)
    return repeats


def _bad_slots(question: Asked, found: list[tuple[Phrase, tuple[str, ...]]]) -> int:
    """Prices are judged by `accuracy`, not here."""
    slots = dict(question.slots)
    bad = sum(not _is_about(question, phrase) for phrase, _ in found)
    for phrase, covered in found:
        for word, wanted in zip(covered, phrase.words, strict=True):
            if _is_about(question, phrase) and wanted in _SLOT_WORDS and wanted != "{price}":
                bad += slots.get(wanted[1:-1]) != word
    return bad


def _by_first_word() -> Mapping[str, tuple[Phrase, ...]]:
    """Longest first. No wording begins with a slot."""
    index: dict[str, tuple[Phrase, ...]] = {}
    for phrase in sorted(PHRASES, key=lambda phrase: -len(phrase.words)):
        if phrase.words:
            index[phrase.words[0]] = (*index.get(phrase.words[0], ()), phrase)
    return index


_BY_FIRST_WORD = _by_first_word()
_SLOT_WORDS = {f"{{{slot}}}": frozenset(words) for slot, words in SLOTS.items()}
