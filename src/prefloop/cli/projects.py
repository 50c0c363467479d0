"""init, verify, erase: the project as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop.cli.common import Here, Json, show

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("verify")(verify)
    app.command("erase")(erase)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    name: Annotated[
        str | None, typer.Option(help="the project's name (default: the folder's)")
    ] = None,
    json: Json = False,
) -> None:
    """Make a new project: prefloop.yaml, spec.yaml, gates.yaml, suite.yaml and its ledger."""
    from prefloop.flows import project

    here: Here = context.obj
    place = here.folder / folder
    written = project.init(place, name, here.actor)
    lines = [f"project in {place}", *(f"  {one}" for one in written)]
    lines.append("next: prefloop user add NAME --role lead (changes take two people)")
    lines.append("      then write spec.yaml, and prefloop spec publish")
    show({"folder": str(place), "written": written}, json, "\n".join(lines))


def verify(
    context: typer.Context,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="a tail written down earlier")
    ] = None,
    json: Json = False,
) -> None:
    """Prove that no event, row, artifact, text or file was altered since it was written."""
    from dataclasses import asdict

    from prefloop.core.errors import BadInput, Corrupt
    from prefloop.store import verify as proof

    project = context.obj.open()
    against = None
    if checkpoint:
        seq, colon, tail = checkpoint.partition(":")
        if not (seq.isdigit() and colon and len(tail) == 64):
            raise BadInput(f"checkpoint {checkpoint!r}: SEQ:HASH as prefloop verify prints it")
        against = proof.Checkpoint(int(seq), tail)
    found = proof.verify(project.ledger, against)
    with project.reader() as reader:
        kept = proof.checkpoint(reader)
    lines = [
        f"{found.events} events, {found.rows} rows, {found.artifacts} artifacts, "
        f"{found.texts} texts, {found.files} files",
        *(f"erased on request: text {name[:12]}" for name in found.erased),
        *(f"BAD: {problem}" for problem in found.problems),
        f"{'whole' if found.ok else 'NOT whole'}; checkpoint {kept.seq}:{kept.hash}",
    ]
    show({**asdict(found), "ok": found.ok, "checkpoint": asdict(kept)}, json, "\n".join(lines))
    if not found.ok:
        raise Corrupt(f"{len(found.problems)} problems; the first: {found.problems[0]}")


def erase(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="the exact text, or its digest")],
    reason: Annotated[str, typer.Option(help="why, for the record")],
    json: Json = False,
) -> None:
    """Forget a text for good; every digest that names it stays whole and reads "erased"."""
    import re

    from prefloop.core.digest import text_digest
    from prefloop.store import people, texts

    project = context.obj.open()
    known = re.fullmatch(r"[0-9a-f]{64}", text) is not None
    name = text if known else text_digest(project.ledger.key, text)
    with project.transaction() as tx:
        people.require(tx, "text.erase")
        texts.erase(tx, [name], reason)
    show({"erased": name}, json, f"erased text {name[:12]}")
