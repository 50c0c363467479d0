"""More than two responses are ranked, and a response can be put right, in the browser."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Page, expect
from tests.web.annotating import MODELS, Office
from tests.web.browser.test_accessibility import serious
from tests.web.browser.test_screen import judged, prompt, saved, submit

from prefloop.annotation import tables as t
from prefloop.annotation.items import Item
from prefloop.core.records import Completion, Prompt
from prefloop.store import texts

Screen = Callable[..., Page]


def slate(n: int) -> Item:
    """Four responses, named by how good they are."""
    best, good, fair, poor = (
        Completion(f"{word} answer {n}", MODELS[0]) for word in ("best", "good", "fair", "poor")
    )
    return Item(Prompt.of(f"Question {n}?"), best, good, more=(fair, poor))


def place(page: Page, word: str) -> int:
    """On which pane the response with this word stands."""
    shown = [page.locator(f"#words-{n}").inner_text() for n in range(1, 5)]
    return next(n for n, text in enumerate(shown, start=1) if text.startswith(word))


def rows(office: Office, table: sa.Table) -> list[Any]:
    with office.project.reader() as reader:
        return list(reader.all(sa.select(table)))


def orders(office: Office) -> list[list[list[str]]]:
    """Each ranking in words, best first."""
    with office.project.reader() as reader:
        found = reader.all(sa.select(t.ranking).order_by(t.ranking.c.event))
        named = texts.get_many(reader, {one for row in found for tied in row.order for one in tied})
    return [[sorted(str(named[o]).split()[0] for o in tied) for tied in row.order] for row in found]


def test_four_responses_are_ranked_with_keys(office: Office, screen: Screen) -> None:
    office.campaign(items=[slate(0), slate(1)])
    page = screen()
    expect(page.get_by_role("heading", name="Response 4")).to_be_visible()
    rank = {place(page, "best"): "1", place(page, "good"): "2"}
    keys = [rank.get(n, "3") for n in range(1, 5)]  # fair and poor tie
    submit(page, " ".join(keys))
    saved(page)
    assert orders(office) == [[["best"], ["good"], ["fair", "poor"]]]
    (one,) = judged(office)
    assert one.verdict in ("a", "b", "tie")


def test_a_ranking_needs_every_response(office: Office, screen: Screen) -> None:
    office.campaign(items=[slate(0), slate(1)])
    page = screen()
    submit(page, "1 2")
    expect(page.get_by_role("alert")).to_contain_text("Give each response a rank")
    assert judged(office) == []


def test_a_ranking_survives_a_reload_and_is_revised_by_undo(office: Office, screen: Screen) -> None:
    office.campaign(items=[slate(0), slate(1)])
    page = screen()
    page.keyboard.press("4")
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    expect(page.get_by_role("group", name="Rank of Response 1").get_by_label("4")).to_be_checked()
    page.keyboard.press("ArrowDown")
    submit(page, "3 2 1")
    saved(page)
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    page.keyboard.press("z")
    expect(page.get_by_role("group", name="Rank of Response 1").get_by_label("4")).to_be_checked()
    submit(page, "1 2 3 4")
    saved(page)
    before, after = orders(office)
    assert before == after[::-1]


def test_axe_finds_nothing_serious_in_a_ranking_or_an_edit(
    office: Office, screen: Screen, sign_in: Any
) -> None:
    office.campaign(items=[slate(0)])
    office.campaign("pairs", items=2)
    found = []
    for width in (1440, 390):
        page = screen(sign_in("ann0", width, 844, reduced_motion="reduce"))
        found += serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page = screen(page.context, "pairs")
        page.get_by_role("button", name="Edit Response 2").click()
        expect(page.get_by_role("heading", name="Edit Response 2")).to_be_visible()
        found += serious(page)
    assert found == []


def test_an_edit_is_recorded_beside_the_judgment(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    question = prompt(page)
    page.keyboard.press("2")
    page.keyboard.press("e")
    box = page.locator("#edit-text")
    expect(box).to_be_focused()
    page.get_by_role("button", name="Save the edit").click()
    expect(page.get_by_role("alert")).to_contain_text("Change something first")
    box.fill("Open **Settings**, then choose Security.")
    page.get_by_role("button", name="Save the edit").click()
    saved(page)
    assert prompt(page) == question  # still to be judged
    submit(page)
    saved(page)
    (edit,) = rows(office, t.edit)
    (one,) = judged(office)
    assert edit.assignment == one.assignment
    assert edit.side != one.first_shown


def test_the_key_for_edits_asks_for_a_choice_first(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    page.keyboard.press("e")
    expect(page.locator("#notices")).to_contain_text("Choose Response 1 or 2 first")
    expect(page.locator("#edit-dialog")).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Edit Response 1")).to_be_visible()
    expect(page.locator("#notices .notice")).to_have_count(0)


def test_an_edit_survives_a_reload_and_a_lost_network(office: Office, screen: Screen) -> None:
    office.campaign(items=3)
    page = screen()
    page.get_by_role("button", name="Edit Response 1").click()
    page.locator("#edit-text").fill("Half of an ed")
    page.reload()
    page.wait_for_selector("#judge:not([hidden])")
    page.get_by_role("button", name="Edit Response 1").click()
    box = page.locator("#edit-text")
    expect(box).to_have_value("Half of an ed")
    box.fill("Half of an edit is whole.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Save the edit").click()
    expect(page.locator("#sent")).to_have_text("1 waiting")
    page.context.set_offline(False)
    saved(page)
    assert len(rows(office, t.edit)) == 1


def test_what_cannot_be_judged_is_skipped_with_a_reason(office: Office, screen: Screen) -> None:
    office.campaign(items=2)
    page = screen()
    first = prompt(page)
    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Skip this comparison")).to_be_visible()
    page.get_by_role("button", name="Skip it").click()
    expect(page.get_by_text("Say why in a few words.")).to_be_visible()
    assert serious(page) == []
    page.keyboard.type("Danish tax law")
    page.get_by_role("button", name="Skip it").click()
    saved(page)
    assert prompt(page) != first
    assert [row.state for row in rows(office, t.assignment)].count("skipped") == 1
    submit(page, "1")
    saved(page)
    assert len(judged(office)) == 1
