"""People's words on a terminal: whatever somebody wrote, it is read there and does nothing."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused

import prefloop.cli
from prefloop.cli.common import encoded, say, table

# Clear the screen, turn red, a link to elsewhere, turn the reading round, CSI in one character.
EVIL = "\x1b[2J\x1b[31mall good [link=http://e.vil]click[/link]\u202e\x9b1;1H\x7f\rx"
SHOWN = (
    "⟨U+001B⟩[2J⟨U+001B⟩[31mall good [link=http://e.vil]click[/link]"
    "⟨U+202E⟩⟨U+009B⟩1;1H⟨U+007F⟩⟨U+000D⟩x"
)


def acts(printed: str) -> list[str]:
    """Characters in it that a terminal obeys, or that nobody sees."""
    return [one for one in printed if one in "\x1b\x9b\x7f\r\u202e\U000e0041\ud800"]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal


def test_a_table_shows_words_as_they_are_wherever_they_stand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table([f"{EVIL} head", "number"], [[f"{EVIL} cell", 3], [":smile: [b]x[/b] [/]", 4]], EVIL)
    out = capsys.readouterr().out
    plain = out.replace("\x1b[1m", "").replace("\x1b[3m", "").replace("\x1b[0m", "")  # our own
    assert acts(plain) == []
    assert [line.strip().split("  ")[0] for line in plain.splitlines() if SHOWN in line] == [
        SHOWN,
        f"{SHOWN} head",
        f"{SHOWN} cell",
    ]
    assert ":smile: [b]x[/b] [/]" in plain


@pytest.mark.parametrize("err", [False, True])
def test_what_is_said_keeps_its_lines_and_nothing_that_acts(
    capsys: pytest.CaptureFixture[str], err: bool
) -> None:
    say(f"one\n\ttwo {EVIL}", err=err)
    said = capsys.readouterr()
    assert (said.err if err else said.out) == f"one\n\ttwo {SHOWN}\n"


def test_json_is_the_same_data_and_nothing_in_it_acts() -> None:
    data = {"why": f"{EVIL}\U000e0041\ud800 naïve 👩\u200d💻", "n": [1, None]}
    printed = encoded(data, 2)
    assert acts(printed) == []
    assert "naïve 👩\u200d💻" in printed
    assert "\\u001b[2J" in printed
    assert "\\u202e\\u009b1;1H\\u007f\\rx\\udb40\\udc41\\ud800 " in printed
    assert json.loads(printed) == data


def test_a_reason_is_shown_to_who_decides_and_cannot_forge_what_it_says(
    run: Run, desk: Desk
) -> None:
    assert run("-C", desk.folder, "spec", "publish", "--reason", EVIL).code == 0
    shown = run("-C", desk.folder, "proposal", "list").out
    assert SHOWN[:20] in shown
    assert "[link=http://e.vil]" in shown
    assert acts(shown.replace("\x1b[1m", "").replace("\x1b[0m", "")) == []
    printed = run("-C", desk.folder, "proposal", "list", "--json").out
    assert acts(printed) == []
    assert json.loads(printed)[0]["reason"] == EVIL


def test_an_error_repeats_a_name_and_does_not_obey_it(run: Run, desk: Desk) -> None:
    ran = run("-C", desk.folder, "prompts", "import", "\x1b[2J\u202e.csv")
    refused(ran, "⟨U+001B⟩[2J⟨U+202E⟩.csv: no such file")
    assert acts(ran.err) == []


def test_everything_a_command_prints_goes_through_common() -> None:
    folder = Path(prefloop.cli.__file__).parent
    ways = ("typer.echo", "typer.secho", " print(", "sys.stdout", "sys.stderr", "print_exc", "rich")
    found = [
        (path.name, way)
        for path in folder.glob("*.py")
        for way in ways
        if path.name != "common.py" and way in path.read_text()
    ]
    assert found == []
