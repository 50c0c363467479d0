"""What a reward model has to beat: a Bradley-Terry model on bags of words, out of fold."""

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from prefloop.core.digest import rng
from prefloop.core.records import Estimate, Pair
from prefloop.evaluation.reward_report import prompt_codes
from prefloop.stats import NotEnough
from prefloop.stats.intervals import cluster_mean
from prefloop.stats.logistic import fit_paired

__all__ = ["bag_of_words"]

_WORD = re.compile(r"[\w$']+|[^\w\s]")
_RARE = 3  # a word seen in fewer completions says nothing that generalizes


def bag_of_words(
    pairs: Sequence[Pair], seed: int, folds: int = 5, l2: float = 4.0
) -> Estimate | NotEnough:
    """Out-of-fold accuracy, folds cut by prompt, with its interval clustered by prompt."""
    clusters = prompt_codes(pairs)
    prompts = int(clusters.max()) + 1 if len(pairs) else 0
    if prompts < 2 * folds:
        return NotEnough(f"{prompts} prompts are too few for {folds} folds")
    rows = _differences(pairs)
    fold_of = (rng(seed, "bag of words").permutation(prompts) % folds)[clusters]
    right = np.zeros(len(pairs))
    for fold in range(folds):
        held = fold_of == fold
        fitted = fit_paired(rows[~held], l2=l2)
        if isinstance(fitted, NotEnough):
            return fitted
        margins = fitted.margins(rows[held])
        right[held] = np.where(margins > 0, 1.0, np.where(margins < 0, 0.0, 0.5))
    return cluster_mean(right, clusters)


def _differences(pairs: Sequence[Pair]) -> sparse.csr_array:
    """Counts of words in chosen minus in rejected, damped by a square root.  # (N, D)"""
    words: dict[str, int] = {}
    places: tuple[list[int], list[int], list[float]] = ([], [], [])
    for row, pair in enumerate(pairs):
        for sign, text in ((1.0, pair.chosen), (-1.0, pair.rejected)):
            counts: dict[str, int] = {}
            for word in _WORD.findall(text.lower()):
                counts[word] = counts.get(word, 0) + 1
            for word, count in counts.items():
                places[0].append(row)
                places[1].append(words.setdefault(word, len(words)))
                places[2].append(sign * count**0.5)
    shape = (len(pairs), len(words))
    full = sparse.csr_array((places[2], (places[0], places[1])), shape=shape)
    common = np.bincount(np.array(places[1]), minlength=shape[1]) >= _RARE
    return full[:, np.flatnonzero(common)]
