"""What a camera can do to its own picture, by a real RTSP server: each is noticed, and said once."""

import random
import re
import time

import pytest
from fault_camera import FPS, RtspCamera
from fault_proxy import Proxy

from streamface.capture.network import NetworkSource
from streamface.settings import CaptureSettings
from streamface.types import BLACK, CLOCK, FROZEN, GARBLED, LIVE, LOST, RATE, RESIZED


def read_until(source, wanted, seconds=20):
    """Read until `wanted(events)`; the events since the call, none of them lost."""
    events, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        source.read()
        events += source.take_events()
        if wanted(events):
            return events
    raise AssertionError(f"it was never said: {events}")


def has(kind, over=False):
    return lambda events: any(event.kind == kind and event.over == over for event in events)


@pytest.fixture
def camera(clips):
    with RtspCamera(clips, "moving", FPS) as made:
        yield made


@pytest.fixture
def source(camera):
    settings = CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live", timeout_s=10, frozen_s=2)
    with NetworkSource(settings) as made:
        for _ in range(4 * FPS):  # past the time in which a camera may set its clock
            assert not made.read().repeated
        assert [event.kind for event in made.take_events()] == [LIVE]
        yield made


def test_another_size_in_mid_stream(camera, source, caplog):
    assert (source.info.width, source.info.height) == (320, 192)
    camera.tell(f"clip large {FPS}")
    events = read_until(source, has(RESIZED))
    assert source.read().size_wh == (480, 272) == (source.info.width, source.info.height)
    changes = [event.detail for event in events if event.kind == RESIZED]  # the server also breaks the picture between
    assert changes == ["the picture is now 480x272, before 320x192"]
    assert caplog.text.count("480x272") == 1


def test_another_rate_in_mid_stream(camera, source, caplog):
    camera.tell("clip moving 7")
    (event,) = read_until(source, has(RATE))
    now, before = map(float, re.findall(r"[\d.]+", event.detail))
    assert (now, before) == (pytest.approx(7, abs=0.7), pytest.approx(15, abs=1.5))
    assert caplog.text.count("pictures a second") == 1


@pytest.mark.parametrize("seconds", [3600, -20])
def test_a_jump_of_the_cameras_clock(camera, source, seconds):
    if seconds < 0:
        camera.tell("jump 60")  # there is no time before the camera's start
        read_until(source, has(CLOCK))
    camera.tell(f"jump {seconds}")
    (event,) = read_until(source, has(CLOCK))
    assert float(re.search(r"jumped by ([+-][\d.]+) s", event.detail).group(1)) == pytest.approx(seconds, abs=1)
    assert source.state.state == LIVE and not source.read().repeated


def test_garbage_in_the_stream_is_said_and_when_it_is_over(camera):
    with Proxy(camera.port, random.Random(7)) as proxy:
        with NetworkSource(CaptureSettings(f"rtsp://127.0.0.1:{proxy.port}/live", timeout_s=10)) as source:
            for _ in range(FPS):
                source.read()
            assert [event.kind for event in source.take_events()] == [LIVE]
            proxy.set("corrupt")
            read_until(source, has(GARBLED), 60)
            proxy.set("pass")
            read_until(source, has(GARBLED, over=True), 60)
            while source.read().repeated:  # what was broken may have been the connection itself
                continue
            assert source.state.state == LIVE and source.state.troubles == ()


@pytest.mark.parametrize(("clip", "kind"), [("still", FROZEN), ("black", BLACK)])
def test_a_picture_that_shows_nothing(camera, source, clip, kind, caplog):
    camera.tell(f"clip {clip} {FPS}")
    events = read_until(source, has(kind))
    assert source.state.troubles == (kind,) and source.state.state == LIVE
    for _ in range(3 * FPS):
        source.read()
    assert not source.take_events()  # said once, not with every picture
    camera.tell(f"clip moving {FPS}")
    events = read_until(source, has(kind, over=True))
    assert len(events) == 1 and source.state.troubles == ()
    assert caplog.text.count("its picture") == 2


def test_a_camera_that_pauses_with_the_connection_standing(camera, source):
    camera.tell("pause")
    while source.state.state == LIVE:
        source.read()
    assert source.read().repeated and source.state.reason.endswith("the connection stands")
    camera.tell("resume")
    while source.read().repeated:
        continue
    for _ in range(FPS):
        source.read()
    assert [event.kind for event in source.take_events()] == ["stalled", LIVE]  # and its clock went on all the time


def test_a_camera_that_gives_nothing_for_too_long_is_lost_without_another_picture(camera):
    with NetworkSource(CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live", timeout_s=10)) as source:
        for _ in range(FPS):
            source.read()
        source.take_events()
        camera.tell("pause")
        events = read_until(source, has(LOST), 40)
    assert [event.kind for event in events] == ["stalled", LOST]
