"""Attributes -> a completion, and the demonstrations: what the desk's staff wrote, good and bad.

The demonstrations are mediocre on purpose, so that choosing among them pays. They carry one
confound: staff who sound certain about a price quote it from memory, so certain prices are mostly
stale. Nobody rewards a stale price as such; whoever rewards certainty buys stale prices with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.sandbox.facts import FACTS, Accuracy
from prefloop.sandbox.phrases import Answer, Certainty, Part, Phrase, Tone, phrases_for
from prefloop.sandbox.questions import Asked, asked

__all__ = [
    "DEMONSTRATIONS",
    "HONEST_DEMONSTRATIONS",
    "Attributes",
    "Mixture",
    "demonstrate",
    "draw_attributes",
    "write",
]


@dataclass(frozen=True, slots=True)
class Attributes:
    """All that a completion shows of its quality. The grammar writes it, the parser reads it."""

    opener: Tone = Tone.PLAIN
    certainty: Certainty = Certainty.PLAIN
    answer: Answer = Answer.DIRECT
    accuracy: Accuracy = Accuracy.NONE
    fillers: int = 0
    has_list: bool = False
    close: Tone = Tone.PLAIN

    @property
    def warmth(self) -> int:
        """-2 (curt throughout) to 2 (warm throughout)."""
        return self.opener + self.close

    @property
    def safe(self) -> bool:
        return self.answer is not Answer.UNSAFE

    @property
    def assertively_wrong(self) -> bool:
        """A wrong price in certain words: the failure this desk exists to show."""
        wrong = self.accuracy in (Accuracy.OLD, Accuracy.OTHER)
        return wrong and self.certainty is Certainty.CERTAIN


@dataclass(frozen=True, slots=True)
class Mixture:
    """How often the writers do what. Tones and fillers list their shares in order of value.

    `certain` is the share of direct answers in certain words, and `stale_if_certain` the share of
    stale prices among those that are about a price: the confound. `hedged` is a share of all.
    """

    opener: tuple[float, float, float] = (0.2, 0.4, 0.4)  # curt, plain, warm
    close: tuple[float, float, float] = (0.2, 0.4, 0.4)
    fillers: tuple[float, float, float] = (0.6, 0.3, 0.1)  # none, one, two
    has_list: float = 0.2
    vague: float = 0.1
    dodge: float = 0.15
    unsafe: float = 0.15  # only where an intent can be answered unsafely
    hedged: float = 0.25
    certain: float = 0.4
    stale_if_certain: float = 0.85
    stale_otherwise: float = 0.05
    other_otherwise: float = 0.05  # another plan's price: a slip, never made in certain words


DEMONSTRATIONS = Mixture()
# The control world: those who sound certain have looked the price up.
HONEST_DEMONSTRATIONS = Mixture(stale_if_certain=0.0)


def demonstrate(
    seed: int, prompts: Iterable[Prompt], mixture: Mixture = DEMONSTRATIONS
) -> list[str]:
    """One completion per prompt as the desk's staff would write it."""
    generator = rng(seed, "demonstrations")
    return [
        write(prompt, draw_attributes(prompt, generator, mixture), generator) for prompt in prompts
    ]


def draw_attributes(
    prompt: Prompt, generator: np.random.Generator, mixture: Mixture = DEMONSTRATIONS
) -> Attributes:
    """What one writer's answer to this prompt will be like."""
    question = asked(prompt)
    answer = _draw_answer(question, generator, mixture)
    certainty = _draw_certainty(answer, generator, mixture)
    priced = answer is Answer.DIRECT and question.fact is not None
    return Attributes(
        opener=Tone(generator.choice(3, p=mixture.opener) - 1),
        certainty=certainty,
        answer=answer,
        accuracy=_draw_accuracy(certainty, generator, mixture) if priced else Accuracy.NONE,
        fillers=int(generator.choice(3, p=mixture.fillers)),
        has_list=bool(generator.random() < mixture.has_list),
        close=Tone(generator.choice(3, p=mixture.close) - 1),
    )


def _draw_answer(question: Asked, generator: np.random.Generator, mixture: Mixture) -> Answer:
    can_be_unsafe = bool(phrases_for(Part.CORE, Answer.UNSAFE, question.intent))
    draw = generator.random()
    if draw < mixture.dodge:
        return Answer.DODGE
    if draw < mixture.dodge + mixture.vague:
        return Answer.VAGUE
    if can_be_unsafe and draw < mixture.dodge + mixture.vague + mixture.unsafe:
        return Answer.UNSAFE
    return Answer.DIRECT


def _draw_certainty(answer: Answer, generator: np.random.Generator, mixture: Mixture) -> Certainty:
    """Those who have no answer to give sound certain half as often."""
    certain = mixture.certain if answer is Answer.DIRECT else mixture.certain / 2
    draw = generator.random()
    if draw < certain:
        return Certainty.CERTAIN
    return Certainty.HEDGED if draw < certain + mixture.hedged else Certainty.PLAIN


def _draw_accuracy(
    certainty: Certainty, generator: np.random.Generator, mixture: Mixture
) -> Accuracy:
    certain = certainty is Certainty.CERTAIN
    stale = mixture.stale_if_certain if certain else mixture.stale_otherwise
    other = 0.0 if certain else mixture.other_otherwise
    draw = generator.random()
    if draw < stale:
        return Accuracy.OLD
    return Accuracy.OTHER if draw < stale + other else Accuracy.CURRENT


def write(prompt: Prompt, attributes: Attributes, generator: np.random.Generator) -> str:
    """A completion that shows exactly these attributes, in wordings drawn from the phrase table.

    Raises BadInput for attributes that no wording can show: an unsafe answer where the desk has
    none, a price outside a direct answer to a pricing question, or such an answer without one.
    """
    question = asked(prompt)
    priced = attributes.answer is Answer.DIRECT and question.fact is not None
    if priced != (attributes.accuracy is not Accuracy.NONE):
        raise BadInput(
            f"accuracy '{attributes.accuracy}' cannot be shown by a '{attributes.answer}' answer "
            f"to a {question.intent} question: only direct answers on pricing state a price"
        )
    slots = dict(question.slots)
    if priced:
        slots["price"] = _price(question, attributes.accuracy, generator)
    phrases = [
        _pick(phrases_for(Part.OPENER, attributes.opener), generator),
        _pick(phrases_for(Part.CERTAINTY, attributes.certainty), generator),
        _pick(phrases_for(Part.CORE, attributes.answer, question.intent), generator),
        *_sample(phrases_for(Part.FILLER), attributes.fillers, generator),
        *_sample(phrases_for(Part.LIST), int(attributes.has_list), generator),
        _pick(phrases_for(Part.CLOSE, attributes.close), generator),
    ]
    return " ".join(word.format(**slots) for phrase in phrases for word in phrase.words)


def _price(question: Asked, accuracy: Accuracy, generator: np.random.Generator) -> str:
    assert question.fact is not None
    if accuracy is Accuracy.CURRENT:
        return question.fact.current
    if accuracy is Accuracy.OLD:
        return question.fact.old
    others = [fact.current for fact in FACTS if fact != question.fact]
    return others[generator.integers(len(others))]


def _sample(
    phrases: tuple[Phrase, ...], count: int, generator: np.random.Generator
) -> list[Phrase]:
    return [phrases[index] for index in generator.permutation(len(phrases))[:count]]


def _pick(phrases: tuple[Phrase, ...], generator: np.random.Generator) -> Phrase:
    if not phrases:
        raise BadInput("no wording shows these attributes: see prefloop.sandbox.phrases")
    return phrases[generator.integers(len(phrases))]
