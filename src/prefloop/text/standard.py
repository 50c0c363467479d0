"""How far texts are from a set of texts that set the standard, by the words they use.

Words are weighed by how few texts use them (tf-idf with smoothed idf, Salton and Buckley 1988), and
a text's distance is 1 - its mean cosine with the few texts of the standard it is most like: the
standard speaks of many topics, and nobody is asked to speak of all of them. Departures: a word
counts once however often it is said; endings are cut to what two forms of a word share in most
languages written with spaces, its first five letters.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from prefloop.core.errors import BadInput

__all__ = ["distances"]

_WORD = re.compile(r"[^\W_]+")
_STEM = 5
_NEAREST = 10
_CHUNK = 4_000_000  # cosines held at a time: 32 MB


def distances(texts: Sequence[str], standard: Sequence[str]) -> NDArray[np.float64]:
    """The distance of every text to the standard, 0 (says the same) to 1 (no word in common).

    Raises BadInput for a text without a word, here or in the standard, and for no standard.
    """
    if not standard:
        raise BadInput("no text sets the standard: give rationales of gold or adjudicated items")
    if not texts:
        return np.zeros(0)
    words = _words([*standard, *texts])
    rarity = np.log((1 + words.shape[0]) / (1 + words.sum(0))) + 1
    weighed = words @ sparse.diags_array(rarity)
    length = np.sqrt(weighed.multiply(weighed).sum(1))
    unit = (sparse.diags_array(1 / length) @ weighed).tocsr()
    model, given = unit[: len(standard)].T.tocsc(), unit[len(standard) :]
    nearest = min(_NEAREST, len(standard))
    step = max(1, _CHUNK // len(standard))
    found = []
    for first in range(0, len(texts), step):
        cosine = (given[first : first + step] @ model).toarray()
        found.append(np.partition(cosine, -nearest, axis=1)[:, -nearest:].mean(1))
    return np.asarray(np.clip(1 - np.concatenate(found), 0.0, 1.0))


def _words(texts: Sequence[str]) -> sparse.csr_array:
    """Which text has which word, as ones.  # (texts, words)"""
    known: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        said = {word[:_STEM] for word in _WORD.findall(text.casefold())}
        if not said:
            raise BadInput(f"text {row} (the standard first) has no word: leave empty ones out")
        rows += [row] * len(said)
        columns += [known.setdefault(word, len(known)) for word in sorted(said)]
    ones = np.ones(len(rows))
    return sparse.csr_array((ones, (rows, columns)), shape=(len(texts), len(known)))
