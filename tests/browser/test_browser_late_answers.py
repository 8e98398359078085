"""Answers that come when the page has gone on to something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chromium import DESKTOP, until

NAMES = ("Anna", "Berta")
PICTURE = {"key": "0", "has_picture": False}


class Answers:
    """Answers the page's questions in place of the site, at once or late.

    page: a Playwright page that is not opened yet.
    """

    def __init__(self, page) -> None:
        self._page, self._held = page, []
        self.asked: list[str] = []

    def give(self, pattern: str, told: object | Callable[[str], object], method: str = "GET") -> None:
        """At once; `told` may be made from the address."""

        def answer(route) -> None:
            self.asked.append(route.request.url)
            route.fulfill(json=told(route.request.url) if callable(told) else told)

        self._route(pattern, method, answer)

    def hold(self, pattern: str, method: str = "GET") -> None:
        """Keep what is asked, until `release`; the latest pattern counts."""
        self._route(pattern, method, self._held.append)

    def wait(self) -> None:
        """Until something is held; the test's own time limit ends this."""
        while not self._held:
            self._page.wait_for_timeout(50)

    def wait_for(self, end: str) -> None:
        """Until something was asked whose address ends so."""
        while not any(url.endswith(end) for url in self.asked):
            self._page.wait_for_timeout(50)

    def release(self, told: object, status: int = 200) -> None:
        """Answer the first that is held, and let the page take it in."""
        self.wait()
        route = self._held.pop(0)
        with self._page.expect_response(route.request.url):
            route.fulfill(json=told, status=status)
        self._page.wait_for_timeout(300)

    def _route(self, pattern: str, method: str, handle: Callable[[object], None]) -> None:
        mine = lambda route: handle(route) if route.request.method == method else route.fallback()  # noqa: E731
        self._page.route(pattern, mine)


@pytest.fixture
def answers(demo, watched):
    """A page that knows Anna, of one picture, and Berta, of two; and its answers."""
    made = []

    def stand_between(page) -> None:
        made.append(Answers(page))
        people = [{"name": name, "pictures": i + 1, "counter_examples": 0} for i, name in enumerate(NAMES)]
        made[0].give("**/api/people?*", people)
        for i, name in enumerate(NAMES):
            made[0].give(f"**/api/people/{name}", pictures(i + 1))

    page = watched(demo.url, DESKTOP, before=stand_between).page
    made[0].page = page
    for name in NAMES:
        page.locator(f"[data-person={name}]").scroll_into_view_if_needed()
        made[0].wait_for(f"/api/people/{name}")  # for the picture in the list
    return made[0]


def pictures(count: int) -> dict:
    """What the site says of somebody with so many pictures."""
    return {"pictures": [PICTURE] * count, "counter_examples": []}


def person(page, name: str):
    """Open somebody's dialog."""
    page.click(f"[data-person={name}] button")


def on_to_berta(page) -> None:
    """Close whom the dialog shows, and open Berta's."""
    page.keyboard.press("Escape")
    page.locator("dialog#person").wait_for(state="hidden")
    person(page, "Berta")
    until(page, "document.getElementById('person').open")


def removal_is_held(answers) -> None:
    """Ask for Anna to be removed; the site does not answer yet, and Berta is shown by then."""
    answers.hold("**/api/people/Anna", "DELETE")
    person(answers.page, "Anna")
    for _ in range(2):
        answers.page.click("#person-remove")
    answers.wait()
    on_to_berta(answers.page)


def is_berta(page) -> bool:
    """Whether the dialog shows Berta, and nobody else."""
    shown = (
        page.text_content("#person-title"),
        page.input_value("#person-name"),
        page.locator("#person-pictures li").count(),
    )
    return shown == ("Berta", "Berta", 2) and page.locator("dialog#person").is_visible()


def test_whoever_is_chosen_last_is_shown(answers):
    page = answers.page
    answers.hold("**/api/people/Anna")
    person(page, "Anna")
    answers.wait()
    person(page, "Berta")
    until(page, "document.getElementById('person').open")
    answers.release(pictures(1))
    assert is_berta(page)


@pytest.mark.parametrize("form, path, method", [("rename", "Anna", "PATCH"), ("merge", "Anna/merge", "POST")])
def test_a_change_that_ends_late_leaves_the_next_person_alone(answers, form, path, method):
    page = answers.page
    answers.hold(f"**/api/people/{path}", method)
    answers.give("**/api/people/Hanna", pictures(3))
    person(page, "Anna")
    until(page, "document.getElementById('person').open && !document.getElementById('person-merge').hidden")
    if form == "merge":
        page.select_option("#person-into", "Berta")
    page.click(f"#person-{form} button")
    answers.wait()
    on_to_berta(page)
    before = len(answers.asked)
    answers.release({"name": "Hanna"})
    assert is_berta(page)
    while not any("/api/people?search" in url for url in answers.asked[before:]):
        page.wait_for_timeout(50)  # the lists show the change all the same


