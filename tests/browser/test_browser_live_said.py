"""The live page when the test says who is in view, in place of the site."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from chromium import PHONE, until

PICTURE = cv2.imencode(".jpg", np.full((360, 640, 3), 90, np.uint8))[1].tobytes()
FACE = {"looked_at": True, "distance": 0.03, "threshold": 0.07, "stranger": None, "visit": None, "quality": 0.9,
        "attributes": {}, "since": 1.7e9}  # fmt: skip


def face(track: int, name: str | None, left: float, in_sight: bool = True) -> dict:
    """A face of a tenth of the picture's width."""
    box = [left, 0.4, left + 0.1, 0.6]
    return {**FACE, "track": track, "identity": name, "box": box, "in_sight": in_sight}


class LiveSaid:
    """The page of the demo with pictures of the test's own."""

    def __init__(self, watched, demo) -> None:
        self._sockets: list = []
        self.seen = watched(demo.url, PHONE, before=self._stand_between)
        self.page = self.seen.page
        while not self._sockets:  # the test's own time limit ends this
            self.page.wait_for_timeout(50)

    def _stand_between(self, page) -> None:
        page.route_web_socket("**/api/cameras/*/live*", lambda socket: self._sockets.append(socket))

    def say(self, *faces: dict) -> None:
        """A picture with these faces."""
        told = {"camera": "demo", "state": "live", "reason": "", "since": None, "delay_s": 0.1, "picture": True}
        self._sockets[-1].send(json.dumps({**told, "faces": faces}))
        self._sockets[-1].send(PICTURE)
        shown = sorted(str(one["track"]) for one in faces)
        until(self.page, "JSON.stringify([...document.querySelectorAll('.labels > button')].map((b) => b.dataset.track)"
                         f".sort()) === {json.dumps(json.dumps(shown, separators=(',', ':')))}")  # fmt: skip

    def listed(self) -> list[str]:
        """Who is in view, by the list."""
        return self.page.locator("#in-view .name").all_text_contents()


def asked_for(page, end: str) -> list:
    """Requests to addresses that end so, as they are made from now on."""
    found: list = []
    page.on("request", lambda request: found.append(request) if request.url.endswith(end) else None)
    return found


def test_whoever_is_back_under_another_number_is_listed_once(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, "Anna", 0.2))
    assert said.listed() == ["Anna"]
    for _ in range(30):
        said.say(face(1, "Anna", 0.2, in_sight=False), face(2, "Anna", 0.7), face(3, None, 0.5))
        said.page.wait_for_timeout(100)
    assert said.listed() == ["Anna", "unknown"]


def test_somebody_who_had_gone_before_the_page_came_is_not_listed(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, "Anna", 0.2, in_sight=False), face(2, None, 0.6))
    assert said.listed() == ["unknown"]


def test_a_label_at_the_edge_stays_whole(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, "Maximiliane-Theodora", 0.88), face(2, "Anna", 0.3))
    until(said.page, """(() => {
        const tile = document.querySelector(".camera").getBoundingClientRect();
        return [...document.querySelectorAll(".labels span")].every((one) => {
            const { left, right } = one.getBoundingClientRect();
            return left >= tile.left - 3 && right <= tile.right + 3;
        });
    })()""", 5)  # fmt: skip
    said.seen.check()


def test_whoever_gets_another_number_as_they_are_chosen_is_followed(demo, watched):
    said = LiveSaid(watched, demo)
    looks = asked_for(said.page, "/look")
    said.say(face(917, None, 0.7))
    said.page.click(".labels > button")
    said.page.locator("dialog#enrol").wait_for()
    said.say(face(903, None, 0.2), face(902, None, 0.69))
    while '{"track":902}' not in [look.post_data for look in looks]:  # the test's own time limit ends this
        assert '{"track":903}' not in [look.post_data for look in looks]
        said.page.wait_for_timeout(50)


def test_a_late_answer_about_one_enrolment_is_not_taken_for_the_next(demo, watched):
    said = LiveSaid(watched, demo)
    page, looks = said.page, []
    page.route("**/api/enrolments/*/look", lambda route: looks.append(route))
    said.say(face(901, None, 0.7), face(902, None, 0.2))
    for track in (901, 902):
        before = len(looks)
        page.click(f'[data-track="{track}"]')
        while len(looks) == before:  # the test's own time limit ends this
            page.wait_for_timeout(50)
        if track == 901:
            page.keyboard.press("Escape")
            page.locator("dialog#enrol").wait_for(state="hidden")
    late = {"id": "another", "track": 901, "text": "late", "pictures": [], "wanted": [], "likeness": None}
    with page.expect_response(looks[0].request.url):
        looks[0].fulfill(status=200, content_type="application/json", body=json.dumps(late))
    page.wait_for_timeout(300)
    assert page.text_content("#enrol-hint") != "late"
    looks[1].continue_()
    while len(looks) == 2:
        page.wait_for_timeout(50)
    assert looks[2].request.url == looks[1].request.url, "it goes on asking about whom it was opened for"


def test_a_face_that_gets_another_number_keeps_its_button_and_the_focus(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(17, None, 0.7), face(2, None, 0.2, in_sight=False), face(3, None, 0.45))
    said.page.focus('[data-track="17"]')
    said.page.evaluate("document.activeElement.id = 'the-same'")
    said.say(face(2, "Eileen Collins", 0.69), face(3, None, 0.45))
    assert said.page.evaluate("[document.activeElement.id, document.activeElement.dataset.track]") == ["the-same", "2"]
    assert said.page.get_attribute("#the-same", "aria-label") == "Eileen Collins: details"
    said.page.keyboard.press("Enter")
    said.page.locator("#person-title >> text=Eileen Collins").wait_for()


