"""kill -9 at any moment: what was acknowledged is there, and nothing else is half there."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from tests.annotation.conftest import open_campaign
from tests.conftest import make_ledger

from prefloop.annotation import tables as annotation
from prefloop.store import artifacts, tables, texts
from prefloop.store.verify import verify

WRITER = """
import itertools, os, sys
from pathlib import Path
from prefloop.annotation import campaigns, judgments, queue
from prefloop.store import Ledger, artifacts, texts
from prefloop.store.files import FileStore

url, folder = sys.argv[1:]
ledger = Ledger(url, FileStore(folder + "/files"), b"k" * 32)
print("ready", 0, flush=True)
for n in itertools.count():
    mark = f"{os.getpid()}-{n}"
    with ledger.transaction("ann0") as tx:
        text = texts.put(tx, mark)
        files = {"rows": artifacts.write_rows(tx, [{"text": text, "n": i} for i in range(200)])}
        made = artifacts.put(tx, "dataset", {"mark": mark, "files": files})
        campaign = campaigns.get(tx, "support")
        (shown,) = queue.claim(tx, campaign, "ann0")
    print("text", text, flush=True)
    print("artifact", made.digest, flush=True)
    with ledger.transaction("ann0") as tx:
        sent = judgments.Submission(shown.assignment, 1, mark, rationale=f"because {mark}")
        (judgment,) = judgments.submit(tx, campaign, "ann0", [sent])
    print("judgment", judgment, flush=True)
"""


def acknowledged(url: str, folder: Path, luck: random.Random) -> list[tuple[str, str]]:
    """What a writer said it had written, up to the moment it was killed."""
    command = [sys.executable, "-c", WRITER, url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        heard = [writer.stdout.readline() for _ in range(luck.randint(2, 25))]
        time.sleep(luck.random() * 0.02)
        os.kill(writer.pid, signal.SIGKILL)
        heard += writer.stdout.readlines()
    whole = [line.split() for line in heard if line.endswith("\n")]
    assert whole[:1] == [["ready", "0"]]
    return [(kind, name) for kind, name in whole[1:]]


def test_what_was_acknowledged_survives_kill_9(database_url: str, tmp_path: Path) -> None:
    ledger = make_ledger(database_url, tmp_path)
    open_campaign(ledger, "support", items=200)
    luck, told = random.Random(7), list[tuple[str, str]]()
    for _ in range(3):
        told += acknowledged(database_url, tmp_path, luck)
        result = verify(ledger)
        assert result.problems == []
    assert len(told) > 5
    with ledger.reader() as reader:
        for kind, name in told:
            if kind == "text":
                assert texts.get(reader, name)
            elif kind == "artifact":
                assert len(artifacts.read_rows(reader, artifacts.get(reader, name), "rows")) == 200
            else:
                j = annotation.judgment
                assert reader.one(sa.select(j).where(j.c.id == name)) is not None
        # At most the one transaction that was under way is there without a word.
        for kind, table in (("artifact", tables.artifact), ("judgment", annotation.judgment)):
            count = reader.all(sa.select(sa.func.count()).select_from(table))[0][0]
            extra = 1 if kind == "artifact" else 0  # the specification
            assert 0 <= count - extra - sum(k == kind for k, _ in told) <= 3
    for path in (tmp_path / "files").glob("??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    ledger.close()
