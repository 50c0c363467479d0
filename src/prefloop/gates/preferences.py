"""May these preference pairs move a policy directly, without a reward model that was examined?

What is left to look at are the labels themselves: how far people agree (`gates.agreement`), how
many pairs there are, and whether any are kept apart to see what was learned.
"""

import math

from prefloop.gates.reward_model import enough_pairs
from prefloop.gates.thresholds import RewardGates
from prefloop.gates.verdict import Check, Word

__all__ = ["check_preferences"]


def check_preferences(trained_on: int, held_out: int, gates: RewardGates) -> list[Check]:
    """Few pairs to train on warn; without held-out ones nothing would show what was learned."""
    return [enough_pairs(trained_on, gates), _kept_apart(held_out)]


def _kept_apart(held_out: int) -> Check:
    if held_out == 0:
        text = "none, so nothing would show what was learned: freeze with --held-out"
        return Check("held-out pairs", Word.INSUFFICIENT, text, 0.0, None, 0)
    # Half the width of a 95 % interval at an accuracy of 0.5, where it is widest.
    half = 1.96 * 0.5 / math.sqrt(held_out)
    text = f"{held_out}, which tell an accuracy to within {half:.2f}"
    return Check("held-out pairs", Word.PASS, text, float(held_out), None, held_out)