def test_a_removal_that_ends_late_does_not_close_the_next_person(answers):
    removal_is_held(answers)
    answers.release({"name": "Anna"})
    assert is_berta(answers.page)


def test_the_list_of_people_is_of_the_latest_search(answers):
    page = answers.page
    answers.hold("**/api/people?search=anna")
    page.fill("#people-search", "anna")
    answers.wait()
    page.fill("#people-search", "b")
    answers.wait_for("search=b")
    answers.release([])
    assert page.locator("#people-list .name").all_text_contents() == list(NAMES)


def test_the_list_of_visits_is_of_the_latest_choice(answers):
    page = answers.page
    visit = {"id": 7, "camera": "demo", "started_at": "2026-01-01T10:00:00Z", "ended_at": "2026-01-01T10:00:05Z",
             "over": True, "person": "Berta", "stranger": None, "picture": False}  # fmt: skip
    answers.hold("**/api/visits?unknown=true*")
    answers.give("**/api/visits?", [visit])
    page.select_option("#visit-person", "unknown")
    answers.wait()
    page.select_option("#visit-person", "")
    page.wait_for_selector("[data-visit='7']")
    answers.release([{**visit, "id": 8, "person": None}])
    assert page.locator("#visit-list .name").all_text_contents() == ["Berta"]


def test_a_stranger_who_is_named_late_does_not_close_the_next_question(answers):
    page = answers.page
    stranger = {"number": 1, "visits": 2, "last_seen": 1.7e9, "has_picture": False, "likeness": None}
    answers.give("**/api/strangers", {"strangers": [stranger, {**stranger, "number": 2}]})
    answers.hold("**/api/strangers/1/name", "POST")
    page.evaluate("document.dispatchEvent(new Event('people-changed'))")
    page.click("[data-stranger='1'] button >> text=Give a name")
    page.fill("#naming-name", "Clara")
    page.keyboard.press("Enter")
    answers.wait()
    page.keyboard.press("Escape")
    page.locator("dialog#naming").wait_for(state="hidden")
    page.click("[data-stranger='2'] button >> text=Give a name")
    answers.release({"name": "Clara", "pictures": []})
    assert page.locator("dialog#naming").is_visible()
    assert page.text_content("#naming-title") == "Who is stranger 2?"


def test_a_removal_that_was_begun_for_one_is_not_done_to_the_next(answers):
    page, removed = answers.page, []
    page.route(
        "**/api/people/*", lambda route: removed.append(route) if route.request.method == "DELETE" else route.fallback()
    )
    person(page, "Anna")
    until(page, "document.getElementById('person').open")
    page.click("#person-remove")
    on_to_berta(page)
    assert page.text_content("#person-remove") == "Remove"
    page.click("#person-remove")
    page.wait_for_timeout(300)
    assert removed == []


def test_somebody_who_cannot_be_read_is_not_shown_as_the_one_before(answers):
    page = answers.page
    person(page, "Berta")
    until(page, "document.getElementById('person').open")
    page.keyboard.press("Escape")
    page.locator("dialog#person").wait_for(state="hidden")
    page.route("**/api/people/Anna", lambda route: route.fulfill(status=500))
    person(page, "Anna")
    until(page, "document.getElementById('person').open")
    assert (page.text_content("#person-title"), page.input_value("#person-name")) == ("Anna", "Anna")
    assert page.locator("#person-pictures li").count() == 0 and "500" in page.text_content("#person-problem")


def test_somebody_who_is_read_late_does_not_come_over_another_dialog(answers):
    page = answers.page
    answers.hold("**/api/people/Anna")
    person(page, "Anna")
    answers.wait()
    page.click("[data-stranger] button >> text=Give a name")
    page.locator("dialog#naming").wait_for()
    answers.release(pictures(1))
    assert page.evaluate("[...document.querySelectorAll('dialog[open]')].map((one) => one.id)") == ["naming"]


def test_a_change_that_fails_late_is_said_and_not_under_the_next_name(answers):
    page = answers.page
    removal_is_held(answers)
    answers.release({"detail": "the folder cannot be written"}, status=500)
    assert is_berta(page) and page.text_content("#person-problem") == ""
    assert page.text_content("#warned") == "Anna: the folder cannot be written" and page.locator("#warned").is_visible()
