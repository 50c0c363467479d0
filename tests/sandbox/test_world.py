"""The world as a whole, without any model: how well people agree, and what a model could learn.

Pairs are drawn from the demonstrations, as a model that imitates them would. Verdicts are compared
over three categories, ties among them; ties are rare (about 2 in 100) on purpose.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from prefloop.core.digest import rng
from prefloop.sandbox.annotators import CALIBRATED, Annotator, Showing, annotators
from prefloop.sandbox.grammar import demonstrate, draw_attributes, write
from prefloop.sandbox.parser import parse
from prefloop.sandbox.preferences import DIMENSIONS, V1, V2, Preferences, flags, scores
from prefloop.sandbox.questions import draw_prompts

COUNT = 1200


def showings(seed: int) -> list[list[Showing]]:
    """1,200 comparisons, each as the five annotators see it, sides by a coin."""
    prompts = draw_prompts(seed, COUNT)
    first, second = demonstrate(2 * seed + 1, prompts), demonstrate(2 * seed + 2, prompts)
    coins = rng(seed, "sides").integers(2, size=(COUNT, 5))
    return [
        [Showing(str(n), prompt, a, b, "a" if coin else "b") for coin in coins[n]]
        for n, (prompt, a, b) in enumerate(zip(prompts, first, second, strict=True))
    ]


SHOWN = showings(1)


def verdicts(people: tuple[Annotator, ...], preferences: Preferences) -> Any:
    """(comparisons, annotators) of "a", "b", "tie"."""
    return np.array(
        [
            [p.judge(s, preferences, "s").verdict.value for p, s in zip(people, row, strict=True)]
            for row in SHOWN
        ]
    )


def mean_kappa(judged: Any) -> float:
    pairs = combinations(range(judged.shape[1]), 2)
    return float(np.mean([cohen_kappa_score(judged[:, i], judged[:, j]) for i, j in pairs]))


def majority(judged: Any) -> Any:
    """1 where most of three annotators said a, -1 for b, 0 for neither."""
    return np.sign((judged[:, :3] == "a").sum(1) - (judged[:, :3] == "b").sum(1))


def features(shown: Showing) -> list[float]:
    """All that can be read off a comparison, taste excepted."""
    a, b = parse(shown.prompt, shown.a), parse(shown.prompt, shown.b)
    score_a, score_b = scores(a), scores(b)
    gaps = [score_a[name] - score_b[name] for name in DIMENSIONS]
    return [*gaps, len(flags(a)) - len(flags(b)), a.words - b.words]


@pytest.mark.parametrize("preferences", [V1, V2], ids=["v1", "v2"])
def test_agreement_is_moderate_before_calibration_and_good_after(preferences: Preferences) -> None:
    # The case study: 0.54 before, 0.71 after.
    before = mean_kappa(verdicts(annotators(), preferences))
    after = mean_kappa(verdicts(annotators(CALIBRATED), preferences))
    assert 0.48 < before < 0.60
    assert 0.65 < after < 0.77


def test_ties_are_rare() -> None:
    assert 0.005 < np.mean(verdicts(annotators(), V1) == "tie") < 0.05


def test_taste_sets_the_ceiling_of_what_can_be_learned() -> None:
    label = majority(verdicts(annotators(CALIBRATED), V1))
    decided = label != 0
    known = np.array([features(row[0]) for row in SHOWN])[decided]
    label, half = label[decided], decided.sum() // 2
    model = LogisticRegression(fit_intercept=False).fit(known[:half], label[:half])
    learned = model.score(known[half:], label[half:])
    explained, true = (
        [getattr(V1, kind)(s.prompt, s.a) - getattr(V1, kind)(s.prompt, s.b) for s, *_ in SHOWN]
        for kind in ("explained", "utility")
    )
    assert 0.73 < learned < 0.83
    assert 0.74 < np.mean(np.sign(explained)[decided] == label) < 0.82
    assert np.mean(np.sign(true)[decided] == label) > 0.92  # whoever knew taste too


def best_of_16(preferences: Preferences) -> tuple[float, float]:
    """Right and assertively wrong prices when the best of 16 is taken, judged by attributes and an
    error as large as taste: what a fair reward model would do."""
    generator = rng(1, "best of")
    shown = []
    for prompt in draw_prompts(1, 300, intents=["pricing"]):
        texts = [write(prompt, draw_attributes(prompt, generator), generator) for _ in range(16)]
        rated = [preferences.explained(prompt, t) + generator.normal(scale=0.8) for t in texts]
        shown.append(parse(prompt, texts[int(np.argmax(rated))]).attributes)
    right = np.mean([one.accuracy == "current" for one in shown])
    return float(right), float(np.mean([one.assertively_wrong for one in shown]))


def test_pleasing_the_first_specification_makes_prices_confidently_wrong() -> None:
    right, assertively_wrong = best_of_16(V1)
    assert assertively_wrong > 0.4  # demonstrations: about 0.25
    assert right < 0.5
    right, assertively_wrong = best_of_16(V2)
    assert assertively_wrong < 0.05
    assert right > 0.9