def test_the_button_of_somebody_who_goes_becomes_nobody_elses(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, None, 0.3), face(2, "Anna", 0.33))
    said.page.focus('[data-track="1"]')
    said.say(face(2, "Anna", 0.33), face(3, None, 0.31, in_sight=False), face(4, None, 0.7))
    assert said.page.evaluate("document.activeElement === document.body")


@pytest.mark.parametrize("focused", [2, 17])
def test_the_focus_stays_with_whoever_gets_the_old_number_back(demo, watched, focused):
    said = LiveSaid(watched, demo)
    said.say(face(17, None, 0.7), face(18, None, 0.66), face(2, "Anna", 0.7, in_sight=False))
    said.page.focus(f'[data-track="{focused}"]')
    said.say(face(2, "Anna", 0.7))
    assert said.page.evaluate("document.activeElement.dataset.track") == "2"


def test_whoever_is_hidden_behind_another_is_not_taken_for_them(demo, watched):
    said = LiveSaid(watched, demo)
    looks = asked_for(said.page, "/look")
    hidden = face(901, None, 0.7, in_sight=False), face(902, "Anna", 0.66)
    said.say(*hidden)
    said.page.focus('[data-track="901"]')
    said.page.keyboard.press("Enter")
    said.page.locator("dialog#enrol").wait_for()
    said.say(face(901, None, 0.66), face(902, "Anna", 0.64))
    said.say(*hidden)
    begun = len(looks)
    while len(looks) < begun + 3:
        said.page.wait_for_timeout(50)
    assert {look.post_data for look in looks} == {"{}"}, "it asks about whom it was opened for"


def test_one_entry_of_the_list_follows_somebody_to_another_number(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, "Anna", 0.2))
    said.page.click("#in-view .not")
    said.say(face(7, "Anna", 0.7), face(8, None, 0.4))
    assert said.listed() == ["Anna", "unknown"]
    assert said.page.text_content("#in-view .not >> nth=0") == "Really not Anna"
    for _ in range(60):  # what was asked about Anna is over by then
        said.say(face(7, "Berta", 0.7), face(8, None, 0.4))
        said.page.wait_for_timeout(100)
    assert said.page.text_content("#in-view .not >> nth=0") == "Not Berta"


def test_whoever_is_back_far_away_and_named_a_moment_later_keeps_the_entry(demo, watched):
    said = LiveSaid(watched, demo)
    said.say(face(1, "Anna", 0.2))
    said.page.focus("#in-view .not")
    said.say(face(7, None, 0.7))
    assert said.listed() == ["Anna", "unknown"]
    said.say(face(7, "Anna", 0.7), face(8, None, 0.4))
    assert said.listed() == ["Anna", "unknown"], "one of each"
    assert said.page.evaluate("document.activeElement.textContent") == "Not Anna"


def test_a_picture_that_is_left_out_twice_ends_no_enrolment(demo, watched):
    said = LiveSaid(watched, demo)
    page, looks = said.page, []
    one = {
        "id": "e1",
        "track": 901,
        "text": "",
        "pictures": [{"number": 1, "kind": "straight"}],
        "wanted": [],
        "likeness": None,
    }
    page.route("**/api/enrolments", lambda route: route.fulfill(json=one))
    page.route("**/api/enrolments/e1/look", lambda route: (looks.append(route), route.fulfill(json=one)))
    page.route("**/pictures/1", lambda route: route.fulfill(status=404, json={"detail": "there is no such picture"}))
    said.say(face(901, None, 0.7))
    page.click('[data-track="901"]')
    page.dblclick("#enrol-pictures button")
    page.wait_for_selector("#enrol-problem >> text=no such picture")
    begun = len(looks)
    while len(looks) < begun + 3:  # the test's own time limit ends this
        page.wait_for_timeout(50)


@pytest.mark.parametrize("status, answer", [(200, {"name": "Clara", "pictures": []}), (500, {"detail": "a full disk"})])
def test_an_enrolment_that_is_saved_late_leaves_the_next_one_alone(demo, watched, status, answer):
    said = LiveSaid(watched, demo)
    page, saves = said.page, []
    one = {
        "id": "e1",
        "track": 901,
        "text": "",
        "pictures": [{"number": 1, "kind": "straight"}],
        "wanted": [],
        "likeness": None,
    }
    page.route("**/api/enrolments", lambda route: route.fulfill(json=one))
    page.route("**/api/enrolments/e1/look", lambda route: route.fulfill(json=one))
    page.route("**/api/enrolments/e1/save", lambda route: saves.append(route))
    said.say(face(901, None, 0.7), face(902, None, 0.2))
    page.click('[data-track="901"]')
    page.wait_for_selector("#enrol-pictures .taken")
    page.fill("#enrol-name", "Clara")
    page.click("#enrol-save")
    while not saves:  # the test's own time limit ends this
        page.wait_for_timeout(50)
    page.keyboard.press("Escape")
    page.locator("dialog#enrol").wait_for(state="hidden")
    page.click('[data-track="902"]')
    page.locator("dialog#enrol").wait_for()
    with page.expect_response(saves[0].request.url):
        saves[0].fulfill(status=status, json=answer)
    page.wait_for_timeout(300)
    assert page.locator("dialog#enrol").is_visible() and page.text_content("#enrol-problem") == ""
    assert page.text_content("#warned") == ("" if status == 200 else "Clara: a full disk")
