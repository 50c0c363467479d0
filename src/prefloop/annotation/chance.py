"""Draws that nobody outside can foresee, and that whoever holds the project's key can repeat.

What an annotator is given next, and on which side, must not follow from a seed that stands in a
file and a name that they know: then gold could be told from work by anybody with a pocket
calculator. So every draw is keyed, like the names of texts.
"""

import hashlib
import hmac

from prefloop.core.digest import canonical
from prefloop.store.engine import Reader

__all__ = ["coin", "draw"]


def draw(reader: Reader, *of: str | int) -> str:
    """64 hex characters, always the same for the same words under the same key."""
    return hmac.new(reader.ledger.key, canonical(list(of)), hashlib.sha256).hexdigest()


def coin(reader: Reader, *of: str | int) -> float:
    """A number from [0, 1)."""
    return int(draw(reader, *of)[:8], 16) / 2**32
