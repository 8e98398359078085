"""A camera that comes and goes, played by readers that the test holds in its hand."""

import re
import threading
import time

import numpy as np
import pytest

from streamface.capture import _attempt, _live
from streamface.capture._attempt import Attempt
from streamface.capture._live import LiveSource
from streamface.capture._wire import Answering, Damage, Ended, Opened, RawPicture, Trying
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import CONNECTING, FROZEN, GARBLED, LIVE, LOST, STALLED


def raw(number, size_wh=(16, 16), **more):
    return RawPicture(np.full((size_wh[1], size_wh[0], 3), number, np.uint8), time.time(), **more)


class Reader:
    """What a reader's process is to the source, with the test in the camera's place."""

    def __init__(self, delay_s, knocks, deliver):
        self.delay_s, self.knocks, self.deliver = delay_s, knocks, deliver
        self.closed = None
        self.hangs = False

    def open(self, is_live=True, *numbers):
        self.deliver(Trying())
        self.deliver(Opened(is_live, 25.0, None if is_live else 9))
        self.give(*numbers)

    def give(self, *numbers):
        for number in numbers:
            self.deliver(raw(number))

    def close(self, politely):
        self.closed = politely
        return not self.hangs

    def is_gone(self):
        return not self.hangs


class Source(LiveSource):
    def __init__(self, opens=None, **settings):
        super().__init__("test camera", CaptureSettings(**{"timeout_s": 5.0, **settings}))
        self.readers = []
        self.opens = opens

    def start_reader(self, delay_s, knocks, deliver):
        reader = Reader(delay_s, knocks, deliver)
        self.readers.append(reader)
        if len(self.readers) == 1 and self.opens is not None:
            threading.Thread(target=self.opens, args=(reader,)).start()
        return reader

    def unreachable(self, reason):
        return SourceError(f"cannot read it ({reason}): knock on it")

    def silence(self):
        return SourceError("silent: knock on it")

    def reader(self, number):
        """The reader of that number, once it was started."""
        return self.wait_for(lambda: len(self.readers) > number and self.readers[number])

    def wait_for(self, ready, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if ready():
                return ready()
            time.sleep(0.01)
        raise AssertionError("it never happened")


def at_once(*numbers, is_live=True):
    return lambda reader: reader.open(is_live, *numbers)


def kinds(source):
    return [event.kind for event in source.take_events()]


def test_the_newest_frame_wins_and_the_others_are_counted():
    with Source(at_once(0)) as source:
        assert (source.info.width, source.info.height, source.info.fps, source.info.is_live) == (16, 16, 25.0, True)
        assert source.read().index == 0
        source.readers[0].give(1, 2, 3)
        frame = source.read()
        assert (frame.index, frame.image[0, 0, 0], source.dropped) == (3, 3, 2)
        assert frame.media_time is None and frame.source == "test camera" and not frame.repeated
    assert source.readers[0].closed is True and len(source.readers) == 1


def test_a_frame_is_read_once_and_read_waits_for_the_next(monkeypatch):
    monkeypatch.setattr(_live, "GAP_S", 60.0)
    with Source(at_once(0)) as source:
        assert source.read().index == 0
        later = threading.Timer(0.7, source.readers[0].give, args=(1,))
        later.start()
        assert source.read().index == 1  # live: no repeated frame in between
        later.join()


def test_a_recording_waits_for_its_reader_and_ends(monkeypatch):
    monkeypatch.setattr(_live, "GAP_S", 0.0)  # nothing is lost in a pause, however long

    def play(reader):
        reader.open(False)
        for number in range(5):
            reader.deliver(raw(number, media_time=number / 10))
        reader.deliver(Ended(None))

    with Source(play) as source:
        frames = []
        for frame in source:
            frames.append(frame)
            time.sleep(0.1)
        assert source.read() is None
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert [f.media_time for f in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert source.dropped == 0 and len(source.readers) == 1


def test_a_recording_that_breaks_is_an_error_after_its_last_frame():
    def play(reader):
        reader.open(False, 0)
        reader.deliver(Ended("the data ends too early"))

    with Source(play) as source:
        assert source.read().index == 0
        with pytest.raises(SourceError, match=r"was lost \(the data ends too early\)"):
            source.read()


def test_a_recording_that_waits_for_its_reader_can_be_closed():
    source = Source(at_once(0, 1, is_live=False))
    source.open()
    source.close()
    assert not source._thread.is_alive()


@pytest.mark.parametrize("reason", ["the data ends too early", None])
def test_a_lost_camera_comes_back(reason, caplog):
    caplog.set_level("INFO")
    with Source(at_once(0)) as source:
        source.read()
        source.readers[0].deliver(Ended(reason))
        again = source.read()
        assert again.repeated and again.index == 0 and source.state.state == LOST
        assert source.state.reason == (reason or "it ended the stream")
        second = source.reader(1)
        assert 0.4 <= second.delay_s <= 0.6
        time.sleep(0.6)
        second.open(True, 7)
        frame = source.read()
        frame = frame if not frame.repeated else source.read()
        assert frame.image[0, 0, 0] == 7 and not frame.repeated and frame.index > 20  # it was away for a second
        assert source.state.state == LIVE and source.state.reason == ""
        assert kinds(source) == [LIVE, LOST, LIVE]
    assert "is lost (" in caplog.text and "is back after" in caplog.text


def test_a_camera_with_a_name_is_named_in_the_log(caplog):
    caplog.set_level("INFO")
    with Source(at_once(0), camera="front door") as source:
        source.read()
        source.readers[0].deliver(Ended("the data ends too early"))
        source.read()
    assert "front door is lost (the data ends too early)" in caplog.text and source.name not in caplog.text


def test_what_a_dismissed_reader_still_says_is_not_heard():
    with Source(at_once(0)) as source:
        source.read()
        first = source.readers[0]
        first.deliver(Ended("gone"))
        second = source.reader(1)
        first.give(66)
        second.open(True, 1)
        first.give(66)
        first.deliver(Ended("gone again"))
        assert source.read().image[0, 0, 0] == 1
        second.give(2)
        assert source.read().image[0, 0, 0] == 2 and len(source.readers) == 2


def test_a_reader_that_hangs_is_replaced():
    with Source(at_once(0), timeout_s=0.3) as source:
        source.read()
        second = source.reader(1)  # after 0.3 s and the slack, without a word of the first
        assert source.readers[0].closed is False and re.match(r"no picture for \d+ s", source.state.reason)
        second.open(True, 1)
        frames = iter(source)
        assert next(f for f in frames if not f.repeated).image[0, 0, 0] == 1


def test_readers_that_not_even_killing_ends_are_counted_and_bounded(monkeypatch, caplog):
    monkeypatch.setattr(_live.Backoff, "failed", lambda self, lived_s: 0.01)
    with Source(at_once(0)) as source:
        for number in range(_attempt.MOST_ABANDONED):
            reader = source.reader(number)
            reader.hangs = True
            reader.deliver(Trying())
            reader.deliver(Ended("stuck"))
        source.wait_for(lambda: "3 readers hang" in source.state.reason)
        time.sleep(0.3)
        assert len(source.readers) == _attempt.MOST_ABANDONED
        source.readers[1].hangs = False
        source.reader(_attempt.MOST_ABANDONED).open(True, 5)
        assert next(f for f in source if not f.repeated and f.index).image[0, 0, 0] == 5


def test_a_camera_that_gives_nothing_stalls_and_goes_on(monkeypatch):
    monkeypatch.setattr(_attempt, "STALL_S", 0.2)
    with Source(at_once(0)) as source:
        source.read()
        again = source.read()
        assert again.repeated and source.state.state == STALLED
        source.readers[0].give(1)
        assert not source.read().repeated
        assert kinds(source) == [LIVE, STALLED, LIVE] and len(source.readers) == 1


def test_a_slow_camera_does_not_stall():
    now = [0.0]
    attempt = Attempt(10.0, 0.0, lambda: now[0])
    for _ in range(5):
        attempt.picture()
        now[0] += 3.0
    assert not attempt.is_stalled()
    now[0] += 10.0
    assert attempt.is_stalled() and attempt.is_overdue() and attempt.lived_s() == 12.0


def test_a_picture_of_a_size_that_is_not_believed_is_not_handed_on():
    with Source(at_once(1)) as source:
        assert source.read().image[0, 0, 0] == 1
        source.reader(0).deliver(raw(2, (48, 16)))
        source.reader(0).give(3)
        assert source.read().image[0, 0, 0] == 3 and source.info.width == 16 and source.dropped == 0


def test_a_picture_that_stands_still_for_as_long_as_was_asked_is_said_to_be_frozen():
    with Source(at_once(100), frozen_s=1.0) as source:
        source.read()
        assert source.state.troubles == ()
        time.sleep(1.1)
        source.reader(0).give(100)
        source.read()
        assert source.state.troubles == (FROZEN,) and kinds(source) == [LIVE, FROZEN]


def test_the_time_without_a_connection_is_no_time_of_a_frozen_picture():
    with Source(at_once(100), frozen_s=1.0) as source:
        source.read()
        source.reader(0).deliver(Ended("gone"))
        second = source.reader(1)
        time.sleep(1.1)
        second.open(True, 100)
        next(f for f in source if not f.repeated)
        assert source.state.troubles == () and kinds(source) == [LIVE, LOST, LIVE]


def test_damage_is_said_once():
    with Source(at_once(0)) as source:
        source.read()
        for _ in range(5):
            source.readers[0].deliver(Damage())
        assert source.state.troubles == (GARBLED,) and kinds(source) == [LIVE, GARBLED]


def test_the_wait_follows_from_how_long_pictures_came(monkeypatch):
    told = []
    monkeypatch.setattr(_live.Backoff, "failed", lambda self, lived_s: told.append(lived_s) or 0.01)
    with Source(at_once(0)) as source:
        source.read()
        time.sleep(0.3)
        source.reader(0).give(1)
        source.reader(0).deliver(Ended("gone"))
        source.reader(1).deliver(Trying())
        source.reader(1).deliver(Ended("refused"))
        source.reader(2)
    assert told[0] >= 0.3 and told[1] == 0


def test_an_answer_after_silence_starts_the_backoff_anew():
    with Source(at_once(0)) as source:
        source.read()
        for number in range(3):
            source.reader(number).deliver(Trying())
            source.reader(number).deliver(Ended("no"))
        last = source.reader(3)
        assert last.delay_s > 1.5 and not last.knocks
        last.deliver(Answering(back=True))
        last.deliver(Trying())
        last.deliver(Ended("not yet"))
        assert source.reader(4).delay_s < 0.7 and source.reader(4).knocks


def test_close_returns_at_once_while_the_reader_says_nothing():
    source = Source(at_once(0))
    source.open()
    start = time.monotonic()
    source.close()
    assert time.monotonic() - start < 4 and not source._thread.is_alive()
    source.close()


@pytest.mark.parametrize("way", ["close", "interrupt"])
def test_a_waiting_read_is_let_go(way):
    source = Source(at_once(0))
    source.open()
    source.read()
    later = threading.Timer(0.1, getattr(source, way))
    later.start()
    start = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - start < 4
    later.join()
    source.close()


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Ended("connection refused"), r"cannot read it \(connection refused\): knock"),
        (Ended("no", "there is no camera 9: connect one"), "there is no camera 9: connect one"),
    ],
)
def test_an_error_while_opening_is_raised_by_open(ended, expected):
    source = Source(lambda reader: reader.deliver(ended))
    with pytest.raises(SourceError, match=expected), source:
        pass
    assert not source._thread.is_alive()


