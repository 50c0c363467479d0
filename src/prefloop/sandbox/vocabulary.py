"""Every word the desk can say or hear: the vocabulary of a word-level tokenizer.

Split on spaces and nothing else ("$47" and "?" are words). Markers for padding, turns and ends are
the tokenizer's own and not in here.
"""

from prefloop.sandbox.facts import SLOTS
from prefloop.sandbox.phrases import PHRASES
from prefloop.sandbox.questions import question_words

__all__ = ["vocabulary"]


def vocabulary() -> list[str]:
    """All words in alphabetical order: stable as long as no wording changes."""
    answered = {word for phrase in PHRASES for word in phrase.words if not word.startswith("{")}
    filled = {word for words in SLOTS.values() for word in words}
    return sorted(question_words() | answered | filled)
