"""A real browser in front of a real server, each on this machine alone."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.conftest import cannot_run
from tests.web.annotating import Office, identity, open_office

CHROMIUM = os.environ.get("PREFLOOP_CHROMIUM") or shutil.which("chromium")


class Server:
    """uvicorn in a thread, on a port that stays the same when it is stopped and started."""

    def __init__(self, office: Office) -> None:
        self.office = office
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self.office.app,
            host="127.0.0.1",
            port=self.port,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + 10
        while not self.server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert self.server.started

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=10)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    if CHROMIUM is None:
        cannot_run("needs a browser: apt-get install chromium, or PREFLOOP_CHROMIUM=PATH")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    yield opened
    opened.project.ledger.close()


@pytest.fixture
def server(office: Office) -> Iterator[Server]:
    running = Server(office)
    yield running
    running.stop()


SignIn = Callable[..., BrowserContext]


@pytest.fixture
def sign_in(browser: Browser, server: Server, office: Office) -> Iterator[SignIn]:
    """A browser of its own for somebody; scripts that fail make the test fail."""
    opened: list[BrowserContext] = []
    wrong: list[str] = []

    def of(
        handle: str = "ann0", width: int = 1440, height: int = 900, **more: object
    ) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)  # type: ignore[arg-type]
        context.add_cookies(
            [{"name": identity.COOKIE, "value": office.cookie(handle), "url": server.base}]
        )
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        opened.append(context)
        return context

    yield of
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture
def screen(sign_in: SignIn, server: Server) -> Callable[..., Page]:
    """The comparison screen of a campaign, ready to judge."""

    def opened(context: BrowserContext | None = None, campaign: str = "support") -> Page:
        page = (context or sign_in()).new_page()
        page.goto(f"{server.base}/campaigns/{campaign}/work")
        page.wait_for_selector("#judge:not([hidden])")
        return page

    return opened
