"""log, show, lineage: reading the record."""

from typing import Annotated, Any

import typer

from prefloop.cli.common import Json, ago, encoded, say, show, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("log")(log)
    app.command("show")(show_artifact)
    app.command("lineage")(lineage)


def log(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="only artifacts of this kind")] = None,
    events: Annotated[bool, typer.Option("--events", help="the audit log instead")] = False,
    limit: Annotated[int, typer.Option(min=1, help="how many, newest first")] = 30,
    json: Json = False,
) -> None:
    """What was made, newest first; with --events, what was done and by whom."""
    from prefloop.store import artifacts, audit, names

    project = context.obj.open()
    with project.reader() as reader:
        if events:
            rows = audit.listing(reader.connection, limit)
            columns = ["event", "time (UTC)", "actor", "action", "subject"]
            shown: list[tuple[Any, ...]] = [
                (r["seq"], ago(r["at"]), r["actor"], r["action"], r["subject"][:24]) for r in rows
            ]
        else:
            found = artifacts.listing(reader, kind, limit)
            rows = [
                {
                    "digest": a.digest,
                    "kind": a.kind,
                    "author": a.author,
                    "created": a.created,
                    "names": names.names_of(reader, a.digest),
                    "notes": a.notes,
                }
                for a in found
            ]
            columns = ["digest", "kind", "names", "author", "time (UTC)", "notes"]
            shown = [
                (r["digest"][:12], r["kind"], ", ".join(r["names"]), r["author"],
                 ago(r["created"]), r["notes"][:40])
                for r in rows
            ]  # fmt: skip
    show(rows, json, lambda: table(columns, shown))


def show_artifact(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="NAME", help="digest, name@vN, name or tag")],
    rows: Annotated[
        str | None, typer.Option(help="instead the rows of one of its files, such as history")
    ] = None,
    json: Json = False,
) -> None:
    """One artifact: its manifest, parents, children and names."""
    from prefloop.store import artifacts, names

    project = context.obj.open()
    with project.reader() as reader:
        a = names.resolve(reader, reference)
        if rows is not None:
            found = artifacts.read_rows(reader, a, rows)
            lines = [encoded(row) for row in found]
            show(found, json, "\n".join(lines))
            return
        data: dict[str, Any] = {
            "digest": a.digest,
            "kind": a.kind,
            "names": names.names_of(reader, a.digest),
            "author": a.author,
            "created": ago(a.created),
            "notes": a.notes,
            "parents": a.parents,
            "children": artifacts.children(reader, a.digest),
            "manifest": a.manifest,
        }
    show(data, json, encoded(data, 2))


def lineage(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="NAME", help="digest, name@vN, name or tag")],
    down: Annotated[bool, typer.Option("--down", help="what came from it instead")] = False,
    json: Json = False,
) -> None:
    """The chain that stands behind an artifact, back to the specification."""
    from prefloop.flows import lineage as flow

    project = context.obj.open()
    with project.reader() as reader:
        tree = flow.tree(reader, reference, down)
    show(flow.as_json(tree), json, lambda: say(flow.as_text(tree)))
