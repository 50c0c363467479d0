"""What every command shares: where it runs, who acts, and how it shows what it found."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from prefloop.flows.project import Project

__all__ = ["Here", "Json", "ago", "interval", "show", "table"]

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


def show(data: Any, as_json: bool, text: Callable[[], None] | str | None = None) -> None:
    """Print JSON for programs, or text for people."""
    if as_json:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif callable(text):
        text()
    elif text is not None:
        typer.echo(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table for people; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    filled = [list(row) for row in rows]
    drawn = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for index, column in enumerate(drawn.columns):
        values = [row[index] for row in filled]
        if values and all(isinstance(value, int | float) for value in values):
            column.justify = "right"
    for row in filled:
        drawn.add_row(*[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row])
    Console(width=None, soft_wrap=False, highlight=False).print(drawn)


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
