"""Waiting between attempts, states and events, and what is noticed in pictures, by clocks of the test."""

import random
import time

import numpy as np
import pytest

from streamface.capture._backoff import MOST_S, Backoff
from streamface.capture._picture_watch import PictureWatch
from streamface.capture._states import KEPT, StateLog
from streamface.capture._wire import RawPicture
from streamface.types import BLACK, CLOCK, CONNECTING, FROZEN, GARBLED, LIVE, LOST, RESIZED, STALLED


class Even(random.Random):
    def uniform(self, a, b):
        return (a + b) / 2


def test_the_backoff_doubles_to_half_a_minute():
    backoff = Backoff(Even())
    assert [backoff.failed() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, MOST_S, MOST_S]
    backoff.reset()
    assert backoff.failed() == 0.5


@pytest.mark.parametrize(("lived_s", "expected"), [(0, 16), (0.9, 16), (2, 4), (10, 0.5), (10_000, 0.5)])
def test_pictures_make_up_for_failures_and_ten_seconds_for_all(lived_s, expected):
    backoff = Backoff(Even())
    for _ in range(5):
        backoff.failed()
    assert backoff.failed(lived_s) == expected


def test_the_jitter_keeps_within_its_bounds():
    waits = [Backoff(random.Random(seed)).failed() for seed in range(50)]
    assert 0.4 <= min(waits) < 0.45 and 0.55 < max(waits) <= 0.6
    tired = Backoff(random.Random(1))
    assert max(tired.failed() for _ in range(200)) <= MOST_S


def test_each_change_of_state_is_an_event_and_a_line(caplog):
    caplog.set_level("INFO")
    log = StateLog("cam", lambda: 1000.0)
    assert (log.state.state, log.state.since) == (CONNECTING, 1000.0)
    log.change(LIVE)
    log.change(LIVE)
    log.trouble(FROZEN, "the same for 10 s")
    log.change(STALLED, "none for 2.0 s")
    log.change(LOST, "no answer in time")
    log.change(LOST, "no answer in time")
    log.change(LOST, "user name or password is wrong")
    assert log.state.reason == "user name or password is wrong" and log.state.troubles == ()
    log.change(LIVE)
    told = [(e.kind, e.previous, e.over) for e in log.take()]
    assert told == [
        (LIVE, CONNECTING, False),
        (FROZEN, None, False),
        (FROZEN, None, True),
        (STALLED, LIVE, False),
        (LOST, STALLED, False),
        (LIVE, LOST, False),
    ]
    assert log.take() == ()
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "cam: its picture is frozen",
        "cam: its picture moves again",
        "cam gives no picture: none for 2.0 s",
        "cam is lost",
        "cam is still lost: user name or password is wrong",
        "cam is back after 0.0 s",
    ]


def test_a_camera_that_was_not_there_at_the_start_is_said_to_have_come(caplog):
    log = StateLog("cam")
    log.change(LOST, "connection refused")
    log.change(LIVE)
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "cam is lost",
        "cam is there after 0.0 s",
    ]


def test_events_that_nobody_takes_do_not_pile_up():
    log = StateLog("cam")
    for _ in range(KEPT):
        log.change(LOST)
        log.change(LIVE)
    assert len(log.take()) == KEPT


class Camera:
    """Pictures one after the other, with both clocks in the test's hand."""

    def __init__(self, frozen_s=3.0):
        self.log = StateLog("cam")
        self.watch = PictureWatch(self.log, frozen_s)
        self.watch.connected()
        self.now = self.stamp = 100.0
        self.noise = np.random.default_rng(0)
        self.shown = []

    def image(self, size_wh=(64, 48)):
        return self.noise.integers(60, 200, (size_wh[1], size_wh[0], 3), np.uint8)

    def give(self, seconds, image=None, step=0.1, has_stamp=True, **more):
        for _ in range(round(seconds / step)):
            self.now += step
            self.stamp += step
            shown = self.image() if image is None else image
            picture = RawPicture(shown, time.time(), self.stamp if has_stamp else None, **more)
            self.shown.append(self.watch.look(picture, self.now))

    def told(self):
        return [(event.kind, event.over) for event in self.log.take()]


def test_a_moving_picture_is_nothing_to_speak_of():
    camera = Camera()
    camera.give(60)
    assert camera.told() == [] and camera.watch.rate == pytest.approx(10)


def test_a_frozen_picture_is_said_once_with_a_little_noise_too():
    camera = Camera()
    still = camera.image()
    camera.give(2.9, still)
    assert camera.told() == []
    camera.give(1, still + np.uint8(1))
    assert camera.told() == [(FROZEN, False)] and camera.log.state.troubles == (FROZEN,)
    camera.give(60, still)
    assert camera.told() == []
    camera.give(0.1)
    assert camera.told() == [(FROZEN, True)] and camera.log.state.troubles == ()
    camera.give(4, still)
    assert camera.told() == [(FROZEN, False)]


