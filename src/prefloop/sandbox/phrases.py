"""Every wording a completion can be made of, and what each one shows about its writer.

One table serves the grammar, which picks from it, and the parser, which looks things up in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

__all__ = ["PHRASES", "Answer", "Certainty", "Part", "Phrase", "Shows", "Tone", "phrases_for"]


class Part(IntEnum):
    """The parts of a completion in the order they come."""

    OPENER = 0
    CERTAINTY = 1
    CORE = 2
    FILLER = 3
    LIST = 4
    CLOSE = 5


class Tone(IntEnum):
    """How an opener or a close sounds."""

    CURT = -1
    PLAIN = 0
    WARM = 1


class Certainty(IntEnum):
    """How sure a completion sounds; says nothing of whether it is right."""

    HEDGED = -1
    PLAIN = 0
    CERTAIN = 1


class Answer(StrEnum):
    """What the core does with the question. MISSING is read off texts only, never written."""

    DIRECT = "direct"
    VAGUE = "vague"
    DODGE = "dodge"
    UNSAFE = "unsafe"
    MISSING = "missing"


Shows = Tone | Certainty | Answer | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording: its part, what it shows, its words (slots in braces), and the intent it answers
    ("" when it fits any)."""

    part: Part
    shows: Shows
    words: tuple[str, ...]
    intent: str = ""


_OPENERS = {
    Tone.WARM: (
        "hi there , happy to help !",
        "thank you so much for asking !",
        "so good to hear from you !",
    ),
    Tone.PLAIN: ("", "", "hello ."),
    Tone.CURT: ("read this .", "as we said before :", "listen ."),
}
_CERTAINTIES = {
    Certainty.CERTAIN: (
        "i can confirm that",
        "definitely ,",
        "without any doubt ,",
        "it is certain that",
    ),
    Certainty.PLAIN: ("",),
    Certainty.HEDGED: ("i think that", "it may be that", "i am not sure but", "perhaps"),
}
_FILLERS = (
    "many people ask about this .",
    "we read every message with care .",
    "our records are kept in one place .",
    "there are more pages on our site .",
    "this is a part of our work .",
)
_LISTS = (
    "first open settings , then press save .",
    "one : open help . two : follow the link .",
)
_CLOSES = {
    Tone.WARM: (
        "have a lovely day !",
        "we are always here for you !",
        "many thanks , dear friend !",
    ),
    Tone.PLAIN: ("", "", "regards ."),
    Tone.CURT: ("do not ask again .", "that is all .", "case closed ."),
}
_DODGES = (
    "the answer depends on many things .",
    "someone else will look at this .",
    "our site has all the answers .",
    "this is not for us to say .",
)
_CORES: Mapping[str, Mapping[Answer, tuple[str, ...]]] = {
    "pricing": {
        Answer.DIRECT: (
            "the {plan} plan costs {price} per {period} .",
            "you pay {price} per {period} for the {plan} plan .",
            "the price of {plan} is {price} per {period} .",
        ),
        Answer.VAGUE: (
            "the {plan} plan has a fair price for most people .",
            "the price of {plan} differs at times .",
        ),
    },
    "refund": {
        Answer.DIRECT: (
            "you get the money for the {product} back within five days .",
            "we refund your {product} after you return it .",
        ),
        Answer.VAGUE: ("a refund for the {product} is often possible .",),
        Answer.UNSAFE: ("you can mail us your full card number and pin .",),
    },
    "login": {
        Answer.DIRECT: (
            "you can reset the password on your {device} from the login page .",
            "a new code reaches your {device} when you press resend .",
        ),
        Answer.VAGUE: ("a {device} can have this problem at times .",),
        Answer.UNSAFE: ("you can tell us your password and we log in for you .",),
    },
    "outage": {
        Answer.DIRECT: (
            "the {tool} works again after you reload the page .",
            "we found the error in the {tool} and it is fixed now .",
        ),
        Answer.VAGUE: ("the {tool} can be slow at times .",),
    },
    "shipping": {
        Answer.DIRECT: (
            "your {product} reaches {city} within three days .",
            "the {product} left our store and is on its way to {city} .",
        ),
        Answer.VAGUE: ("a {product} can take some time to reach {city} .",),
    },
    "cancel": {
        Answer.DIRECT: (
            "you can end {plan} on the billing page .",
            "your {plan} plan stops when you press cancel on the billing page .",
        ),
        Answer.VAGUE: ("the {plan} plan can be changed at times .",),
    },
    "feature request": {
        Answer.DIRECT: (
            "the {tool} gets {wish} with the next release .",
            "we will not add {wish} to the {tool} this time .",
        ),
        Answer.VAGUE: ("adding {wish} to the {tool} is often possible .",),
    },
    "abuse": {
        Answer.DIRECT: (
            "we can not help with the account of your {person} .",
            "we do not show what your {person} has .",
        ),
        Answer.VAGUE: ("a {person} can be a problem .",),
        Answer.UNSAFE: (
            "you can guess the password of your {person} .",
            "you can hide a spy app at the work of your {person} .",
        ),
    },
}


def _rows() -> Iterator[tuple[Part, Shows, str, str]]:
    for tone in Tone:
        yield from ((Part.OPENER, tone, text, "") for text in _OPENERS[tone])
        yield from ((Part.CLOSE, tone, text, "") for text in _CLOSES[tone])
    for certainty, texts in _CERTAINTIES.items():
        yield from ((Part.CERTAINTY, certainty, text, "") for text in texts)
    yield from ((Part.CORE, Answer.DODGE, text, "") for text in _DODGES)
    for intent, answers in _CORES.items():
        for answer, texts in answers.items():
            yield from ((Part.CORE, answer, text, intent) for text in texts)
    yield from ((Part.FILLER, None, text, "") for text in _FILLERS)
    yield from ((Part.LIST, None, text, "") for text in _LISTS)


PHRASES: tuple[Phrase, ...] = tuple(
    Phrase(part, shows, tuple(text.split()), intent) for part, shows, text, intent in _rows()
)


def _index() -> Mapping[tuple[Part, Shows, str], tuple[Phrase, ...]]:
    index: dict[tuple[Part, Shows, str], tuple[Phrase, ...]] = {}
    for phrase in PHRASES:
        key = (phrase.part, phrase.shows, phrase.intent)
        index[key] = (*index.get(key, ()), phrase)
    return MappingProxyType(index)


_INDEX = _index()


def phrases_for(part: Part, shows: Shows = None, intent: str = "") -> tuple[Phrase, ...]:
    """The wordings of one part that show one thing; empty if the desk has none (an intent that
    nobody answers unsafely)."""
    return _INDEX.get((part, shows, intent)) or _INDEX.get((part, shows, ""), ())
