"""The queue at the size of a real project, and a whole turn over HTTP beside Potato's and Label
Studio's: server CPU per fetch-and-submit, in one run on this machine.

TURNS sets how many turns each of the eight annotators takes. The peers are installed once, into
bench/.peers, by pip. A peer that cannot be installed or does not start ends the run.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import peers, queues
from bench.closed_loop import Measured, measure, running
from bench.office import Prefloop
from bench.table import Line, finish

TURNS = int(os.environ.get("TURNS", "150"))
SECOND, MEBIBYTES = 2.0, 450.0  # what we hold ourselves to: first page, core install


@contextmanager
def folder() -> Iterator[Path]:
    """On the disk of this repository: elsewhere may be memory."""
    made = Path(tempfile.mkdtemp(dir=Path(__file__).parent, prefix=".work-"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def ours() -> tuple[Measured, list[float]]:
    """Our turns, and some seconds from start to first page."""
    with folder() as work:
        site = Prefloop(work)
        site.prepare()
        starts = list[float]()
        for last in (False, False, True):
            with running(site.command, site.port, work, site.environment, "/sign-in") as (
                server,
                took,
            ):
                starts.append(took)
                if last:
                    return measure(site, server, TURNS), starts
    raise AssertionError


def potato() -> Measured:
    home = peers.install("potato", "potato-annotation")
    with folder() as work:
        site = peers.Potato(home, work)
        with running(site.command, site.port, work, site.environment) as (server, _):
            return measure(site, server, max(TURNS // 3, 20))


def label_studio() -> Measured:
    home = peers.install("label-studio", "label-studio")
    with folder() as work:
        site = peers.LabelStudio(home, work)
        with running(site.command, site.port, work, site.environment, "/user/login") as (server, _):
            site.prepare()
            return measure(site, server, max(TURNS // 6, 20))


def fsync() -> float:
    """Median milliseconds that this disk takes to keep one page."""
    with folder() as work, (work / "page").open("wb", buffering=0) as file:
        took = []
        for _ in range(200):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begun)
    return 1000 * sorted(took)[len(took) // 2]


def installed() -> Line:
    """What the core install takes on disk, with everything it needs but Python."""
    home = peers.FOLDER / "prefloop"
    root = Path(__file__).resolve().parents[1]
    shutil.rmtree(home, ignore_errors=True)
    peers.install("prefloop", str(root))
    mebibytes = peers.size(home)
    theirs = {name: peers.size(peers.FOLDER / name) for name in ("potato", "label-studio")}
    note = f"target {MEBIBYTES:.0f}; Label Studio {theirs['label-studio']:.0f}"
    return Line(
        "install size",
        mebibytes,
        theirs["potato"],
        f"Potato {peers.version(peers.FOLDER / 'potato', 'potato-annotation')}",
        theirs["potato"] / mebibytes,
        "MiB",
        note,
    )


def turns() -> list[Line]:
    """The rows over HTTP."""
    mine, starts = ours()
    known = {
        "potato": ("potato-annotation", potato),
        "label studio": ("label-studio", label_studio),
    }
    lines, sync = list[Line](), fsync()
    for name, (package, run) in known.items():
        theirs = run()
        peer = f"{name} {peers.version(peers.FOLDER / name.replace(' ', '-'), package)}"
        note = (
            f"server CPU, 8 annotators, {mine.turns} and {theirs.turns} turns; p95 of a turn "
            f"{mine.p95:.1f} and {theirs.p95:.1f} ms"
        )
        ratio = theirs.cpu / mine.cpu
        lines.append(Line(f"fetch+submit vs {name}", mine.cpu, theirs.cpu, peer, ratio, "ms", note))
        if name == "potato":
            said = f"p95 of a turn over this disk's own fsync, {sync:.2f} ms; potato syncs nothing"
            multiple, other = mine.p95 / sync, theirs.p95 / sync
            lines.append(Line("p95 in fsyncs", multiple, other, peer, other / multiple, "x", said))
    first = min(starts)
    note = f"process start to /sign-in, {', '.join(f'{one:.2f}' for one in starts)}"
    lines.append(Line("start to first page", first, SECOND, "target", SECOND / first, "s", note))
    return lines


def main() -> None:
    """Print the table and write the results."""
    lines = turns()
    lines += queues.lines()
    lines.append(installed())
    finish("annotation", lines)


if __name__ == "__main__":
    main()
