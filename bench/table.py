"""What every benchmark shares: time both sides in one run, print a table, write the results."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Line", "finish", "timed"]


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement. `ratio` above 1 means that ours is better."""

    name: str
    ours: float
    theirs: float
    peer: str
    ratio: float
    unit: str
    note: str


def timed(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """(wall, CPU) seconds of the fastest of some runs."""
    runs = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(runs)


def finish(part: str, lines: list[Line]) -> None:
    """Print the table and write bench/results/PART.json."""
    print(f"{'name':<24}{'ours':>12}{'theirs':>12}{'ratio':>10}  unit  peer (note)")
    for line in lines:
        print(
            f"{line.name:<24}{line.ours:>12.4g}{line.theirs:>12.4g}{line.ratio:>10.1f}"
            f"  {line.unit:<5} {line.peer} ({line.note})"
        )
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps([asdict(line) for line in lines], indent=2) + "\n"
    (folder / f"{part}.json").write_text(text)