def test_a_device_that_never_opens_is_given_up():
    source = Source(lambda reader: reader.deliver(Trying()), timeout_s=0.2)
    with pytest.raises(SourceError, match="knock on it"), source:
        pass
    assert source.readers[0].closed is False and not source._thread.is_alive()


def test_an_interrupt_while_opening_says_so():
    source = Source()
    later = threading.Timer(0.1, source.interrupt)
    later.start()
    with pytest.raises(SourceError, match="stopped before it answered"), source:
        pass
    later.join()


def test_a_camera_may_come_later():
    with Source(lambda reader: reader.deliver(Ended("connection refused")), wait=True) as source:
        assert source.info.is_live and source.state.state in (CONNECTING, LOST)
        grey = source.read()
        assert grey.repeated and grey.index == -1 and grey.size_wh == (source.info.width, source.info.height)
        assert source.state.state == LOST and source.state.reason == "connection refused"
        source.reader(1).open(True, 3)
        frame = next(f for f in source if not f.repeated)
        assert frame.index == 0 and (source.info.width, source.info.height) == frame.size_wh == (16, 16)


@pytest.mark.parametrize("wait", [True, False])
def test_give_up_after(wait):
    opens = (lambda reader: reader.deliver(Ended("no route"))) if wait else at_once(0)
    with Source(opens, wait=wait, give_up_s=1.0) as source:
        if not wait:
            source.readers[0].deliver(Ended("no route"))
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"no picture for 1 s \(no route\), given up: .*--give-up-after"):
            while source.read():
                continue
        assert time.monotonic() - start < 9


def test_a_reader_that_cannot_be_started_is_tried_again(monkeypatch):
    with Source(at_once(0)) as source:
        source.read()
        start, failing = source.start_reader, [OSError(11, "Resource temporarily unavailable")]

        def sometimes(*arguments):
            if failing:
                raise failing.pop()
            return start(*arguments)

        monkeypatch.setattr(source, "start_reader", sometimes)
        source.readers[0].deliver(Ended("gone"))
        source.wait_for(lambda: "Resource temporarily" in source.state.reason)
        source.reader(1).open(True, 4)
        assert next(f for f in source if not f.repeated).image[0, 0, 0] == 4
