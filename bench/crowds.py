"""Simulated crowds with known attackers: honest people of different skill, and five of each attack.

Verdicts follow a hidden truth with log-odds skill + ease of the item; people also like length a
little, tie now and then, have their own pace and their own stock phrases. Everybody judges a common
block, without which no ring could be seen; the rest is judged by three people each.

Honest people may differ in more: a minority takes the other side on one topic, some write briefly
and so in words they have used before, and a ring may copy somebody good instead of tossing a coin.
"""

from dataclasses import dataclass

import numpy as np

from prefloop.stats.detection import Judged, judged

__all__ = ["ATTACKS", "Crowd", "crowd"]

# What each attacker does, and the kind of alarm that names it; "" for the one no verdict is due on.
ATTACKS = {
    "random clicker": "random",
    "always left": "one side",
    "longer wins": "longer wins",
    "bullet points": "bullets win",
    "colluding ring": "ring",
    "implausibly fast": "too fast",
    "templated rationales": "templates",
    "partial inversion": "",
}
_FAITH = 0.95  # how strictly an attacker keeps to the attack
_FAST_MS = 3_000
_USUAL_MS = 25_000
_PHRASES = 150


@dataclass(frozen=True, slots=True)
class Crowd:
    """Judgments, and what each annotator really is ("" for an honest one)."""

    data: Judged
    roles: tuple[str, ...]  # (A,)
    right: np.ndarray  # (N,) whether a verdict is the truth, sorted as `data` is
    minority: np.ndarray  # (A,) who takes the other side on one topic


def crowd(
    rng: np.random.Generator,
    *,
    spread: float,
    annotators: int = 100,
    judgments: int = 300,
    of_each: int = 5,
    accuracy: float = 0.85,
    common: int = 60,
    per_item: int = 3,
    minority: float = 0.0,
    topics: int = 5,
    topics_known: bool = True,
    short: float = 0.0,
    leader: bool = False,
) -> Crowd:
    """`spread` is the standard deviation of honest skill in log-odds around `accuracy`; a share
    `minority` of the honest differs on one of the `topics`, a share `short` writes briefly, and
    with a `leader` the ring copies one as able as the others."""
    roles = _roles(annotators, of_each)
    item, who = _assign(rng, annotators, judgments, common, per_item)
    n, items = len(item), int(item.max()) + 1
    more = rng.spawn(1)[0]  # what is drawn from it changes nothing else
    truth = rng.choice([-1, 1], items)
    apart, brief = (_some(more, roles, share) for share in (minority, short))
    topic = more.integers(0, topics, items)
    view = np.where(apart[who] & (topic[item] == 0), -1, 1)
    longer = np.where(rng.random(items) < 0.58, truth, -truth)  # good answers are a bit longer
    listed = np.where(rng.random(items) < 0.7, longer, -longer) * (rng.random(items) < 0.4)
    words = np.exp(rng.normal(5.3, 0.4, items))
    first = rng.choice([-1, 1], n)
    skill = np.log(accuracy / (1 - accuracy)) + spread * rng.standard_normal(annotators)
    ease = 0.5 * rng.standard_normal(items)
    liking = 0.15 * rng.standard_normal(annotators)  # of length
    odds = (skill[who] + ease[item]) * truth[item] * view + liking[who] * longer[item]
    said = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 1, -1)
    said = np.where(rng.random(n) < 0.04, 0, said)
    agreed = rng.choice([-1, 1], items)  # what the ring settled on
    if leader:
        agreed = np.where(more.random(items) < accuracy, truth, -truth)
    acts = {
        "random clicker": rng.choice([-1, 1], n),
        "always left": first,
        "longer wins": longer[item],
        "bullet points": np.where(listed[item] != 0, listed[item], said),
        "colluding ring": agreed[item],
        "partial inversion": np.where(rng.random(n) < 0.25 / _FAITH, -said, said),
    }
    role = np.array(roles)[who]
    faithful = rng.random(n) < _FAITH
    for name, act in acts.items():
        said = np.where((role == name) & faithful, act, said)
    data = judged(
        item,
        who,
        said,
        first=first,
        longer=longer[item],
        bullets=listed[item],
        words=words[item],
        active_ms=_times(rng, role, who, words[item], annotators),
        rationales=_briefly(more, _rationales(rng, role, who, annotators), brief, who),
        topics=topic[item] if minority and topics_known else None,
    )
    return Crowd(data, roles, (said == truth[item])[data.rows.order], apart)


def _roles(annotators: int, of_each: int) -> tuple[str, ...]:
    bad = [name for name in ATTACKS for _ in range(of_each)]
    return (*bad, *[""] * (annotators - len(bad)))


def _some(rng: np.random.Generator, roles: tuple[str, ...], share: float) -> np.ndarray:
    """A share of the honest.  # (A,)"""
    honest = np.flatnonzero(np.array(roles) == "")
    chosen = np.zeros(len(roles), dtype=bool)
    chosen[rng.choice(honest, round(share * len(honest)), replace=False)] = True
    return chosen


def _briefly(
    rng: np.random.Generator, codes: np.ndarray, brief: np.ndarray, who: np.ndarray
) -> np.ndarray:
    """Those who write briefly do so in 150 phrases of their own, some said more often."""
    often = 1 / np.sqrt(np.arange(1, _PHRASES + 1))
    phrase = rng.choice(_PHRASES, len(who), p=often / often.sum())
    own = codes.max(initial=0) + 1 + who * _PHRASES + phrase
    return np.where(brief[who] & (codes >= 0), own, codes)


def _assign(
    rng: np.random.Generator, annotators: int, judgments: int, common: int, per_item: int
) -> tuple[np.ndarray, np.ndarray]:
    """(item, annotator) of every judgment; nobody twice on one item."""
    own = judgments - common
    places: np.ndarray = np.repeat(np.arange(annotators), own)
    full = len(places) // per_item * per_item
    places = rng.permutation(places[:full]).reshape(-1, per_item)
    for _ in range(1000):
        ordered = np.sort(places, axis=1)
        twice = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
        if len(twice) == 0:
            break
        mixed = np.union1d(twice, rng.integers(0, len(places), 3 * len(twice) + 3))
        places[mixed] = rng.permutation(places[mixed].ravel()).reshape(-1, per_item)
    block = np.repeat(np.arange(common), annotators)
    rest = common + np.repeat(np.arange(len(places)), per_item)
    who = np.concatenate([np.tile(np.arange(annotators), common), places.ravel()])
    return np.concatenate([block, rest]), who


def _times(
    rng: np.random.Generator, role: np.ndarray, who: np.ndarray, words: np.ndarray, people: int
) -> np.ndarray:
    pace = 0.35 * rng.standard_normal(people)
    usual = np.where(role == "implausibly fast", _FAST_MS, _USUAL_MS)
    reading = 0.5 * (np.log(words) - 5.3) * (role != "implausibly fast")
    return np.asarray(usual * np.exp(pace[who] + reading + 0.6 * rng.standard_normal(len(who))))


def _rationales(
    rng: np.random.Generator, role: np.ndarray, who: np.ndarray, people: int
) -> np.ndarray:
    """Codes of wordings: six of ten judgments have one, most of them said only once."""
    n = len(who)
    habit = rng.beta(1.5, 12, people)[who]
    habit = np.where(role == "templated rationales", 0.8, habit)
    stock = np.where(role == "templated rationales", 5, 20)
    phrase = who * 20 + rng.integers(0, stock)
    code = np.where(rng.random(n) < habit, phrase, people * 20 + np.arange(n))
    return np.where(rng.random(n) < 0.6, code, -1)
