"""The kiosk's page: somebody is accepted, others are not, and every state fits every screen."""

from __future__ import annotations

import json
import time

import pytest
from acting_camera import EMPTY, ActingCamera
from chromium import DESKTOP, PHONE, axe_faults, missing_axe, until
from live_page import DATABASE
from served_stream import ServedStream
from turning_head import FLAT, TurningHead

from streamface.kiosk.screen import PROMPT, Screen
from streamface.kiosk.texts import TITLES, told

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE, (844, 390)], ids=["desktop", "phone", "phone on its side"])
SHOWN = ("idle", "claim", "guide nearer", "checking", "prompt left", "accepted", "refused flat", "locked", "offline")
"""One of each state, as `texts.TITLES`."""
WITHIN_S = 90.0
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff Maximiliane-Theodora <b>"
LONGEST_CLAIM = f"{LONG_NAME} {LONG_NAME} {LONG_NAME} and so on to the end"[:200]


@pytest.fixture(scope="module")
def camera(browser):
    """Whoever may stand before the kiosk: somebody known, the same as a photograph, and a stranger."""
    heads = {
        "known": TurningHead("Eileen Collins").acts(),
        "photograph": TurningHead("Eileen Collins", FLAT).acts(),
        "stranger": TurningHead("Grace Hopper").acts(),
    }
    with ActingCamera(heads) as made:
        yield made


@pytest.fixture(scope="module")
def kiosk(camera, settings, tmp_path_factory):
    """A kiosk at that camera, and the file of its decisions."""
    home = tmp_path_factory.mktemp("kiosk")
    kept = ["--database", str(DATABASE), "--store", str(home / "store.sqlite"), "--audit", str(home / "audit.jsonl")]
    with ServedStream(["kiosk", "--source", camera.url, *kept, "--liveness", "1", "--lock-after", "0"]) as stream:
        stream.audit = home / "audit.jsonl"
        yield stream


def state_of(page) -> tuple[str, str]:
    """(state, detail) as the page shows them."""
    shown = page.locator("#kiosk")
    return shown.get_attribute("data-state"), shown.get_attribute("data-detail")


def wait_for(page, camera: ActingCamera, *wanted: str) -> list[str]:
    """Do what the page asks for until it is in one of these states; the states on the way."""
    end, states = time.monotonic() + WITHIN_S, []
    while True:
        state, detail = state_of(page)
        states += [state] if states[-1:] != [state] else []
        if state in wanted:
            return states
        assert time.monotonic() < end, f"not within {WITHIN_S:g} s: {states}"
        camera.do(detail if state == PROMPT else None)
        page.wait_for_timeout(50)


def check_of(page, camera: ActingCamera, who: str) -> list[str]:
    """Somebody steps in front, once nobody stands there: the states up to a decision."""
    camera.step_in(EMPTY)
    wait_for(page, camera, "idle")
    page.wait_for_timeout(1500)
    camera.step_in(who)
    return wait_for(page, camera, "accepted", "refused")


def decisions(kiosk, page, more_than: int = -1) -> list[dict]:
    """The kiosk's own record, once there are more than so many: a decision is shown before it is written down."""
    end = time.monotonic() + 10
    while len(found := kiosk.audit.read_text().splitlines() if kiosk.audit.exists() else []) <= more_than:
        assert time.monotonic() < end, f"no more than {more_than} decisions were written down"
        page.wait_for_timeout(50)
    return [json.loads(line) for line in found]


def test_somebody_known_who_follows_the_prompts_is_accepted(kiosk, camera, watched):
    seen = watched(kiosk.url, DESKTOP)
    before = len(decisions(kiosk, seen.page))
    states = check_of(seen.page, camera, "known")
    assert "prompt" in states and states[-1] == "accepted"
    assert seen.page.locator("#title").text_content() == "Welcome, Eileen Collins"
    made = decisions(kiosk, seen.page, before)
    assert [one["person"] for one in made if one["decision"] == "accepted"] == ["Eileen Collins"]
    assert seen.page.locator("#picture").evaluate("(c) => c.width") > 300
    seen.check()


