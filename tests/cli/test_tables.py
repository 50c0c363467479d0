"""prefloop import of any table: what it prints, and the one line for each mistake."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused

NAMED = ("--item", "q", "--annotator", "who", "--label", "said")


@pytest.fixture
def table(desk: Desk, tmp_path: Path) -> Path:
    path = tmp_path / "safety.csv"
    rows = [f"q{n % 20},p{n // 20},{'yes' if n % 3 else 'no'}\n" for n in range(60)]
    path.write_text("q,who,said\n" + "".join(rows))
    return path


def test_a_table_becomes_a_batch_that_can_be_measured(run: Run, desk: Desk, table: Path) -> None:
    ran = run("-C", desk.folder, "import", table, *NAMED)
    assert ran.code == 0, ran.err
    first, second, last = ran.out.splitlines()
    assert first == "60 judgments of 20 items by 3 annotators"
    assert second == "labels: yes 40, no 20"
    batch = last.removeprefix("label_batch ")
    found = run("-C", desk.folder, "quality", "report", batch, "--json")
    assert found.code == 0, found.err
    assert '"truth"' in found.out
    assert run("-C", desk.folder, "quality", "alarms", batch).code == 0
    refused(
        run("-C", desk.folder, "dataset", "freeze", "x", "--batch", batch),
        "holds labels without two completions",
    )


def test_the_same_for_programs(run: Run, desk: Desk, table: Path) -> None:
    ran = run("-C", desk.folder, "import", table, *NAMED, "--json")
    data = json.loads(ran.out)
    assert (data["judgments"], len(data["label_batch"])) == (60, 64)
    assert data["report"][0].startswith("60 judgments")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--item", "q"), "name the column of the labels: --label COLUMN"),
        (("--scale", "ordinal"), "name the column of the labels"),
        (("--label", "said", "--item", "q"), "who judged? --annotator COLUMN"),
        ((*NAMED[:4], "--label", "sayd"), 'no column "sayd": did you mean "said"?'),
        ((*NAMED, "--format", "trl"), "--format is for known formats"),
        ((*NAMED, "--scale", "metric"), "no scale 'metric': one of nominal, ordinal"),
        ((*NAMED, "--scale", "ratio"), 'safety.csv:2: "no" is no number'),
        ((*NAMED, "--category", "yes"), 'label "no" is none of "yes"'),
        ((*NAMED, "--first", "yes"), "--first LABEL --second LABEL"),
        ((*NAMED, "--spec", "spec/none"), "nothing in this ledger is called"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, desk: Desk, table: Path, words: tuple[str, ...], said: str
) -> None:
    refused(run("-C", desk.folder, "import", table, *words), said)
