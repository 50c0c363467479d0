"""The comparison screen as people use it: keys, mouse, phones, screen readers."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect
from tests.web.annotating import PLAIN, RICH, Office, item

from prefloop.annotation import tables as t

Screen = Callable[..., Page]
SOON = 350  # milliseconds: a second submit before that is taken for a double click


def judged(office: Office) -> list[Any]:
    """Every judgment there is, in order."""
    with office.project.reader() as reader:
        return list(reader.all(sa.select(t.judgment).order_by(t.judgment.c.event)))


def prompt(page: Page) -> str:
    """The question on the screen."""
    return page.locator("#turns p").last.inner_text()


def asks(page: Page, question: str) -> None:
    expect(page.locator("#turns")).to_contain_text(question)


def asks_something_else(page: Page, question: str) -> None:
    expect(page.locator("#turns")).not_to_contain_text(question)


def why(page: Page) -> Locator:
    return page.locator("#rationale")


def submit(page: Page, keys: str = "1") -> None:
    """Judge what is on the screen with these keys."""
    page.wait_for_timeout(SOON)
    for key in keys.split():
        page.keyboard.press(key)
    page.keyboard.press("Enter")


def saved(page: Page) -> None:
    """Everything said so far is with the server."""
    expect(page.locator("#sent")).to_have_attribute("data-waiting", "0", timeout=15_000)
    expect(page.locator("#sent")).to_have_text("Saved")


def test_a_comparison_is_judged_with_keys_alone(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    before = prompt(page)
    submit(page, "Shift+1 ArrowDown 1 ArrowDown 0 ArrowDown 2")
    asks_something_else(page, before)
    saved(page)
    (one,) = judged(office)
    assert one.verdict == one.first_shown  # Response 1 is what was shown first
    other = "b" if one.first_shown == "a" else "a"
    assert one.strength == 3
    assert one.dimensions == {
        "helpful": one.first_shown,
        "harmless": "tie",
        "honest": other,
    }
    assert one.active_ms > 0


def test_a_comparison_is_judged_with_the_mouse_alone(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    page.wait_for_timeout(SOON)
    page.get_by_label("Response 2 is slightly better").check(force=True)
    page.get_by_role("radiogroup", name="helpful").get_by_label("Response 2").check(force=True)
    page.get_by_role("button", name="Flag").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Done").click()
    why(page).fill("It asks back.")
    page.get_by_role("button", name="Submit").click()
    saved(page)
    (one,) = judged(office)
    assert (one.strength, one.flags) == (1, ["dangerous"])
    assert one.verdict != one.first_shown
    assert one.rationale


def test_nothing_is_sent_before_something_is_chosen(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    submit(page, "ArrowDown")
    expect(page.get_by_role("alert")).to_contain_text("Choose first")
    assert judged(office) == []


def test_reasons_are_asked_for_where_the_choice_goes_against_the_dimensions(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=2)
    page = screen()
    submit(page, "1 ArrowDown 2")
    expect(page.get_by_role("alert")).to_contain_text("goes against the dimensions")
    expect(why(page)).to_be_focused()
    page.keyboard.type("Only one of them is true.")
    page.keyboard.press("Control+Enter")
    saved(page)
    assert len(judged(office)) == 1


def test_undo_brings_the_last_judgment_back_and_replaces_it(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    first = prompt(page)
    submit(page, "1")
    saved(page)
    second = prompt(page)
    page.keyboard.press("z")
    asks(page, first)
    expect(page.get_by_label("Response 1 is clearly better")).to_be_checked()
    submit(page, "2")
    asks(page, second)
    saved(page)
    before, after = judged(office)
    assert after.supersedes == before.id
    assert {before.verdict, after.verdict} == {"a", "b"}


def test_undo_works_after_a_reload(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    first = prompt(page)
    submit(page, "1 / r e a s o n Escape")
    saved(page)
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    page.keyboard.press("z")
    asks(page, first)
    expect(why(page)).to_have_value("reason")
    page.keyboard.press("Escape")  # leaves it as it was
    asks_something_else(page, first)
    assert len(judged(office)) == 1


def test_keys_can_be_given_other_places_and_are_kept(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    page.keyboard.press("?")
    page.get_by_label("Change the key for: Tie").click()
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    page.keyboard.press("t")
    expect(page.get_by_label("Tie", exact=True)).to_be_checked()


def test_single_keys_can_be_switched_off(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.get_by_label("Response 1 is clearly better")).not_to_be_checked()


def test_letters_typed_as_reasons_are_no_keys(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    page.keyboard.press("/")
    page.keyboard.type("1 2 0 g f z")
    expect(why(page)).to_have_value("1 2 0 g f z")
    expect(page.locator("#guide")).to_be_hidden()
    assert page.locator("#judge :checked").count() == 0


def test_the_playbook_beside_the_comparison_is_the_published_one(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=2)
    page = screen()
    page.keyboard.press("g")
    guide = page.get_by_role("complementary", name="Playbook")
    expect(guide).to_be_visible()
    expect(guide).to_contain_text("Never acceptable, however good otherwise")
    expect(guide).to_contain_text("Skip it with a note")
    page.keyboard.press("Escape")
    expect(guide).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (768, 1024)])
def test_the_playbook_covers_nothing_of_the_comparison(
    office: Office, screen: Screen, sign_in: Any, width: int, height: int
) -> None:
    office.campaign(items=[RICH])
    page = screen(sign_in("ann0", width, height))
    page.keyboard.press("g")
    guide = page.locator("#guide").bounding_box()
    assert guide
    for part in ("#pane-1", "#pane-2", ".dimensions", ".reasons", "#judge .primary"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["x"] + box["width"] <= guide["x"], part
        assert box["y"] + box["height"] <= height, part


def test_on_a_phone_the_choice_is_said_in_words(
    office: Office, screen: Screen, sign_in: Any
) -> None:
    office.campaign(items=2)
    page = screen(sign_in("ann0", 390, 844))
    words = page.locator("#spoken")
    expect(words).to_be_visible()
    expect(words).to_have_text("Which response is better?")
    page.get_by_label("Response 2 is slightly better").check(force=True)
    expect(words).to_have_text("Response 2 is slightly better")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(words).to_be_hidden()


def test_the_end_of_calibration_is_said_once(office: Office, screen: Screen) -> None:
    anchors = [item(n, "anchor") for n in range(2)]
    office.campaign(items=[*anchors, item(7), item(8)], calibration={"anchors": 2})
    page = screen()
    through = page.locator("#notice-through")
    for left in (1, 0):
        right = "1" if "right" in page.locator("#words-1").inner_text() else "2"
        before = prompt(page)
        submit(page, right)
        asks_something_else(page, before)
        saved(page)
        expect(page.locator("#notice-expert")).to_contain_text("the expert chose")
        expect(through).to_have_count(0 if left else 1)
    expect(through).to_contain_text("live work now")
    submit(page)
    saved(page)
    expect(page.locator("#notices .notice")).to_have_count(0)


def test_the_panes_scroll_together_until_told_otherwise(office: Office, screen: Screen) -> None:
    office.campaign(items=[RICH])
    page = screen()
    page.set_viewport_size({"width": 1024, "height": 560})
    one, two = page.locator("#words-1"), page.locator("#words-2")
    one.evaluate("pane => pane.scrollTop = pane.scrollHeight")
    expect(two).not_to_have_js_property("scrollTop", 0)
    page.get_by_role("button", name="Scroll together").click()
    page.wait_for_timeout(200)
    two.evaluate("pane => pane.scrollTop = 0")
    page.wait_for_timeout(200)
    assert one.evaluate("pane => pane.scrollTop") > 0


def test_hidden_characters_are_seen_and_nothing_foreign_runs(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=[RICH])
    page = screen()
    expect(page.locator("#panes")).to_contain_text("⟨U+202E⟩evil⟨U+202C⟩")
    expect(page.locator("#panes")).to_contain_text("zero⟨U+200B⟩width")
    assert page.locator("#panes table").count() == 1


def test_at_the_session_limit_work_ends_with_a_break_and_the_draft_is_kept(
    office: Office, screen: Screen
) -> None:
    office.campaign(items=4)
    page = screen()
    page.keyboard.press("/")
    page.keyboard.type("half a thought")
    page.wait_for_timeout(100)
    with office.project.ledger.transaction("ann0") as tx:  # ninety minutes later
        long_ago = tx.now - 91 * 60_000_000
        tx.execute(sa.update(t.work_session).values(started=long_ago))
    page.reload()
    expect(page.get_by_role("heading", name="Time for a break")).to_be_visible()
    expect(page.locator("#state-break")).to_contain_text("You may go on at")
    expect(page.locator("#session")).to_be_hidden()
    with office.project.reader() as reader:
        states = {row.state for row in reader.all(sa.select(t.assignment.c.state))}
    assert states == {"returned"}
    with office.project.ledger.transaction("ann0") as tx:  # and after the break
        tx.execute(sa.update(t.work_session).values(started=long_ago, seen=long_ago))
    page.get_by_role("button", name="Look again").locator("visible=true").click()
    page.wait_for_selector("#judge:not([hidden])")
    seen = []
    for _ in range(4):
        seen.append(why(page).input_value())
        submit(page, "1")
    assert "half a thought" in seen


def test_loss_of_focus_is_recorded(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    page.evaluate("dispatchEvent(new Event('blur'))")
    page.wait_for_timeout(50)
    page.evaluate("dispatchEvent(new Event('focus'))")
    submit(page)
    saved(page)
    with office.project.reader() as reader:
        (one,) = reader.all(sa.select(t.attention))
    assert one.focus_losses == 1
    assert one.away_ms >= 50


def test_when_all_is_judged_the_screen_says_so(office: Office, screen: Screen) -> None:
    office.campaign(items=1)
    page = screen()
    submit(page)
    expect(page.get_by_role("heading", name="Nothing to judge right now")).to_be_visible()
    expect(page.locator("#state-nothing")).to_contain_text("New comparisons appear here")


def test_from_enter_to_the_next_comparison(
    office: Office, screen: Screen, record_property: Any
) -> None:
    office.campaign(items=[RICH, *(item(n) for n in range(20))], **{**PLAIN})
    page = screen()
    for _ in range(12):
        submit(page)
    saved(page)
    took = page.evaluate("performance.getEntriesByName('prefloop-next').map(one => one.duration)")
    assert len(took) == 12
    middle, worst = sorted(took)[6], max(took)
    record_property("enter_to_next_ms", middle)
    sys.stdout.write(f"\nEnter to the next one: median {middle:.1f} ms, worst {worst:.1f} ms\n")
