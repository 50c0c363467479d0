"""The style of a text in numbers: what a reward model may come to love for itself.

Word lists are English. Formality is told by proxies (long words, few contractions, no shouting),
since the F-score of Heylighen & Dewaele (1999) would need a tagger.
"""

import re
from dataclasses import dataclass

__all__ = ["Style", "style"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LIST_ITEM = re.compile(r"^[ \t]{0,12}(?:[-*+•‣–]|\d{1,3}[.)]|[a-zA-Z][.)])[ \t]+\S", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6} +\S|^\*\*[^*\n]+\*\*:?[ \t]*$", re.MULTILINE)
_CONTRACTION = re.compile(r"(?i)\b[a-z]+(?:n['’]t|['’](?:re|ve|ll|m|d))\b")
_HEDGE = re.compile(
    r"(?i)\b(?:"
    r"i (?:think|believe|guess|suppose|feel like)|i['’]?m not (?:sure|certain)|as far as i know"
    r"|it (?:seems|appears)|(?:would|may|might|could) (?:seem|appear)|sort of|kind of"
    r"|maybe|perhaps|possibly|probably|presumably|apparently|seemingly|arguably|potentially"
    r"|likely|unlikely|generally|usually|typically|often|sometimes|somewhat|roughly"
    r"|might|may|could|it depends|in (?:some|many|most) cases|to some extent|not necessarily"
    r")\b"
)


@dataclass(frozen=True, slots=True)
class Style:
    """Counts, and rates that do not grow with length. All are 0 for a text without words."""

    words: int
    hedges: int  # words and phrases that make a statement weaker
    list_items: int  # lines that begin with a bullet or a number
    headings: int  # markdown headings, and lines that are all bold
    letters_per_word: float
    contractions: int  # don't, we're: informal
    exclamations: int
    questions: int
    repetition: float  # share of three-word sequences that occurred before, 0 to 1

    @property
    def hedge_rate(self) -> float:
        """Hedges per 100 words."""
        return 100 * self.hedges / self.words if self.words else 0.0

    @property
    def informality(self) -> float:
        """Contractions and exclamation marks per 100 words."""
        found = self.contractions + self.exclamations
        return 100 * found / self.words if self.words else 0.0


def style(text: str) -> Style:
    """The style of one text."""
    words = [word.casefold() for word in _WORD.findall(text)]
    return Style(
        words=len(words),
        hedges=_count(_HEDGE, text),
        list_items=_count(_LIST_ITEM, text),
        headings=_count(_HEADING, text),
        letters_per_word=sum(map(len, words)) / len(words) if words else 0.0,
        contractions=_count(_CONTRACTION, text),
        exclamations=text.count("!"),
        questions=text.count("?"),
        repetition=_repetition(words),
    )


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _repetition(words: list[str]) -> float:
    """1 - distinct / all over three-word sequences (Li et al. 2016, distinct-n, with n = 3)."""
    threes = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(threes)) / len(threes) if threes else 0.0
