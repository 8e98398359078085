"""From a click on a face in a playing picture to that face with its name, while the stream goes on."""

from __future__ import annotations

import time

import pytest
from acting_camera import ActingCamera
from chromium import DESKTOP, PHONE
from live_page import click_face
from served_stream import ServedStream
from turning_head import SIZE_WH, Acts, TurningHead

NAME = "Grace <Hopper> & Ööç"
WITHIN_S = 90.0
KINDS = 4
"""Pictures that the guide wants: two straight ones, one of each side."""


def portrait(request) -> Acts:
    """One of the demo's portraits, given depth."""
    return TurningHead("Grace Hopper", face_px=200).acts()


def clip(request) -> Acts:
    """The woman of the head-pose clip."""
    import cv2

    from benchmarks import acting, liveness

    path = request.getfixturevalue("data") / "media" / liveness.WOMAN
    frames = [cv2.resize(frame, SIZE_WH, interpolation=cv2.INTER_CUBIC) for frame in acting.clip(path)]
    turns = {side: [frames[number] for number in ways[0]] for side, ways in liveness.TURNS.items()}
    return {"straight": [frames[liveness.STILL]], **turns}


@pytest.mark.parametrize("who, size", [(portrait, DESKTOP), (portrait, PHONE), (clip, DESKTOP)],
                         ids=["portrait-desktop", "portrait-phone", "clip-desktop"])  # fmt: skip
def test_somebody_gets_a_name_while_the_stream_goes_on(browser, watched, settings, tmp_path, request, who, size):
    with ActingCamera({"she": who(request)}) as camera, ServedStream(serve(camera, tmp_path)) as stream:
        camera.step_in("she")
        stream.wait_for_pictures()
        seen = watched(stream.url, size)
        page = seen.page
        page.wait_for_selector(".labels > .unknown", state="attached")
        click_face(page, "unknown", "enrol")
        page.fill("#enrol-name", NAME)
        follow(page, camera, stream)
        seen.check()
        before = stream.version()
        page.click("#enrol-save")
        page.locator("dialog#enrol").wait_for(state="hidden")
        page.wait_for_selector(".labels > .known", state="attached")
        assert page.locator(".labels > .known span").first.text_content() == NAME
        page.wait_for_selector("#people-list .name")
        assert page.locator("#people-list .name").all_text_contents() == [NAME]
        assert stream.version() > before
        assert len(list((tmp_path / "people" / NAME).glob("*.jpg"))) == KINDS
        seen.check()


def serve(camera: ActingCamera, home) -> list[str]:
    """Arguments of a stream that knows nobody yet."""
    kept = ["--database", str(home / "people"), "--store", str(home / "store.sqlite")]
    return ["serve", "--source", camera.url, "--actions", "none", *kept]


def follow(page, camera: ActingCamera, stream: ServedStream) -> None:
    """Do what the guide says until it has all its pictures; meanwhile results keep coming."""
    end, version, since = time.monotonic() + WITHIN_S, stream.version(), time.monotonic()
    while (taken := page.locator("#enrol-pictures .taken").count()) < KINDS:
        said = page.locator("#enrol-hint").text_content()
        assert time.monotonic() < end, f"{taken} pictures within {WITHIN_S:g} s; the guide says: {said}"
        camera.do(next((side for side in ("left", "right") if side in said), None))
        now = stream.version()
        version, since = (now, time.monotonic()) if now > version else (version, since)
        assert time.monotonic() - since < 10, "the stream stands still"
        page.wait_for_timeout(100)
    camera.do(None)
