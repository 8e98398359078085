"""The loop, with a camera that the test plays: what it hands on while the camera is lost."""

import importlib
import signal
import time
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest

from streamface import build
from streamface.capture._ahead import ReadAhead
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.pipeline import Postponed
from streamface.settings import CaptureSettings, Settings
from streamface.sinks.base import Sink
from streamface.sinks.visits import KEPT, Visits
from streamface.stream import Stream, stopping_on_signals
from streamface.types import (
    LIVE,
    LOST,
    Box,
    Detection,
    FaceResult,
    Frame,
    FrameResult,
    SourceEvent,
    SourceState,
    Track,
    utc,
)

stream_module = importlib.import_module("streamface.stream")


class Camera(Source):
    """Two frames, then lost for two reads, then one frame and the end."""

    name = "test camera"

    def open(self):
        frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 100.0, None, self.name)
        self._left = [frame, replace(frame, index=1), *[replace(frame, index=1, repeated=True)] * 2]
        self._left.append(replace(frame, index=9))
        self._given = 0
        return SourceInfo(64, 48, None, is_live=True)

    def read(self):
        if self._given == len(self._left):
            return None
        self._given += 1
        return self._left[self._given - 1]

    def close(self):
        pass

    @property
    def dropped(self):
        return 2 * self._given

    @property
    def state(self):
        return SourceState(LOST if self._given in (3, 4) else LIVE, 100.0)

    def take_events(self):
        at_once = {3: SourceEvent(LOST, self.name, 101.0, previous=LIVE), 5: SourceEvent(LIVE, self.name, 102.0)}
        return tuple(event for given, event in at_once.items() if given == self._given)


class Pipeline:
    postponed = Postponed(looks=3, detections=1)

    def __init__(self):
        self.seen = []

    def expect(self, frame):
        raise AssertionError("a camera's frames are not there before their time")

    def begin(self, frame, dropped):
        self.seen.append(frame.index)
        return frame

    def finish(self, frame):
        return FrameResult(frame)

    def look(self, image):
        return ()

    def close(self):
        pass


class Screen(Sink):
    wants_image = True

    def __init__(self, wants_repeated):
        self.wants_repeated = wants_repeated
        self.got = []

    def write(self, result, image):
        assert image is not None and image.shape == (48, 64, 3)
        state = result.source_state and result.source_state.state
        self.got.append((result.frame.index, state, [e.kind for e in result.source_events]))


@pytest.fixture
def stream(monkeypatch):
    pipeline = Pipeline()
    monkeypatch.setattr(build, "source", lambda settings: Camera())
    monkeypatch.setattr(build, "pipeline", lambda *arguments: pipeline)
    with Stream(Settings()) as made:
        made.pipeline = pipeline
        yield made


def test_a_lost_camera_is_shown_but_neither_analysed_nor_counted(stream):
    window, record = Screen(True), Screen(False)
    summary = stream.run([window, record])
    assert stream.pipeline.seen == [0, 1, 9] and summary.frames == 3
    assert summary.postponed == Postponed(looks=3, detections=1)
    frames = [(0, LIVE, []), (1, LIVE, []), (1, LOST, [LOST]), (1, LOST, []), (9, LIVE, [LIVE])]
    assert window.got == frames
    assert record.got == [frames[0], frames[1], frames[4]]


def test_what_a_monitor_is_told_of_a_camera_that_is_lost_and_comes_back(stream):
    somebody, a_guess = (FaceResult(Track(n, Detection(Box(0, 0, 9, 9), 0.9), 5, 0, n == 1)) for n in (1, 2))
    stream.pipeline.finish = lambda frame: FrameResult(frame, (somebody, a_guess))
    before, told = stream.reading(), []
    for _ in stream:
        reading = stream.reading()
        told.append((reading.state, reading.frames, reading.people, reading.dropped))
    lost = (LOST, 2, 0, 4)
    assert told == [(LIVE, 1, 1, 2), (LIVE, 2, 1, 4), lost, lost, (LIVE, 3, 1, 10)]
    assert before.delay_s is None and before.frame_at is None
    assert abs(time.time() - reading.frame_at) < 60 and reading.delay_s == pytest.approx(reading.frame_at - 100.0)
    stream.__exit__(None, None, None)
    assert (stream.reading().state, stream.reading().people) == ("ended", 0)


