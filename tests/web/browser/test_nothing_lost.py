"""Nothing said in the browser is lost, and nothing arrives twice, whatever happens in between."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, Route, expect
from tests.web.annotating import PLAIN, Office
from tests.web.browser.conftest import Server
from tests.web.browser.test_screen import judged, prompt, saved, submit, why

from prefloop.annotation import judgments, queue
from prefloop.annotation import tables as t
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission

Screen = Callable[..., Page]
SignIn = Callable[..., BrowserContext]


def badge(page: Page, text: str) -> None:
    expect(page.locator("#sent")).to_have_text(text)


def test_a_draft_survives_a_reload_at_once(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    page.keyboard.press("2")
    page.keyboard.press("/")
    page.keyboard.type("because of the la")
    page.reload()
    expect(why(page)).to_have_value("because of the la")
    expect(page.get_by_label("Response 2 is clearly better")).to_be_checked()


def test_a_draft_survives_a_crash_and_another_browser_finds_it(
    office: Office, screen: Screen, sign_in: SignIn
) -> None:
    office.campaign(items=3)
    page = screen()
    page.keyboard.press("/")
    with page.expect_response("**/api/drafts/*"):
        page.keyboard.type("half a sentence")
    page.context.close()  # no unload handler runs
    other = screen(sign_in("ann0"))  # an empty localStorage: what it shows is the server's
    expect(why(other)).to_have_value("half a sentence")


def test_a_revision_that_was_begun_survives_a_reload(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    submit(page, "1")
    saved(page)
    page.keyboard.press("z")
    page.keyboard.press("/")
    page.keyboard.type("on second thoughts")
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    expect(why(page)).to_have_value("")
    page.keyboard.press("z")
    expect(why(page)).to_have_value("on second thoughts")


def test_nobody_else_finds_a_draft_in_the_same_browser(
    office: Office, screen: Screen, server: Server
) -> None:
    office.campaign(items=1, overlap=2)
    page = screen()
    page.keyboard.press("/")
    page.keyboard.type("mine alone")
    context = page.context
    context.clear_cookies()
    cookie = {"name": "prefloop-session", "value": office.cookie("ann1"), "url": server.base}
    context.add_cookies([cookie])  # type: ignore[list-item]
    other = screen(context)
    expect(why(other)).to_have_value("")


def test_signing_out_and_in_again_keeps_the_words(
    office: Office, screen: Screen, server: Server
) -> None:
    office.campaign(items=2)
    page = screen()
    page.keyboard.press("/")
    page.keyboard.type("to be continued")
    context = page.context
    context.clear_cookies()
    page.keyboard.press("Escape")
    submit(page, "1")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    badge(page, "1 waiting")
    cookie = {"name": "prefloop-session", "value": office.cookie("ann0"), "url": server.base}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page.reload()
    saved(page)
    (one,) = judged(office)
    assert one.rationale


def test_without_a_network_work_goes_on_and_is_sent_afterwards(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=6)
    page = screen()
    page.context.set_offline(True)
    submit(page, "1")
    submit(page, "2")
    badge(page, "2 waiting")
    submit(page, "0")
    expect(page.get_by_role("heading", name="Waiting for the connection")).to_be_visible()
    badge(page, "3 waiting")
    assert judged(office) == []
    page.context.set_offline(False)
    saved(page)
    page.wait_for_selector("#judge:not([hidden])")
    assert [one.verdict == "tie" for one in judged(office)] == [False, False, True]


def test_what_waits_survives_closing_the_window(office: Office, screen: Screen) -> None:
    office.campaign(items=6)
    page = screen()
    context = page.context
    context.set_offline(True)
    submit(page, "1 / w h y Escape")
    page.close()
    context.set_offline(False)
    page = screen(context)
    saved(page)
    assert len(judged(office)) == 1


def test_a_server_that_goes_and_comes_back_gets_everything_once(
    office: Office, screen: Screen, server: Server
) -> None:
    office.campaign(items=8)
    page = screen()
    submit(page, "1")
    saved(page)
    server.stop()
    submit(page, "2")
    submit(page, "2")
    badge(page, "2 waiting")
    server.start()
    saved(page)
    assert len(judged(office)) == 3


def test_a_lost_answer_does_not_make_a_second_judgment(office: Office, screen: Screen) -> None:
    office.campaign(items=6)
    page = screen()
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            return route.continue_()
        route.fetch()  # the server has recorded it
        lost.append(route.request.url)
        return route.abort()  # and the browser never hears of it

    page.route("**/turn", lose)
    submit(page, "1")
    saved(page)
    assert lost
    assert len(judged(office)) == 1


def test_a_server_in_trouble_is_asked_again(office: Office, screen: Screen) -> None:
    office.campaign(items=6)
    page = screen()
    answers = iter([503, 500, 429])

    def trouble(route: Route) -> None:
        status = next(answers, None)
        route.continue_() if status is None else route.fulfill(status=status, body="no")

    page.route("**/turn", trouble)
    submit(page, "1")
    badge(page, "1 waiting")
    saved(page)
    assert len(judged(office)) == 1


def test_a_double_click_judges_one(office: Office, screen: Screen) -> None:
    office.campaign(items=6)
    page = screen()
    page.wait_for_timeout(350)
    page.keyboard.press("1")
    page.get_by_role("button", name="Submit").dblclick()
    saved(page)
    page.wait_for_timeout(300)
    assert len(judged(office)) == 1
    expect(page.get_by_role("alert")).to_be_hidden()


def test_two_windows_judge_one_comparison_once(office: Office, screen: Screen) -> None:
    office.campaign(items=6)
    one = screen()
    two = screen(one.context)
    assert prompt(one) == prompt(two)
    submit(one, "1")
    expect(two.locator("#notices")).to_contain_text("in another window")
    saved(one)
    assert prompt(one) == prompt(two)
    submit(two, "2")
    saved(two)
    expect(two.locator("#notices")).not_to_contain_text("in another window")
    assert len({row.comparison for row in judged(office)}) == len(judged(office)) == 2


def test_two_browsers_at_the_same_moment_judge_one_comparison_once(
    office: Office, screen: Screen, sign_in: SignIn
) -> None:
    office.campaign(items=6)
    one, two = screen(sign_in("ann0")), screen(sign_in("ann0"))
    assert prompt(one) == prompt(two)
    submit(one, "1")
    submit(two, "1")  # the same word twice is one word
    saved(one)
    saved(two)
    expect(two.locator("#notices .bad")).to_have_count(0)
    assert len(judged(office)) == 1


def test_a_place_given_to_somebody_else_leaves_the_words_on_the_screen(
    office: Office, screen: Screen
) -> None:
    campaign = office.campaign(items=1)
    page = screen()
    page.keyboard.press("/")
    page.keyboard.type("a reason worth keeping")
    page.keyboard.press("Escape")
    take_away(office, campaign, "ann0", "ann1")
    submit(page, "1")
    kept = page.locator("#notices .notice.bad")
    expect(kept).to_contain_text("somebody else")
    expect(kept).to_contain_text("a reason worth keeping")
    page.reload()
    expect(kept).to_contain_text("a reason worth keeping")
    kept.get_by_role("button", name="Discard").click()
    expect(kept).to_have_count(0)
    assert [one.annotator for one in judged(office)] == ["ann1"]


def take_away(office: Office, campaign: Campaign, loser: str, taker: str) -> None:
    """The loser's lease runs out and the taker judges the comparison."""
    with office.project.ledger.transaction(loser) as tx:
        tx.execute(sa.update(t.assignment).values(lease_until=tx.now - 1))
    with office.project.ledger.transaction(taker) as tx:
        (shown,) = queue.claim(tx, campaign, taker)
    with office.project.ledger.transaction(taker) as tx:
        judgments.submit(tx, campaign, taker, [Submission(shown.assignment, 1, "k")])


def test_many_judgments_under_a_bad_network_arrive_once_each(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=12, **{**PLAIN})
    page = screen()
    fate = iter([True, False, True, True, False] * 20)

    def unsteady(route: Route) -> Any:
        if next(fate):
            return route.continue_()
        route.fetch()
        return route.abort()

    page.route("**/turn", unsteady)
    done = 0
    for _ in range(60):
        if done == 12:
            break
        if page.locator("#judge").is_visible():
            submit(page, "1")
            done += 1
        else:
            page.wait_for_timeout(300)
    saved(page)
    rows = judged(office)
    assert len(rows) == len({row.comparison for row in rows}) == 12
