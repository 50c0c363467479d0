"""What people may be called: readable in every line that names them, whole in every address, and
not to be taken for somebody else.

The rule is for new people. Whoever is in a ledger already keeps their handle.
"""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from prefloop.core.errors import BadInput, Conflict

__all__ = ["check_handle"]

_LONGEST = 64
_SIGNS = " _.@+-'"
_LOOK_ALIKE = ({"LATIN", "CYRILLIC"}, {"LATIN", "GREEK"})


def check_handle(handle: str, taken: Iterable[str]) -> None:
    """Raise BadInput for a handle that nobody may have, Conflict for one that somebody has."""
    wrong = _fault(handle)
    if wrong:
        raise BadInput(f"handle {handle[:100]!r} {wrong}")
    folded = handle.casefold()
    for other in taken:
        if other.casefold() == folded:
            raise Conflict(f"there is already a person called {other}: choose another handle")


def _fault(handle: str) -> str:
    """What is wrong with a handle and what to do; "" for nothing."""
    if not 1 <= len(handle) <= _LONGEST:
        return f"has {len(handle)} characters: use 1 to {_LONGEST}"
    strange = [c for c in handle if not (c in _SIGNS or _is_letter(c) or _is_mark(c))]
    if strange:
        return f"holds {strange[0]!r}: use letters, digits, spaces and _ . @ + - '"
    if unicodedata.normalize("NFKC", handle) != handle:
        return f"can be written in two ways: use {unicodedata.normalize('NFKC', handle)!r}"
    if not _is_letter(handle[0]):
        return "begins with a sign: begin with a letter or digit"
    if handle[-1] in " ." or "  " in handle:
        return "has a space or dot too many: leave out those at the end, and all double spaces"
    if any(_is_mark(c) and before in _SIGNS for before, c in pairwise(handle)):
        return "has an accent without its letter: leave it out"
    scripts = {unicodedata.name(c, "UNNAMED").split()[0] for c in handle if c.isalpha()}
    if any(pair <= scripts for pair in _LOOK_ALIKE):
        return f"mixes alphabets ({', '.join(sorted(scripts))}): use one"
    return ""


def _is_letter(character: str) -> bool:
    """Letters and digits of any language."""
    kind = unicodedata.category(character)
    return kind.startswith("L") or kind == "Nd"


def _is_mark(character: str) -> bool:
    """An accent or vowel sign that stands with the letter before it."""
    return unicodedata.category(character) in ("Mn", "Mc")
