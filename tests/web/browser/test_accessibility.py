"""The screen for everybody: what a machine can check of WCAG, light and dark, large and small."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.web.annotating import RICH, Office, item
from tests.web.browser.test_screen import saved, submit

from prefloop.annotation import judgments, queue
from prefloop.annotation.judgments import Submission
from prefloop.flows import alarms

Screen = Callable[..., Page]


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1440, 900), ("dark", 1440, 900), ("light", 390, 844), ("dark", 1024, 768)],
)
def test_axe_finds_nothing_serious(
    office: Office, screen: Screen, sign_in: Any, scheme: str, width: int, height: int
) -> None:
    office.campaign(items=[RICH, item(1)])
    context = sign_in("ann0", width, height, color_scheme=scheme, reduced_motion="reduce")
    page = screen(context)
    found = []
    for keys in ("1 ArrowDown 2", "g", "Escape ?", "Escape f"):
        for key in keys.split():
            page.keyboard.press(key)
        page.wait_for_timeout(50)
        found += serious(page)
    page.goto(page.url.removesuffix("/campaigns/support/work") + "/")
    found += serious(page)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_around_the_comparison(
    office: Office, screen: Screen, sign_in: Any, scheme: str
) -> None:
    office.campaign(items=[item(1), item(2)])
    page = screen(sign_in("ann0", 1440, 900, color_scheme=scheme, reduced_motion="reduce"))
    page.keyboard.press("z")  # nothing to undo yet
    submit(page)
    saved(page)
    page.keyboard.press("z")
    expect(page.locator("#notices")).to_contain_text("judging your last comparison again")
    found = serious(page)
    page.keyboard.press("Escape")
    page.route("**/turn", lambda route: route.fulfill(status=409, json={"error": "it is gone"}))
    submit(page)
    expect(page.locator("#notices .bad")).to_contain_text("it is gone")
    found += serious(page)
    page.unroute("**/turn")
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    submit(page)
    expect(page.get_by_role("heading", name="Nothing to judge right now")).to_be_visible()
    found += serious(page)
    for path in ("/campaigns/support/playbook", "/nowhere"):
        page.goto(page.url.split("/campaigns")[0] + path)
        found += serious(page)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_quality_is_read(
    office: Office, server: Any, sign_in: Any, scheme: str
) -> None:
    opened = office.campaign(items=6, overlap=2)
    for name in ("ann0", "ann1"):
        with office.project.as_(name).transaction() as tx:
            shown = queue.claim(tx, opened, name, 6)
            sent = [
                Submission(one.assignment, 2 if n % 2 else 1, key=f"{name} {n}")
                for n, one in enumerate(shown)
            ]
            judgments.submit(tx, opened, name, sent)
    alarms.over(office.project, "support")
    page = sign_in("sam", 390, 844, color_scheme=scheme).new_page()
    found = []
    for path in ("", "/support", "/support/annotators"):
        page.goto(f"{server.base}/quality{path}")
        found += serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert found == []


def serious(page: Page) -> list[str]:
    """What axe would not let pass."""
    wanted = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page, options=wanted).response["violations"]
    ]


@pytest.mark.parametrize("width", [1440, 1024, 390, 320])
def test_nothing_is_wider_than_the_window(
    office: Office, screen: Screen, sign_in: Any, width: int
) -> None:
    office.campaign(items=[RICH])
    page = screen(sign_in("ann0", width, 844))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_every_target_is_large_enough(
    office: Office, screen: Screen, sign_in: Any, width: int, height: int
) -> None:
    office.campaign(items=[RICH])
    page = screen(sign_in("ann0", width, height))
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.button, .bar a, .scale label, summary")]
        .filter(one => one.checkVisibility())
        .map(one => [one.innerText || one.id, one.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
    )
    assert small == []
