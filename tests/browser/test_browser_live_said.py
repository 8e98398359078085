"""The live page when the test says who is in view, in place of the site."""

from __future__ import annotations

import json

import cv2
import numpy as np
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
