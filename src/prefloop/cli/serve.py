"""serve: the pages."""

from pathlib import Path
from typing import Annotated

import typer

from prefloop.cli.common import Json, say, show

__all__ = ["register"]

_LOCAL = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8000,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="certificate chain (PEM)")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="its key (PEM)")] = None,
    workers: Annotated[int, typer.Option(help="processes; more than one on PostgreSQL")] = 1,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="a proxy whose X-Forwarded-* headers are believed"),
    ] = None,
    json: Json = False,
) -> None:
    """Serve the pages until stopped (Ctrl-C)."""
    from prefloop.flows.ways_in import first_way_in
    from prefloop.web import server
    from prefloop.web.security import hosts_of

    project = context.obj.open()
    how = server.Serving(host, port, tls_cert, tls_key, workers, tuple(trusted_proxy or ()))

    def ready(address: str) -> None:
        if host not in _LOCAL and not tls_cert and not trusted_proxy:
            warning = "passwords cross the network in the clear: give --tls-cert and --tls-key, or"
            say(f"prefloop: {warning} --trusted-proxy behind one that does", err=True)
        if hosts_of(project.settings.access.address, host) is None:
            warning = "requests under any name are answered, and links carry none: set"
            say(f"prefloop: {warning} access.address in prefloop.yaml", err=True)
        found = first_way_in(project, address)
        lines = [f"prefloop serves {project.settings.name} at {address} (Ctrl-C stops)"]
        if found:
            lines.append(f"nobody can sign in yet; {found[0]} comes in here, once: {found[1]}")
        known = {"address": address, "way_in": found[1] if found else None}
        show(known, json, "\n".join(lines))

    server.serve(project, how, ready)
