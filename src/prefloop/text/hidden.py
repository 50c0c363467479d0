"""Characters that cannot be seen, or that act: shown by their code.

They can carry hidden words, turn the direction of reading, or steer a terminal.
"""

import unicodedata
from collections.abc import Callable

__all__ = ["visible"]

_JOINERS = "\u200c\u200d"  # join letters in Persian and Hindi, and build emoji
_LINES = str.maketrans("\n\t", "  ")  # not hidden, though not printable
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"  # blank, and not called a format


def _by_code(letter: str) -> str:
    return f"⟨U+{ord(letter):04X}⟩"


def visible(text: str, written: Callable[[str], str] = _by_code) -> str:
    """`text` with every hidden character written as its code, as in ⟨U+202E⟩, or as `written`
    says. Tabs and ends of lines stay; a carriage return alone is hidden: it overwrites a line.
    """
    if text.isascii() and text.replace("\r\n", " ").translate(_LINES).isprintable():
        return text
    last = len(text) - 1
    return "".join(
        written(letter)
        if _is_hidden(letter, text[i - 1 : i], text[i + 1 : i + 2] if i < last else "")
        else letter
        for i, letter in enumerate(text)
    )


def _is_hidden(letter: str, before: str, after: str) -> bool:
    if letter in "\n\t":
        return False
    if letter == "\r":
        return after != "\n"
    if letter in _JOINERS:
        # Between letters of a script that joins, or parts of an emoji, they belong there.
        return not (before and after and ord(before) > 0x2FF and ord(after) > 0x2FF)
    if letter in _FILLERS or 0xE0100 <= ord(letter) <= 0xE01EF:  # variation selectors 17 to 256
        return True
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
