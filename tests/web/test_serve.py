"""`prefloop serve` as people run it: another process, a real port, TLS, several workers."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefloop.core.errors import BadInput
from prefloop.flows.project import init, open_project
from prefloop.store import people
from prefloop.web import identity, server
from prefloop.web.identity import Sessions, csrf_of
from prefloop.web.server import Serving

Start = Callable[..., "Served"]
WAIT = 30.0


class Served:
    """A server that said that it is ready."""

    def __init__(self, folder: Path, *words: str) -> None:
        program = str(Path(sys.executable).with_name("prefloop"))
        self.process = subprocess.Popen(
            [program, "-C", str(folder), "serve", "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("}"):
                break
        assert said, self.process.stderr.read() if self.process.stderr else ""
        self.told: dict[str, Any] = json.loads(said)
        self.base = str(self.told["address"])

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Asked until the workers are up."""
        until = time.monotonic() + WAIT
        while True:
            try:
                return httpx.get(self.base + path, timeout=10, **more)
            except httpx.TransportError:
                assert time.monotonic() < until, "nobody answers"
                time.sleep(0.05)

    def stop(self, with_signal: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        self.process.send_signal(with_signal)
        _, err = self.process.communicate(timeout=WAIT)
        return self.process.returncode, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init(tmp_path / "desk", "desk", "ana", b"k" * 32)
    return tmp_path / "desk"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    running: list[Served] = []

    def go(*words: str) -> Served:
        running.append(Served(folder, *words))
        return running[-1]

    yield go
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def refused(folder: Path, **how: Any) -> str:
    """The one line with which it does not start."""
    project = open_project(folder, "ana")
    with closing(project.ledger), pytest.raises(BadInput) as caught:
        server.serve(project, Serving(**{"port": 0, **how}), lambda address: None)
    (line,) = str(caught.value).splitlines()
    return line


def test_the_first_admin_comes_in_by_the_link_that_it_prints(start: Start) -> None:
    served = start()
    link = served.told["way_in"]
    assert link.startswith(f"{served.base}/invite/")
    with httpx.Client(base_url=served.base) as browser:
        page = browser.get(link)
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        password = "a short sentence"
        body = {"csrf": csrf, "handle": "ana", "password": password, "again": password}
        done = browser.post(link, data=body, headers={"origin": served.base})
        assert (done.status_code, done.headers["location"]) == (303, "/sign-in/set-up?next=/")
    assert served.stop() == (0, "")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_and_can_start_again(start: Start, which: int) -> None:
    for _ in range(2):
        served = start()
        assert served.get("/sign-in").status_code == 200
        assert served.stop(which) == (0, "")


def test_what_is_being_answered_comes_to_its_end(start: Start, folder: Path) -> None:
    served = start()
    served.get("/sign-in")
    host, port = served.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n")
        ended: list[tuple[int, str]] = []
        stopping = threading.Thread(target=lambda: ended.append(served.stop()))
        stopping.start()
        line.sendall(b"\r\n")
        assert line.recv(15).startswith(b"HTTP/1.1 200")
    stopping.join()
    assert ended == [(0, "")]


def test_a_project_is_served_once_on_sqlite(start: Start, folder: Path) -> None:
    served = start()
    assert f"served already at {served.base}: stop that server first" in refused(folder)
    served.process.kill()  # a crash gives the lock back
    served.process.communicate()
    assert start().get("/sign-in").status_code == 200


def test_what_cannot_be_served_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1 port {port}" in refused(folder, port=port)
    assert "SQLite takes one" in refused(folder, workers=2)
    assert "at least one" in refused(folder, workers=0)
    assert "TLS takes both" in refused(folder, cert=tmp_path / "cert.pem")
    nothing = tmp_path / "nothing.pem"
    assert "nothing.pem" in refused(folder, cert=nothing, key=nothing)
    nothing.write_text("no certificate")
    assert "nothing.pem" in refused(folder, cert=nothing, key=nothing)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "desk")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    shape = serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, shape, plain))
    return cert_path, key_path


def test_over_tls_with_the_certificate_it_was_given(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    served = start("--tls-cert", str(cert), "--tls-key", str(key))
    assert served.base.startswith("https://127.0.0.1:")
    trust = ssl.create_default_context(cafile=str(cert))
    page = served.get("/sign-in", verify=trust)
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert page.headers["set-cookie"].startswith("__Host-prefloop-form=")
    assert "Secure" in page.headers["set-cookie"]
    assert served.stop() == (0, "")


def test_a_proxy_is_believed_only_where_it_is_named(start: Start) -> None:
    told = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.9"}
    believed = start("--trusted-proxy", "127.0.0.1")
    assert "strict-transport-security" in believed.get("/sign-in", headers=told).headers
    believed.stop()
    assert "strict-transport-security" not in start().get("/sign-in", headers=told).headers


def test_on_all_addresses_without_tls_or_a_name_of_its_own_it_warns(start: Start) -> None:
    served = start("--host", "0.0.0.0")
    assert served.get("/sign-in", headers={"host": "box.lan"}).status_code == 200
    said = served.stop()[1]
    assert "passwords cross the network in the clear" in said
    assert "set access.address in prefloop.yaml" in said


def test_it_answers_to_its_own_names_alone(start: Start, folder: Path) -> None:
    served = start("--host", "127.0.0.2")
    for host, status in (("127.0.0.2:1", 200), ("localhost", 200), ("evil.example", 421)):
        assert served.get("/sign-in", headers={"host": host}).status_code == status
    served.stop()
    path = folder / "prefloop.yaml"
    path.write_text(f"{path.read_text()}access:\n  address: https://labels.example.org\n")
    served = start("--host", "0.0.0.0", "--trusted-proxy", "127.0.0.1")  # as behind nginx
    told = {"x-forwarded-proto": "https", "host": "labels.example.org"}
    page = served.get("/sign-in", headers=told)
    assert page.status_code == 200
    assert "__Host-" in page.headers["set-cookie"]
    assert served.get("/sign-in", headers={**told, "host": "evil.example"}).status_code == 421
    assert served.stop() == (0, "")


def test_several_workers_on_postgresql_share_their_sessions(
    start: Start, folder: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLOOP_DATABASE_URL", postgresql_url)
    init(folder, "desk", "ana", b"k" * 32)
    project = open_project(folder, "ana")
    with project.transaction() as tx:
        people.add(tx, "olga", ("auditor",))
    cookie = Sessions(project.ledger).start("olga")
    served = start("--workers", "2")
    with httpx.Client(base_url=served.base, cookies={identity.COOKIE: cookie}) as browser:
        served.get("/sign-in")
        # Each request on a connection of its own, so that both processes answer.
        for _ in range(12):
            assert served.get("/audit", cookies={identity.COOKIE: cookie}).status_code == 200
        headers = {"x-csrf-token": csrf_of(cookie), "origin": served.base}
        assert browser.post("/sign-out", headers=headers).status_code == 303
    time.sleep(identity.CACHE_SECONDS + 0.2)
    for _ in range(12):
        assert served.get("/audit", cookies={identity.COOKIE: cookie}).status_code == 303
    code, err = served.stop()
    assert (code, err) == (0, "")
    project.ledger.close()
