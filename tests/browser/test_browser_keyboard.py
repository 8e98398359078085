"""The pages without a mouse: everything is reached in order, what has the focus is seen, Escape leads back."""

from __future__ import annotations

import time

from chromium import DESKTOP
from live_page import wait_for_faces

FOCUSED = """() => {
    const e = document.activeElement;
    if (e === document.body) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(e);
    const moves = !!e.closest(".labels, #in-view");
    const box = e.getBoundingClientRect();
    return {
        name: e.id || e.getAttribute("aria-label") || e.textContent.trim() || e.name, moves,
        outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        number: [...document.querySelectorAll("*")].filter((one) => !one.closest(".labels, #in-view")).indexOf(e),
    };
}"""
REACHED = ("Skip the pictures", "Cameras", "labels", "visit-person", "visit-after", "people-search", "add-person")


def walk(page, most: int = 120) -> list[dict]:
    """What has the focus after each press of Tab, until the page is left.

    Whoever had the focus may be taken off the page, as a face that leaves is: the next Tab goes on from there.
    """
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now is None:
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            last = max((one["number"] for one in found), default=-1)
            if now is None or (not now["moves"] and now["number"] <= last):
                return found
        found.append(now)
    raise AssertionError(f"Tab never leaves the page: {[one['name'] for one in found][-10:]}")


def test_tab_goes_through_the_live_page_in_order_and_shows_where_it_is(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    found = walk(page)
    names = [one["name"] for one in found]
    assert set(REACHED) <= set(names), names
    assert any("Eileen Collins" in one["name"] and not one["moves"] for one in found), "nor is the list of people"
    assert [one["name"] for one in found if not one["outlined"]] == [], "the focus is not seen"
    assert [one["name"] for one in found if not one["inside"]] == [], "what has the focus is not in the window"
    numbers = [one["number"] for one in found if not one["moves"]]
    assert numbers == sorted(numbers), "out of order"


def test_the_first_key_leads_past_the_pictures(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "now"
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('#now, #strangers')")


def test_a_person_is_opened_and_closed_by_keys_alone(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    page.focus("#people-list button")
    page.keyboard.press("Enter")
    page.locator("dialog#person").wait_for()
    page.wait_for_selector("#person-pictures img")
    for _ in range(12):
        page.keyboard.press("Tab")
        outside = page.evaluate("!!document.activeElement.closest('main, header')")
        assert not outside, "the focus leaves an open dialog"
    page.keyboard.press("Escape")
    page.locator("dialog#person").wait_for(state="hidden")
    assert page.evaluate("!!document.activeElement.closest('#people-list')"), "the focus is back where it was"


def test_somebody_is_given_a_name_by_keys_alone(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    page.focus("#in-view .unknown .open")
    page.keyboard.press("Enter")
    page.locator("dialog#enrol").wait_for()
    assert page.evaluate("document.activeElement.id") == "enrol-name"
    ended = []
    page.on("request", lambda asked: ended.append(asked.url) if asked.method == "DELETE" else None)
    page.keyboard.press("Escape")
    page.locator("dialog#enrol").wait_for(state="hidden")
    end = time.monotonic() + 10
    while not any("/api/enrolments/" in one for one in ended):
        assert time.monotonic() < end, "what was taken is not forgotten"
        page.wait_for_timeout(50)
