"""The loop, with a camera that the test plays: what it hands on while the camera is lost."""

from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest

from streamface import build
from streamface.capture.base import Source, SourceInfo
from streamface.settings import Settings
from streamface.sinks.base import Sink
from streamface.stream import Stream
from streamface.types import LIVE, LOST, Frame, FrameResult, SourceEvent, SourceState, utc


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
    def state(self):
        return SourceState(LOST if self._given in (3, 4) else LIVE, 100.0)

    def take_events(self):
        at_once = {3: SourceEvent(LOST, self.name, 101.0, previous=LIVE), 5: SourceEvent(LIVE, self.name, 102.0)}
        return tuple(event for given, event in at_once.items() if given == self._given)


class Pipeline:
    def __init__(self):
        self.seen = []

    def step(self, frame, dropped):
        self.seen.append(frame.index)
        return FrameResult(frame)

    def close(self):
        pass


class Screen(Sink):
    wants_image = True

    def __init__(self, wants_repeated):
        self.wants_repeated = wants_repeated
        self.got = []

    def write(self, result, image):
        assert image is not None and image.shape == (48, 64, 3)
        self.got.append((result.frame.index, result.source_state.state, [e.kind for e in result.source_events]))


@pytest.fixture
def stream(monkeypatch):
    pipeline = Pipeline()
    monkeypatch.setattr(build, "prepare", lambda settings: None)
    monkeypatch.setattr(build, "source", lambda settings: Camera())
    monkeypatch.setattr(build, "pipeline", lambda *arguments: pipeline)
    with Stream(Settings()) as made:
        made.pipeline = pipeline
        yield made


def test_a_lost_camera_is_shown_but_neither_analysed_nor_counted(stream):
    window, record = Screen(True), Screen(False)
    summary = stream.run([window, record])
    assert stream.pipeline.seen == [0, 1, 9] and summary.frames == 3
    frames = [(0, LIVE, []), (1, LIVE, []), (1, LOST, [LOST]), (1, LOST, []), (9, LIVE, [LIVE])]
    assert window.got == frames
    assert record.got == [frames[0], frames[1], frames[4]]


def test_the_time_of_an_event_is_in_utc():
    assert utc(0.5) == datetime(1970, 1, 1, 0, 0, 0, 500000, timezone.utc)  # noqa: UP017, Python 3.10
