"""plan power: numbers in, a table out, and one line for what cannot be."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused

from prefloop.annotation import quality
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough

QUICK = ["--pairs", "300", "--dimension", "40", "--projects", "3"]


def test_the_table_needs_no_project(run: Run, tmp_path: Path) -> None:
    ran = run("-C", tmp_path, "plan", "power", *QUICK, "--kappa", "0.7", "--price", "0.35")
    assert (ran.code, ran.err) == (0, "")
    assert "315.00" in ran.out  # 300 pairs x 3 judgments x 0.35
    assert "has to learn: 40;" in ran.out


def test_json_holds_the_exact_cost_and_the_settings(run: Run) -> None:
    ran = run("plan", "power", *QUICK, "--kappa", "0.7", "--price", "0.123456", "--json")
    found = json.loads(ran.out)
    assert found["rows"][0]["cost_micros"] == 900 * 123_456
    assert found["settings"]["currency"] == "USD"
    assert found["settings"]["dimension"] == 40


def test_the_cheapest_is_said_or_that_there_is_none(run: Run) -> None:
    ran = run("plan", "power", *QUICK, "--kappa", "0.8", "--want", "0.6")
    assert "cheapest with an accuracy of 0.6: 300 pairs" in ran.out
    assert "none of these" in run("plan", "power", *QUICK, "--want", "0.99").out


def test_an_impossible_row_is_told_below_the_table(run: Run) -> None:
    ran = run("plan", "power", *QUICK, "--annotators", "2", "--kappa", "0.7")
    assert ran.code == 0
    assert "not enough data" in ran.out
    assert "need 3 annotators" in ran.out


@pytest.mark.parametrize("against", [[], ["--against", "3000x20"]])
def test_the_curves_are_drawn(run: Run, tmp_path: Path, against: list[str]) -> None:
    out = tmp_path / "power.svg"
    ran = run("plan", "power", *QUICK, "--kappa", "0.7", *against, "--out", out)
    assert (ran.code, ran.err) == (0, "")
    assert out.read_text().startswith("<svg")


def test_a_reward_model_that_was_measured_sets_the_dimension(run: Run) -> None:
    ran = run("plan", "power", "--pairs", "300", "--kappa", "0.7", "--projects", "3",
              "--measured", "0.8:1000:0.7", "--json")  # fmt: skip
    assert 100 < json.loads(ran.out)["settings"]["dimension"] < 1500


def test_kappa_comes_from_a_batch(run: Run, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = desk.put("label_batch", {"judgments": 0}, [])

    class Found:
        kappa: Estimate | NotEnough = Estimate(0.61, 0.5504, 0.66, 200)

    monkeypatch.setattr(quality, "overall", lambda *_: Found)
    ran = run("-C", desk.folder, "plan", "power", *QUICK, "--batch", batch, "--json")
    assert json.loads(ran.out)["settings"]["kappa"] == [0.55, 0.61, 0.66]
    refused(run("-C", desk.folder, "plan", "power", "--batch", batch, "--kappa", "0.5"), "give one")
    Found.kappa = NotEnough("no two annotators share an item")
    refused(run("-C", desk.folder, "plan", "power", "--batch", batch), "has no kappa", "--kappa")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--price", "cheap"], "no amount"),
        (["--price", "-1"], "at least 0"),
        (["--price", "0.0000001"], "whole millionths"),
        (["--price", "NaN"], "at least 0"),
        (["--currency", "euro"], "currency"),
        (["--own", "2"], "own"),
        (["--kappa", "1.5"], "kappa 1.5"),
        (["--pairs", "0"], "pairs 0"),
        (["--measured", "0.7"], "0.776:5100:0.71"),
        (["--measured", "0.999:5100:0.5"], "cannot be had"),
        (["--against", "many"], "60000x50"),
        (["--against", "600x2", "--kappa", "0.7", "--pairs", "600"], "nothing to compare"),
        (["--against", "600x20"], "one number of pairs"),
        (["--out", "power.png"], "is an SVG"),
        (["--out", "no/such/power.svg"], "no such folder"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(run: Run, words: list[str], said: str) -> None:
    refused(run("plan", "power", "--projects", "2", *words), said)
