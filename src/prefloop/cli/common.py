"""What every command shares: where it runs, who acts, and how it shows what it found."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from prefloop.flows.project import Project

__all__ = ["Here", "Json", "ago", "encoded", "interval", "say", "show", "table"]

_WIDEST = 1000  # characters of a line
Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of text")]


@dataclass(frozen=True, slots=True)
class Here:
    """The folder and person a command was called with."""

    folder: Path
    actor: str | None

    def open(self) -> "Project":
        """The project in this folder, with this person acting."""
        from prefloop.flows.project import open_project

        return open_project(self.folder, self.actor)


def say(text: object, err: bool = False) -> None:
    """Print words, whoever wrote them: nothing in them hides, or steers the terminal."""
    from prefloop.text.hidden import visible

    typer.echo(visible(str(text)), err=err)


def encoded(data: Any, indent: int | None = None) -> str:
    """JSON in which hidden characters are escaped: the same data, safe on a terminal."""
    from prefloop.text.hidden import visible

    said = json.dumps(data, indent=indent, ensure_ascii=False)
    return visible(said, lambda letter: json.dumps(letter)[1:-1])


def show(data: Any, as_json: bool, text: Callable[[], None] | str | None = None) -> None:
    """Print JSON for programs, or text for people."""
    if as_json:
        typer.echo(encoded(data, 2))
    elif callable(text):
        text()
    elif text is not None:
        say(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table for people; numbers to the right. All of it is words: nothing in it is markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from prefloop.text.hidden import visible

    filled = [list(row) for row in rows]
    drawn = Table(box=box.SIMPLE_HEAD, title_justify="left")
    drawn.title = None if title is None else Text(visible(title), "table.title")
    for name in columns:
        drawn.add_column(Text(visible(name)))
    for index, column in enumerate(drawn.columns):
        column.no_wrap = index == 0  # the name of a row, by which all others are understood
        values = [row[index] for row in filled]
        if values and all(isinstance(value, int | float) for value in values):
            column.justify = "right"
    for row in filled:
        drawn.add_row(*[Text(f"{v:.3f}" if isinstance(v, float) else visible(str(v))) for v in row])
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDEST  # a file or a pipe has no edge to wrap at
    console.print(drawn)


def interval(found: Mapping[str, Any], digits: int = 3) -> str:
    """A measured figure of an artifact with its interval, or why there is none."""
    if "not_enough" in found:
        return f"not enough data: {found['not_enough']}"
    low, high = found["low"], found["high"]
    return f"{found['estimate']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def ago(microseconds: int) -> str:
    """A time of the ledger as people write it, in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
