"""Serving the pages: one process on SQLite, as many as wanted on PostgreSQL; TLS here or in front.

Departure: uvicorn's own messages are kept to warnings, and what a person has to know is said by
the command line. Ctrl-C and SIGTERM let what is being answered come to its end.
"""

import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from prefloop.core.errors import BadInput, Conflict
from prefloop.flows.project import Project, open_project
from prefloop.web import app, provider
from prefloop.web.security import hosts_of

__all__ = ["Serving", "serve", "worker"]

_FOLDER = "PREFLOOP_SERVED_FOLDER"  # how a worker knows what it serves,
_HOST = "PREFLOOP_SERVED_HOST"  # and where
_GRACE = 10  # seconds for what is being answered
_KEEP_ALIVE = 65  # seconds; a comparison takes longer than uvicorn's five
_CONNECTIONS = 800  # in each process: below the 1,024 files that most systems let one have open


@dataclass(frozen=True, slots=True)
class Serving:
    """Where and how."""

    host: str = "127.0.0.1"
    port: int = 8000
    cert: Path | None = None
    key: Path | None = None
    workers: int = 1
    trusted: Sequence[str] = ()

    @property
    def scheme(self) -> str:
        return "https" if self.cert else "http"


def serve(project: Project, how: Serving, ready: Callable[[str], None]) -> None:
    """Serve until stopped; `ready` is told the address once the port is ours."""
    _check(project, how)
    with closing(_socket(how)) as listening, _alone(project, how) as tell:
        host, port = listening.getsockname()[:2]
        named = f"[{host}]" if ":" in host else host
        address = f"{how.scheme}://{named}:{port}"
        tell(address)
        signal.signal(signal.SIGTERM, _stop)
        try:
            ready(address)
            _run(project, how, listening)
        except KeyboardInterrupt:
            return


def worker() -> FastAPI:
    """The application of one of several processes."""
    return _app(open_project(Path(os.environ[_FOLDER])), os.environ[_HOST])


def _app(project: Project, host: str) -> FastAPI:
    return app.create(project, hosts_of(project.settings.access.address, host))


def _run(project: Project, how: Serving, listening: socket.socket) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    options: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "lifespan": "off",
        "ws": "none",
        "proxy_headers": bool(how.trusted),
        "forwarded_allow_ips": list(how.trusted),
        "limit_concurrency": _CONNECTIONS,
        "timeout_keep_alive": _KEEP_ALIVE,
        "timeout_graceful_shutdown": _GRACE,
        "ssl_certfile": how.cert,
        "ssl_keyfile": how.key,
    }
    if how.workers == 1:
        with closing(project.ledger):
            config = uvicorn.Config(_app(project, how.host), **options)
            uvicorn.Server(config).run(sockets=[listening])
        return
    project.ledger.close()  # connections do not outlive a fork
    os.environ.update({_FOLDER: str(project.folder.resolve()), _HOST: how.host})
    place = "prefloop.web.server:worker"
    config = uvicorn.Config(place, factory=True, workers=how.workers, **options)
    Multiprocess(config, sockets=[listening]).run()


def _check(project: Project, how: Serving) -> None:
    if how.workers < 1:
        raise BadInput(f"--workers {how.workers}: at least one")
    if how.workers > 1 and not project.ledger.is_postgresql:
        raise BadInput(
            f"--workers {how.workers}: SQLite takes one; set PREFLOOP_DATABASE_URL to a "
            "PostgreSQL for more"
        )
    if project.settings.access.provider is not None:
        provider.need()
    if (how.cert is None) != (how.key is None):
        raise BadInput("TLS takes both, --tls-cert and --tls-key")
    if how.cert is None or how.key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(how.cert, how.key)
    except (OSError, ssl.SSLError) as error:
        said = error.strerror or error
        raise BadInput(f"--tls-cert {how.cert} with --tls-key {how.key}: {said}") from error


def _socket(how: Serving) -> socket.socket:
    family = socket.AF_INET6 if ":" in how.host else socket.AF_INET
    try:
        made = socket.create_server((how.host, how.port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot listen on {how.host} port {how.port}: {said}") from error
    made.set_inheritable(True)
    return made


@contextmanager
def _alone(project: Project, how: Serving) -> Iterator[Callable[[str], None]]:
    """On SQLite one server at a time: a lock that ends with the process, and says where it is."""
    if project.ledger.is_postgresql:
        yield lambda address: None
        return
    path = project.folder / ".prefloop" / "server"
    with path.open("a+", encoding="utf-8") as file:
        if not _locked(file.fileno()):
            file.seek(0)
            where = file.read().strip() or "another address"
            raise Conflict(f"this project is served already at {where}: stop that server first")

        def tell(address: str) -> None:
            file.truncate(0)
            file.write(address)
            file.flush()

        yield tell


def _locked(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such lock, and no other way that a crash gives back
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _stop(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