def test_a_black_picture_is_black_and_not_frozen():
    camera = Camera()
    camera.give(1)
    black = np.full((48, 64, 3), 8, np.uint8)
    camera.give(1.9, black)
    assert camera.told() == [], "a lamp may have been switched off and on"
    camera.give(20, black)
    assert camera.told() == [(BLACK, False)]
    camera.give(1)
    assert camera.told() == [(BLACK, True)]
    lamp = black.copy()
    lamp[20:30, 20:30, 2] = 90  # a red one
    camera.give(2.5, lamp)
    assert camera.told() == []


def test_damage_begins_once_and_is_over_after_a_while():
    camera = Camera()
    camera.give(1)
    camera.give(3, damaged=True)
    camera.watch.damage(camera.now)
    assert camera.told() == [(GARBLED, False)]
    camera.give(4.5)
    assert camera.told() == []
    camera.give(1)
    assert camera.told() == [(GARBLED, True)]


def test_another_size():
    camera = Camera()
    camera.give(1)
    large = camera.image((80, 48))
    camera.give(0.9, large)
    assert camera.told() == [] and not any(camera.shown[-9:]), "it may be damage that nobody has noticed yet"
    camera.give(0.5, large)
    assert [e.detail for e in camera.log.take()] == ["the picture is now 80x48, before 64x48"] and camera.shown[-1]
    camera.give(10, large)
    assert RESIZED not in dict(camera.told()) and all(camera.shown[-100:])


@pytest.mark.parametrize("damaged", [False, True])
def test_a_size_that_damaged_data_pretends_is_neither_shown_nor_said(damaged):
    camera = Camera()
    camera.give(1)
    for size_wh in ((80, 48), (16, 8), (80, 48)):
        camera.give(0.8, camera.image(size_wh), damaged=damaged)
        camera.give(0.1)
        assert camera.shown[-9:] == [False] * 8 + [True]
    assert (RESIZED, False) not in camera.told()


def test_the_pretended_size_of_one_connection_says_nothing_of_the_next():
    camera = Camera()
    camera.give(1)
    camera.give(0.8, camera.image((80, 48)))
    camera.watch.connected()
    camera.give(0.8, camera.image((80, 48)))
    assert not any(camera.shown[-16:])


def test_another_size_is_shown_in_the_end_however_damaged_the_pictures_are():
    camera = Camera()
    camera.give(1)
    camera.give(2.4, camera.image((80, 48)), damaged=True)
    assert (RESIZED, False) not in camera.told()
    camera.give(1, camera.image((80, 48)), damaged=True)
    assert camera.told() == [(RESIZED, False)] and camera.shown[-1]


@pytest.mark.parametrize("has_stamp", [True, False])
def test_another_rate_is_said_once_with_the_rates(has_stamp):
    camera = Camera()
    camera.give(10, has_stamp=has_stamp)
    camera.give(30, step=0.25, has_stamp=has_stamp)
    assert [e.detail for e in camera.log.take()] == ["it gives 4 pictures a second now, before 10"]
    camera.give(10, step=0.22, has_stamp=has_stamp)
    assert camera.told() == []


@pytest.mark.parametrize("jump_s", [3600.0, 3.0, -5.0, -0.3])
def test_a_jump_of_the_clock(jump_s):
    camera = Camera()
    camera.give(5)
    camera.stamp += jump_s
    camera.give(1)
    assert [(e.kind, e.detail) for e in camera.log.take()] == [(CLOCK, f"the camera's clock jumped by {jump_s:+.1f} s")]


def test_what_is_no_jump_of_the_clock():
    camera = Camera()
    camera.give(1)
    camera.stamp += 50_000  # a camera learns the time just after the start
    camera.give(5)
    camera.stamp += 1.5  # pictures that were lost, or came in a heap
    camera.give(1)
    camera.now += 20  # a stall, with nothing lost
    camera.give(1)
    camera.now, camera.stamp = camera.now + 20, camera.stamp + 20  # and one in which all was lost
    camera.give(1)
    camera.now += 20  # the same, where the picture from before it comes at its end, as FFmpeg gives it
    camera.give(0.1)
    camera.stamp += 20
    camera.give(1)
    camera.stamp += 9_000  # one broken stamp, there and back
    camera.give(0.1)
    camera.stamp -= 9_000
    camera.give(1)
    assert camera.told() == []


def test_a_new_connection_has_a_clock_of_its_own():
    camera = Camera()
    camera.give(5)
    camera.watch.connected()
    camera.stamp = 3.0
    camera.give(5)
    assert camera.told() == []
