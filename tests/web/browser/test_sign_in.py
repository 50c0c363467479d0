"""Coming in for the first time, and again with a code, in a real browser."""

import pyotp
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.web.annotating import Office
from tests.web.browser.conftest import Server

from prefloop.store import invitations
from prefloop.store.verify import verify

PASSWORD = "correct horse battery staple"


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['help']}" for v in found if v["impact"] in ("serious", "critical")]


def test_an_invited_admin_sets_up_a_second_factor_and_signs_in_with_it(
    browser: Browser, server: Server, office: Office
) -> None:
    with office.project.transaction() as tx:
        value = invitations.invite(tx, ["admin", "auditor"], 1)
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{server.base}/invite/{value}")
    assert serious(page) == []
    fill(page, Name="dora", Password=PASSWORD, Once_more=PASSWORD)
    page.get_by_role("button", name="Come in").click()

    page.wait_for_url("**/sign-in/set-up?next=/")
    assert serious(page) == []
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0, "the picture loads"
    app = pyotp.TOTP(page.locator(".secret").inner_text().replace(" ", ""))
    code = app.now()
    page.get_by_label("2. The code it shows now").fill(code)
    page.get_by_role("button", name="Turn on").click()

    page.get_by_role("heading", name="Keep these recovery codes").wait_for()
    recovery = page.locator(".secret").inner_text().split()
    page.get_by_role("link", name="I have kept them").click()
    page.goto(f"{server.base}/audit")
    page.get_by_role("button", name="Verify everything").click()
    page.get_by_text("Whole", exact=True).wait_for()
    assert serious(page) == []
    page.get_by_role("button", name="Sign out").click()

    page.wait_for_url("**/sign-in")
    page.goto(f"{server.base}/audit")
    fill(page, Name="dora", Password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(code)  # taken already
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert serious(page) == []
    page.get_by_label("Code").fill(recovery[0])  # the app's next code is half a minute away
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/audit")
    for path in ("/people", "/account", "/proposals"):
        page.goto(server.base + path)
        assert serious(page) == [], path
    context.close()
    assert [line for line in said if "Content Security Policy" in line] == []
    assert verify(office.project.ledger).ok
