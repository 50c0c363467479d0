"""The style of a text in numbers: what a reward model may come to love for itself.

The word lists are English and short: words that seldom mean anything else, after the hedges and
boosters of Hyland 2005 (Metadiscourse). In other languages, written with spaces, only what needs no
list counts: words, sentences, list items, headings, exclamations, repetition. Nothing here says
whether a text is good.

Formality departs from the F-score of Heylighen and Dewaele 1999, which needs a tagger: of its word
classes only the closed ones are counted, which a list can tell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Style", "style"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = re.compile(r"[.!?…]+(?=[\s\"'”’)\]]|$)|\n+")
_LIST_ITEM = re.compile(r"^[ \t]{0,12}(?:[-*+•‣–]|\d{1,3}[.)]|[a-zA-Z][.)])[ \t]+\S", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6} +\S|^\*\*[^*\n]+\*\*:?[ \t]*$", re.MULTILINE)
_CONTRACTED = ("n't", "'re", "'ve", "'ll", "'m", "'d")  # 's may be a possessive


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HEDGES = _words("""
    apparently approximately arguably conceivably could generally likely may maybe might
    occasionally often perhaps possibly potentially presumably probably roughly seemingly sometimes
    somewhat supposedly typically uncertain unclear unlikely usually
""")
_CERTAIN = _words("""
    absolutely always certainly clearly conclusively definitely doubtless guarantee guaranteed
    guarantees indisputably indubitably never obviously surely undeniably undoubtedly unquestionably
""")
_PREPOSITIONS = _words("""
    about above across after against along among around at before behind below beneath beside
    between beyond by concerning despite during for from in inside into near of off on onto over per
    regarding since through throughout toward towards under until upon via with within without
""")
_ARTICLES = _words("a an the")
_PRONOUNS = _words("""
    he her hers herself him himself his i it its itself me mine my myself our ours ourselves she
    their theirs them themselves they us we you your yours yourself yourselves
""")
_INTERJECTIONS = _words("ah hello hey hi oh okay ok oops please thanks wow yeah yep yes yup")

_HEDGED = re.compile(
    r"\b(?:"
    r"i (?:think|believe|guess|suppose|feel like)|not (?:so |quite |entirely )?(?:sure|certain)"
    r"|as far as (?:i|we) know|(?:seems|appears) (?:that|to|like)|sort of|kind of"
    r"|it depends|in (?:some|many|most) cases|to (?:some|a certain) extent|not necessarily"
    r")\b"
)
_ASSURED = re.compile(
    r"\b(?:"
    r"(?:am|'m|is|are|'re|it's|that's) (?:absolutely |quite |very )?(?:certain|sure|confident)"
    r"|(?:i|we) can (?:confirm|assure)|without (?:any |a )?doubt|(?:no|beyond) (?:any )?"
    r"doubt|no question|for sure|of course|rest assured"
    r")\b"
)
_NOT_ALWAYS = re.compile(r"(?:\bnot|n't) (?:always|absolutely|clearly|guaranteed?)\b")


@dataclass(frozen=True, slots=True)
class Style:
    """Counts, and shares that do not grow with length. All are 0 for a text without words."""

    words: int
    sentences: int
    hedges: int  # words and phrases that make a statement weaker
    certainties: int  # words and phrases that make it stronger
    list_items: int  # lines that begin with a bullet or a number
    headings: int  # markdown headings, and lines that are all bold
    exclamations: int
    # Prepositions and articles less pronouns, interjections and contractions, as a share of words
    # (a contraction counts as two): -1 to 1. Higher is more formal.
    formality: float
    repetition: float  # share of three-word sequences that occurred before, 0 to 1

    def per_100(self, count: int) -> float:
        """A count per 100 words of this text."""
        return 100 * count / self.words if self.words else 0.0


def style(text: str) -> Style:
    """The style of one text, whatever it is; some 700 words take a millisecond."""
    plain = text.casefold().replace("’", "'")
    words = _WORD.findall(plain)
    if not words:
        return Style(0, 0, 0, 0, 0, 0, 0, 0.0, 0.0)
    seen = _counts(words)
    return Style(
        words=len(words),
        sentences=_sentences(text),
        hedges=_among(_HEDGES, seen) + _count(_HEDGED, plain),
        certainties=_among(_CERTAIN, seen) + _count(_ASSURED, plain) - _count(_NOT_ALWAYS, plain),
        list_items=_count(_LIST_ITEM, text),
        headings=_count(_HEADING, text),
        exclamations=text.count("!"),
        formality=_formality(words),
        repetition=_repetition(words),
    )


def _counts(words: list[str]) -> Mapping[str, int]:
    seen: dict[str, int] = {}
    for word in words:
        seen[word] = seen.get(word, 0) + 1
    return seen


def _among(known: frozenset[str], seen: Mapping[str, int]) -> int:
    return sum(seen[word] for word in known & seen.keys())


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _sentences(text: str) -> int:
    """Stretches between ends of sentences, or of lines, that hold a letter (so not "1.")."""
    return sum(1 for part in _SENTENCE_END.split(text) if _LETTER.search(part))


def _formality(words: list[str]) -> float:
    """Heylighen and Dewaele 1999: F = (formal - informal + 100) / 2 with both in per cent of the
    words; here (formal - informal) / 100, of the closed classes."""
    formal = informal = contracted = 0
    for word in words:
        if word in _PREPOSITIONS or word in _ARTICLES:
            formal += 1
            continue
        if word.endswith(_CONTRACTED):
            contracted += 1
            word = word.partition("'")[0]
        elif word.endswith("'s"):
            word = word[:-2]
        if word in _PRONOUNS or word in _INTERJECTIONS:
            informal += 1
    return (formal - informal - contracted) / (len(words) + contracted)


def _repetition(words: list[str]) -> float:
    """1 - distinct / all over three-word sequences (Li et al. 2016, distinct-n, with n = 3)."""
    threes = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(threes)) / len(threes) if threes else 0.0
