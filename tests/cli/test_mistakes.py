"""What people get wrong beyond a name: each mistake is one line that says what and where."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused

MISTAKES = [
    (["-C", "FILE", "log"], "holds no project"),
    (["user", "add", "ben", "--role", "annotator"], "already a person called ben"),
    (["user", "add", "zed/../ana", "--role", "annotator"], "use letters, digits"),
    (["user", "add", "cleo", "--role", "king"], "no role 'king'"),
    (["user", "grant", "nobody", "lead"], "nobody here is called nobody"),
    (["user", "grant", "ana", "admin", "--revoke"], "the only admin"),
    (["proposal", "approve", "1"], "no proposal '1'"),
    (["campaign", "close", "july"], "july"),
    (["campaign", "status", "july"], "july"),
    (["import", "BINARY"], "binary"),
    (["import", "EMPTY"], "empty"),
    (["import", "ROWS", "--format", "xml"], "xml"),
    (["import", "ROWS", "--spec", "spec/main"], "spec/main"),
    (["prompts", "import", "ROWS", "--source", "dreams"], "dreams"),
    (["prompts", "import", "ROWS", "--column", "text"], "--column takes THEIRS=OURS"),
    (["dataset", "freeze", "support", "--batch", "BATCH", "--held-out", "1.5"], "--held-out 1.5"),
    (["dataset", "diff", "SHOWN", "SHOWN"], "has no file 'pairs'"),
    (["show", "POLICY", "--rows", "history"], "has no file 'history': it has none with rows"),
    (["export", "SHOWN", "out.jsonl"], "preferences is needed"),
    (["export", "SHOWN", "out.jsonl", "--format", "xml"], "xml"),
    (["eval", "reward", "POLICY", "--data", "SHOWN"], "not trained as a reward model"),
    (["eval", "suite", "POLICY", "--baseline", "POLICY", "--harmful", "harm"], "'harm'"),
    (["verify", "--checkpoint", "1:" + "0" * 64], "checkpoint"),
    (["show", "0"], "nothing in this ledger is called '0'"),
    (["show", "dataset/x@v0"], "dataset/x"),
    (["--as", "", "user", "add", "cleo", "--role", "annotator"], ""),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_clear_line(run: Run, desk: Desk, words: list[str], said: str) -> None:
    known = _put(desk)
    given = [known.get(word, word) for word in words]
    refused(run("-C", desk.folder, *given), said)


def test_real_batches_and_prompts_do_not_hide_a_mistake_in_the_rest(run: Run, desk: Desk) -> None:
    rows, at = _put(desk)["ROWS"], ("-C", desk.folder)
    batch = json.loads(run(*at, "import", rows, "--json").out)["label_batch"]
    said = run(*at, "dataset", "freeze", "Not A Name", "--batch", batch, "--held-out", 0)
    refused(said, "dataset/Not A Name", "lower-case")
    found = run(*at, "prompts", "import", rows, "--column", "prompt=prompt", "--json")
    prompts = json.loads(found.out)["prompt_set"]
    judge = desk.put("model", {"role": "reward", "files": {}}, [])
    said = run(*at, "candidates", "generate", judge, "--prompts", prompts)
    refused(said, "is a reward model, not a policy")


@pytest.mark.parametrize("key", ["", "not hexadecimal", "abcd", "00" * 32])
def test_a_key_that_is_not_the_projects_is_one_clear_line(
    run: Run, desk: Desk, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("-C", desk.folder, "import", _put(desk)["ROWS"]).code == 0  # texts to be named
    monkeypatch.setenv("PREFLOOP_KEY", key)
    refused(run("-C", desk.folder, "log"))


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "postgresql://127.0.0.1:1/none", "sqlite:////no/such/x"]
)
def test_a_database_that_cannot_be_reached_is_one_clear_line(
    run: Run, desk: Desk, url: str
) -> None:
    (desk.folder / "prefloop.yaml").write_text(f'name: desk\ndatabase: "{url}"\n')
    if url:
        refused(run("-C", desk.folder, "log"))
    else:  # an empty word is no database
        assert run("-C", desk.folder, "log").code == 0


def test_a_word_that_no_command_knows_is_exit_code_two(run: Run) -> None:
    for words in (["nonsense"], ["log", "--nonsense"], ["gate", "check"], ["log", "--limit", "x"]):
        ran = run(*words)
        assert ran.code == 2
        assert "Traceback" not in ran.err


def _put(desk: Desk) -> dict[str, str]:
    """Files and artifacts that mistakes are made with."""
    place = desk.folder.parent
    files = {
        "FILE": b"a file",
        "BINARY": bytes(range(256)),
        "EMPTY": b"",
        "ROWS": b'{"prompt": "How?", "chosen": "this", "rejected": "that"}\n',
    }
    for name, body in files.items():
        Path(place / name.lower()).write_bytes(body)
    return {
        **{name: str(place / name.lower()) for name in files},
        "BATCH": desk.put("label_batch", {"campaign": "x", "judgments": 0}, []),
        "SHOWN": desk.put("dataset", {"role": "demonstrations", "counts": {"pairs": 0}}, []),
        "POLICY": desk.put("model", {"role": "sft"}, []),
    }