def test_what_waits_is_told_to_a_monitor(stream):
    told = []

    class Queueing(Screen):
        waiting = {"webhook": 7}

        def write(self, result, image):
            told.append(stream.reading().queues)

    stream.run([Queueing(False), Screen(False)])
    assert [queues["webhook"] for queues in told] == [7] * 3 and all(0 <= queues["writer"] <= 2 for queues in told)


def test_the_time_of_an_event_is_in_utc():
    assert utc(0.5) == datetime(1970, 1, 1, 0, 0, 0, 500000, timezone.utc)  # noqa: UP017, Python 3.10


class Film(Source):
    """Eight frames of a file, which breaks off after them or ends."""

    name, is_file = "film", True

    def __init__(self, breaks: bool) -> None:
        self._breaks, self._given = breaks, 0

    def open(self):
        return SourceInfo(64, 48, 25.0, is_live=False)

    def read(self):
        if self._given == 8:
            if self._breaks:
                raise SourceError("film is broken at 0.32 s")
            return None
        self._given += 1
        return Frame(np.zeros((48, 64, 3), np.uint8), self._given - 1, 0.0, self._given / 25, self.name)

    def close(self):
        pass


class Following(Pipeline):
    """Finishes as often as it began, and knows how far it was ahead."""

    def __init__(self):
        super().__init__()
        self.expected, self.open, self.most_open = [], 0, 0

    def expect(self, frame):
        self.expected.append(frame.index)

    def begin(self, frame, dropped):
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        return super().begin(frame, dropped)

    def finish(self, frame):
        self.open -= 1
        return super().finish(frame)


@pytest.fixture
def film(monkeypatch):
    def made(breaks=False, **capture):
        pipeline = Following()
        monkeypatch.setattr(build, "source", lambda settings: ReadAhead(Film(breaks)))
        monkeypatch.setattr(build, "pipeline", lambda *arguments: pipeline)
        return Stream(Settings(capture=CaptureSettings(**capture))), pipeline

    return made


def test_frames_of_a_file_are_followed_ahead_of_their_answers_and_all_come_out_in_order(film):
    stream, pipeline = film()
    with stream:
        assert [result.frame.index for result in stream] == list(range(8))
    assert pipeline.most_open == 3 and pipeline.open == 0
    assert stream.summary.frames == 8 and set(stream.summary.profile.totals) == {"decode", "wait"}


def test_what_was_begun_before_a_file_breaks_off_is_told_before_the_error(film):
    stream, _ = film(breaks=True)
    seen = []
    with stream, pytest.raises(SourceError, match="broken at 0.32 s"):
        for result in stream:
            seen.append(result.frame.index)
    assert seen == list(range(8))


def test_the_most_frames_are_neither_exceeded_nor_missed_by_working_ahead(film):
    stream, pipeline = film(max_frames=5)
    with stream:
        assert [result.frame.index for result in stream] == list(range(5))
    assert pipeline.seen == list(range(5))


def test_only_what_is_live_says_how_fast_it_goes(film, monkeypatch):
    """A recording of a file must not change with the machine."""
    stream, _ = film()
    told = []
    monkeypatch.setattr(stream.overlay, "render", lambda result, fps: told.append(fps) or result.frame.image)
    with stream:
        stream.run([Screen(False)])
    assert told == [None] * 8


def test_a_run_without_an_end_remembers_fewer_visits(stream, film, monkeypatch):
    kept = []

    class Counting(Visits):
        def __init__(self, *arguments, **options):
            kept.append(options["kept"])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(stream_module, "Visits", Counting)
    stream.run([])
    of_file, _ = film()
    with of_file:
        of_file.run([])
    assert kept == [stream_module.KEPT_OF_CAMERA, KEPT] and kept[0] < kept[1]


@pytest.fixture
def keyboard():
    """Ctrl-C as a terminal sends it: a shell lets what it starts in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_service_that_is_told_to_end_more_than_once_still_ends_in_good_order(keyboard):
    class Run:
        told = 0

        def stop(self):
            self.told += 1

    run, before = Run(), signal.getsignal(signal.SIGTERM)
    with stopping_on_signals(run):
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) not in (before, signal.SIG_DFL)  # else the next one would end the test
        signal.raise_signal(signal.SIGTERM)
        assert run.told >= 1
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):  # somebody at the keyboard has waited long enough
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before