@pytest.mark.parametrize("who, why", [("stranger", "unknown"), ("photograph", "flat")])
def test_others_are_refused(kiosk, camera, watched, who, why):
    seen = watched(kiosk.url, PHONE)
    before = len(decisions(kiosk, seen.page))
    assert check_of(seen.page, camera, who)[-1] == "refused"
    assert state_of(seen.page)[1] == why
    assert seen.page.locator("#title").text_content() == TITLES[f"refused {why}"][0]
    last = decisions(kiosk, seen.page, before)[-1]
    assert (last["decision"], last["reason"]) == ("refused", why)
    seen.check()


def shown(key: str, name: str = LONG_NAME) -> dict:
    """What the site tells of a state, as hard to fit as can be."""
    state, _, detail = key.partition(" ")
    screen = Screen(state, detail or None, name, done=1, total=4, until=3599.0)
    title, more = told(screen, 0.0)
    return {"asks_name": True, "state": state, "detail": detail or None, "title": title, "more": more,
            "person": name, "done": 1, "total": 4}  # fmt: skip


class Said:
    """A page of the kiosk to which the test says what to show, in place of the site."""

    def __init__(self, watched, kiosk, size) -> None:
        self._sockets: list = []
        self.seen = watched(kiosk.url, size, before=self._stand_between)
        self.page = self.seen.page

    def _stand_between(self, page) -> None:
        page.route("**/api/kiosk", lambda route: route.fulfill(json=shown("idle")))
        page.route_web_socket("**/api/kiosk/live", lambda socket: self._sockets.append(socket))

    def say(self, key: str, name: str = LONG_NAME) -> None:
        """Show a state, one of `texts.TITLES`."""
        told = shown(key, name)
        while not self._sockets:  # the test's own time limit ends this
            self.page.wait_for_timeout(50)
        self._sockets[-1].send(json.dumps(told))
        until(self.page, f"document.querySelector('#title').textContent === {json.dumps(told['title'])}")


@SIZES
def test_everything_that_it_may_say_fits(kiosk, watched, size):
    said = Said(watched, kiosk, size)
    for key, name in [*((key, LONG_NAME) for key in TITLES), ("refused not claimed", LONGEST_CLAIM)]:
        said.say(key, name)
        too_much = "(w) => [w.scrollWidth - w.clientWidth, w.scrollHeight - w.clientHeight]"
        assert (key, said.page.locator("#words").evaluate(too_much)) == (key, [0, 0]), "its words do not fit"
        said.seen.check()
    assert said.page.title() == "streamface kiosk" and said.page.locator("b").count() == 0, "a name stays text"


@pytest.mark.skipif(missing_axe() is not None, reason=str(missing_axe()))
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_there_for_everybody(kiosk, watched, size):
    said = Said(watched, kiosk, size)
    for key in SHOWN:
        said.say(key)
        assert (key, axe_faults(said.page)) == (key, [])


def test_a_name_is_said_by_keys_alone(kiosk, watched):
    said = Said(watched, kiosk, DESKTOP)
    asked = []
    said.page.route("**/api/kiosk/claim", lambda route: (asked.append(route.request), route.fulfill(status=204)))
    said.say("claim")
    said.page.keyboard.press("Tab")
    said.page.keyboard.type(LONG_NAME)
    said.page.keyboard.press("Enter")
    until(said.page, "document.querySelector('#name').value === ''")
    assert [(one.method, one.post_data_json) for one in asked] == [("POST", {"name": LONG_NAME})]
    said.say("idle")
    said.page.keyboard.press("Tab")
    assert said.page.evaluate("document.activeElement.id") == "claim-cancel"
    outline = said.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    said.page.keyboard.press("Enter")
    end = time.monotonic() + 10
    while asked[-1].method != "DELETE" and time.monotonic() < end:
        said.page.wait_for_timeout(50)
    assert asked[-1].method == "DELETE"
    said.seen.check()


def test_a_camera_that_is_gone_is_said(watched, browser, settings, tmp_path):
    with ActingCamera({}) as camera:
        kept = ["--database", str(DATABASE), "--store", str(tmp_path / "store.sqlite"), "--liveness", "0"]
        with ServedStream(["kiosk", "--source", camera.url, *kept]) as stream:
            seen = watched(stream.url, PHONE)
            wait_for(seen.page, camera, "idle")
            camera.close()
            wait_for(seen.page, camera, "offline")
            assert seen.page.locator("#title").text_content() == TITLES["offline"][0]
            seen.check()
        until(seen.page, "document.querySelector('#title').textContent === 'No connection'")
