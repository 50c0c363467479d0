import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.text.near_duplicates import groups, leaders, normal_form


def overlap(one: str, other: str) -> float:
    """Jaccard overlap of three-letter shingles, as slowly and plainly as it is defined."""
    a, b = (
        {text[i : i + 3] for i in range(len(text) - 2)}
        for text in (f" {normal_form(one)} ", f" {normal_form(other)} ")
    )
    return len(a & b) / len(a | b)


def column(path: Path, name: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def test_a_text_belongs_to_the_first_that_it_nearly_repeats() -> None:
    texts = [
        "Where is my parcel?",
        "How do I cancel my subscription today?",
        "where is my parcel",
        "How do I cancel my subscription today",
        "Where's my parcel??",
        "Tell me a joke.",
    ]
    # "where s my parcel" has 15 of the 17 + 2 shingles of "where is my parcel": 15 / 19 = 0.79
    assert leaders(texts, 0.75).tolist() == [0, 1, 0, 1, 0, 5]
    assert groups(leaders(texts, 0.75)) == [(0, 2, 4), (1, 3)]


def test_the_overlap_that_decides_is_exact() -> None:
    # " abcdefghij " and " abcdefghik ": 10 shingles each, 8 shared, 8 / 12 = 0.667
    texts = ["abcdefghij", "abcdefghik"]
    assert overlap(*texts) == pytest.approx(8 / 12)
    assert leaders(texts, 0.66).tolist() == [0, 0]
    assert leaders(texts, 0.67).tolist() == [0, 1]


def test_order_numbers_make_no_difference_and_prices_do() -> None:
    assert normal_form("Cancel order 113542617735902!") == normal_form("cancel order 00123842")
    assert normal_form("is it $47?") != normal_form("is it $39?")


def test_a_chain_of_small_steps_joins_only_neighbors() -> None:
    chain = ["abcdefghijklmnop"[i : i + 10] for i in range(7)]
    found = leaders(chain, 0.6)
    assert len(set(found.tolist())) > 1
    assert all(overlap(chain[i], chain[j]) >= 0.6 for i, j in enumerate(found.tolist()))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        ([""], [0]),
        (["", " ", "\n"], [0, 0, 0]),
        (["?!", "...", "?!"], [0, 1, 0]),
        (["a", "b", "A."], [0, 1, 0]),
        (["same"] * 4, [0, 0, 0, 0]),
        (["\ud800", "x"], [0, 1]),
    ],
)
def test_degenerate_texts(texts: list[str], expected: list[int]) -> None:
    assert leaders(texts).tolist() == expected


@pytest.mark.parametrize("threshold", [0.0, 0.59, 1.01, float("nan")])
def test_a_threshold_that_would_miss_pairs_is_refused(threshold: float) -> None:
    with pytest.raises(BadInput, match=r"choose one from 0\.6 to 1"):
        leaders(["a"], threshold)


@given(st.lists(st.text("abc 1", max_size=12), max_size=12))
def test_every_text_is_near_to_its_leader_and_leaders_lead_themselves(texts: list[str]) -> None:
    found = leaders(texts, 0.7).tolist()
    for text, leader in enumerate(found):
        assert leader <= text
        assert found[leader] == leader
        same = normal_form(texts[text]) == normal_form(texts[leader])
        assert same or overlap(texts[text], texts[leader]) >= 0.7


def test_a_thousand_of_a_kind_are_one_group() -> None:
    words = [f"please cancel my order for the {n} blue lamps i bought" for n in range(1000)]
    assert groups(leaders(words, 0.7)) == [tuple(range(1000))]


def test_misspelt_copies_of_real_questions_are_found(shared_data: Path) -> None:
    texts = column(shared_data / "support_banking77" / "train.csv.gz", "text")
    long = [text for text in texts if len(text) > 60][:800]
    keep = np.unique(leaders(long))
    originals = [long[i] for i in keep]
    # one letter dropped in the middle, shouted, without the question mark
    noisy = [(t[: len(t) // 2] + t[len(t) // 2 + 1 :]).upper().rstrip("?.!") for t in originals]
    found = leaders(originals + noisy)[len(originals) :]
    right = np.mean(found == np.arange(len(originals)))
    # A dropped letter takes 3 of about 70 shingles away and adds 2: an overlap of 0.93.
    assert right > 0.99


def test_of_noisy_support_requests_nearly_all_true_pairs_are_found(shared_data: Path) -> None:
    texts = column(shared_data / "support_bitext" / "train.csv.gz", "utterance")[:1500]
    found = leaders(texts, 0.8).tolist()
    kept = [text for i, text in enumerate(texts) if found[i] == i]
    missed = sum(
        overlap(kept[i], kept[j]) >= 0.8
        for i in range(0, len(kept), 7)
        for j in range(i + 1, min(i + 200, len(kept)))
    )
    assert len(kept) < 1450
    assert missed == 0
