"""What a judgment can be checked against: a known answer, what others say, one's own first answer.

A check is an event (the judgment differs from what it is checked against) and its noise q, the
chance that what it is checked against is itself wrong. With two answers and an error rate e the
event then has probability

    e (1 - q) + (1 - e) q

whatever the kind of check, so that all of them speak of one error rate and add up in one chart
(`tracking`). Ties are not checked: they are neither right nor wrong.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection.judged import judged
from prefloop.stats.detection.traits import traits

__all__ = ["GOLD", "NONE", "PEERS", "REPEAT", "AgainstOthers", "against_others", "repeat_noise"]

GOLD, PEERS, REPEAT, NONE = 0, 1, 2, -1


@dataclass(frozen=True, slots=True)
class AgainstOthers:
    """Judgments beside what the others say of the same item, in the order given.  # (N,) each"""

    kinds: Ints  # PEERS, or NONE for a tie and where nobody else says anything
    events: Ints  # 1 where it differs
    noise: Floats  # how probably the others are wrong; 0.5 where unchecked


def against_others(items: ArrayLike, annotators: ArrayLike, verdicts: ArrayLike) -> AgainstOthers:
    """Check verdicts (1 a, -1 b, 0 tie) against everybody else's, each weighed by their skill.

    The answer of the others and its noise are those of the one-coin model of `detection.traits`,
    one's own verdict left out. Raises BadInput where one annotator judged one item twice.
    """
    data = judged(items, annotators, verdicts)
    truth = traits(data).truth if len(data.verdicts) else np.zeros(0)  # E[truth | others], sorted
    kinds = np.full(len(truth), NONE)
    events, noise = np.zeros(len(truth), dtype=np.int64), np.full(len(truth), 0.5)
    checked = (truth != 0) & (data.verdicts != 0)
    at = data.rows.order
    kinds[at[checked]] = PEERS
    events[at[checked]] = (truth * data.verdicts < 0)[checked]
    noise[at[checked]] = (1 - np.abs(truth[checked])) / 2
    return AgainstOthers(kinds, events, noise)


def repeat_noise(inconsistent: int, repeats: int, error: float) -> float:
    """The noise of a repeat: the first answer was as good as the second, or better than that.

    Independent errors of rate e would differ in 2 e (1 - e) of repeats. People repeat their errors,
    so the crowd's own share d of inconsistent repeats is used: q = (d - e) / (1 - 2 e), and no less
    than 0 or more than e. Without repeats it is e.
    """
    if not 0 <= inconsistent <= repeats or not 0 < error < 0.5:
        raise BadInput(f"{inconsistent} of {repeats} repeats, error {error}: give a count and 0..½")
    if repeats == 0:
        return error
    share = (inconsistent + error) / (repeats + 1)
    return float(np.clip((share - error) / (1 - 2 * error), 0.0, error))
