"""A camera's frames do not wait for a long detection, and what it finds is joined with a later frame."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from streamface.budget import FixedBudget
from streamface.detection import _beside
from streamface.detection._beside import KEPT_FRAMES, DetectBeside, Late
from streamface.live_pipeline import LivePipeline, moved
from streamface.pipeline import Pace, Pipeline
from streamface.scheduler import DetectionSchedule
from streamface.settings import TrackingSettings
from streamface.testing import FakeDetector
from streamface.tracking import kalman
from streamface.types import Box, Frame

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tracking import NoAttention  # noqa: E402

RED, GREEN = (40, 40, 220), (40, 200, 60)


def scene(**lefts):
    """A grey frame with a square of each colour, 60 pixels wide, at the given left edge."""
    image = np.full((160, 640, 3), 90, np.uint8)
    for colour, left in lefts.items():
        image[50:110, left : left + 60] = {"red": RED, "green": GREEN}[colour]
    return image


class Gated(FakeDetector):
    """Detects in full once it may, and does nothing else meanwhile."""

    def __init__(self):
        super().__init__()
        self.may, self.begun, self._alone = threading.Semaphore(0), threading.Semaphore(0), threading.Lock()

    def detect(self, image):
        with self._in_use():
            self.begun.release()
            assert self.may.acquire(timeout=20)
            return super().detect(image)

    def refine(self, image, boxes):
        with self._in_use():
            return super().refine(image, boxes)

    @contextlib.contextmanager
    def _in_use(self):
        assert self._alone.acquire(blocking=False), "it is not thread-safe"
        yield
        self._alone.release()


class Long(FixedBudget):
    """Every detection is too long to wait for."""

    detection_is_long = True

    def __init__(self):
        super().__init__()
        self.took_ms = []

    def detected(self, took_ms):
        self.took_ms.append(took_ms)


class Line:
    """A pipeline whose full detections end when they are let."""

    def __init__(self, budget=None, waits=lambda: False, every=4):
        self.full = Gated()
        self.beside = DetectBeside(self.full, FakeDetector())
        tracker = kalman.create(TrackingSettings())
        schedule = DetectionSchedule(every, budget or Long())
        self.pipeline = LivePipeline(self.beside, tracker, NoAttention(), schedule, waits)
        self._index = -1

    def step(self, **lefts):
        """The result of one more frame."""
        self._index += 1
        return self.pipeline.step(Frame(scene(**lefts), self._index, 0.0, self._index / 25, "camera"))

    def start(self, **lefts):
        """A full detection of what the last frame shows begins."""
        self.pipeline._start(scene(**lefts))

    def let(self):
        """The detection that was begun ends now."""
        assert self.full.begun.acquire(timeout=20)
        self.full.may.release()
        while not self.beside._begun.done():
            pass


@pytest.fixture
def line():
    made = []

    def make(*args, **kwargs):
        made.append(Line(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.full.may.release(100)
        one.pipeline.close()


def lefts(result):
    return {face.track.id: round(face.track.detection.box.left) for face in result.faces if not face.track.missed}


def test_frames_do_not_wait_for_a_long_detection_and_a_face_is_where_it_is_by_then(line):
    budget = Long()
    one = line(budget)
    waiting = [one.step(red=100 + 5 * i) for i in range(6)]
    assert [lefts(result) for result in waiting] == [{}] * 6 and all(result.found is None for result in waiting)
    one.let()
    result = one.step(red=130)
    assert lefts(result) == {1: 130} and [round(box.left) for box in result.found] == [130]
    assert budget.took_ms == [result.timings["detect"]] and budget.took_ms[0] > 0
    assert [lefts(one.step(red=130 + 5 * i)) for i in range(1, 5)] == [{1: 130 + 5 * i} for i in range(1, 5)]


def test_a_face_is_followed_through_the_frames_since_however_far_it_has_come(line):
    one = line()
    one.step(red=20)
    for i in range(KEPT_FRAMES - 1):
        one.step(red=65 + 65 * i)  # so fast that it is nowhere near its last place in the next frame
    one.let()
    here = 65 * KEPT_FRAMES
    assert lefts(one.step(red=here)) == {1: here}


def test_a_followed_face_keeps_its_number_and_a_new_one_gets_the_next(line):
    one = line()
    one.step(red=100)
    one.let()
    assert lefts(one.step(red=104)) == {1: 104}
    for i in range(8):
        one.step(red=108 + 12 * i, green=400 - 3 * i)
    one.let()
    assert lefts(one.step(red=204, green=376)) == {1: 204, 2: 376}
    assert one.full.detected == 2 and one.beside._quick.detected == 0


def test_a_followed_face_that_was_lost_meanwhile_is_found_again(line):
    one = line(every=100)
    one.step(red=100)
    one.let()
    assert lefts(one.step(red=100)) == {1: 100}
    one.start(red=100)
    assert lefts(one.step(red=145)) == lefts(one.step(red=148)) == {}, "it jumped, and nobody looks there"
    one.let()
    assert lefts(one.step(red=151)) == {1: 151}


def test_followed_faces_are_refined_once_and_two_that_end_on_one_face_are_one(line):
    one = line(every=100)
    one.step(red=100, green=300)
    one.let()
    assert lefts(one.step(red=100, green=300)) == {1: 100, 2: 300}
    one.start(red=100, green=300)
    one.step(red=110, green=310)
    one.full._found = lambda image: FakeDetector()._found(scene(red=95)) + FakeDetector()._found(scene(red=105))
    one.let()
    del one.full._found
    before = one.full.refined
    assert [box.left for box in one.step(red=120, green=320).found] == [120]
    assert one.full.refined == before + 1


def test_a_face_that_has_gone_meanwhile_is_not_made_up(line):
    one = line()
    one.step(red=100)
    one.step(green=400)
    one.let()
    result = one.step(green=400)
    assert result.faces == () and result.found == ()


def test_one_detection_at_a_time_and_few_frames_are_kept(line):
    one = line()
    for i in range(40):
        one.step(red=100 + i)
    assert one.full.begun.acquire(timeout=20) and not one.full.begun.acquire(timeout=0.2)
    assert 0 < len(one.beside._since) <= KEPT_FRAMES
    one.full.may.release()
    while not one.beside._begun.done():
        pass
    assert lefts(one.step(red=140)) == {1: 140} and one.beside._since == []


def test_large_frames_are_kept_in_smaller_numbers(monkeypatch):
    beside, frame = DetectBeside(FakeDetector(), FakeDetector()), scene(red=100)
    monkeypatch.setattr(_beside, "KEPT_BYTES", 3 * frame.nbytes)
    for _ in range(20):
        beside.keep(frame)
        assert 0 < len(beside._since) <= 3
    beside.close()


def test_a_short_detection_is_waited_for_and_no_thread_is_begun():
    frames = [Frame(scene(red=100 + 4 * i), i, 0.0, i / 25, "camera") for i in range(20)]
    beside = DetectBeside(FakeDetector(), FakeDetector())

    def results(line, detector):
        rest = kalman.create(TrackingSettings()), NoAttention(), DetectionSchedule(4)
        return [(lefts(result), result.found) for result in map(line(detector, *rest).step, frames)]

    before = set(threading.enumerate())
    assert results(LivePipeline, beside) == results(Pipeline, FakeDetector())
    assert set(threading.enumerate()) <= before and beside._quick.refined == 0
    beside.close()


def test_where_somebody_may_have_to_be_covered_each_detection_is_waited_for(line):
    hides = False
    one = line(waits=lambda: hides)
    one.step(red=100)  # begun, and not ended
    hides = True
    threading.Timer(0.2, one.full.may.release, [2]).start()
    for _ in range(3):
        one.step(red=100)
    result = one.step(red=100, green=300)
    assert result.found is not None and len(result.found) == 2, "looked at in full in this frame"
    assert not one.beside.is_busy


def test_a_new_face_is_not_followed_through_frames_from_before_its_detection():
    beside = DetectBeside(FakeDetector(), FakeDetector())
    beside.keep(scene(red=400))
    beside.start(scene(red=100))
    while (late := beside.take()) is None:
        pass
    assert late.new[:, 0].tolist() == [100]
    beside.close()


def test_an_error_of_the_thread_comes_out_of_the_loop(line):
    one = line()
    one.full.detect = lambda image: 1 / 0
    one.step(red=100)
    with pytest.raises(ZeroDivisionError):
        for _ in range(1000):
            one.step(red=100)


def test_closing_waits_for_what_was_begun_and_leaves_no_thread():
    one = Line()
    one.step(red=100)
    one.full.may.release()
    one.pipeline.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("streamface-detection")]
    assert one.beside._since == [] and not one.beside.is_busy


def test_boxes_move_and_grow_as_their_tracks():
    then = {1: Box(1, 0, 11, 10), 5: Box(100, 0, 120, 20), 7: Box(300, 0, 310, 10)}
    now = {1: Box(21, 5, 31, 15), 5: Box(90, 0, 120, 30)}
    found = np.array([[100, 0, 120, 20], [0, 0, 10, 10], [301, 0, 311, 10]], float)
    late = Late(found, np.array([1, 0, 2]), np.empty((0, 4)), 1.0)
    followed, lost = moved(late, then, now)
    assert followed == [Box(90, 0, 120, 30), Box(20, 5, 30, 15)] and lost.tolist() == [[301, 0, 311, 10]]
    followed, lost = moved(Late(np.empty((0, 4)), np.empty(0, int), found, 1.0), {}, now)
    assert followed == [] and lost.shape == (0, 4)


@pytest.fixture
def built(monkeypatch, tmp_path):
    """How a live stream is built, its detector `Slow`; closed by the test's end."""
    from streamface import build
    from streamface.build import stages
    from streamface.settings import AnalysisSettings, CaptureSettings, Settings

    made = []

    class Slow(FakeDetector):
        def __init__(self):
            super().__init__()
            self.threads = []
            made.append(self)

        def detect(self, image):
            self.threads.append(threading.get_ident())
            time.sleep(0.3)
            return super().detect(image)

    class Nobody:
        """Of whom nobody is private, until somebody is."""

        private = edition = erasing = 0

    class NoAnalysis:
        def close(self):
            """Nothing to give back."""

    monkeypatch.setattr(stages, "detector", lambda settings: Slow())
    monkeypatch.setattr(stages, "matcher", lambda settings, people: None)
    settings = Settings(capture=CaptureSettings("rtsp://camera/"), analysis=AnalysisSettings(actions=()))
    people = Nobody()
    pipeline = build.pipeline(settings, people, NoAnalysis(), Pace.LIVE)
    pipeline._attention.close()
    monkeypatch.setattr(pipeline, "_attention", NoAttention())
    begin = pipeline._schedule._budget.begin

    def step(index, image):
        begin(index, index / 25)
        return pipeline.step(Frame(image, index, index / 25, None, "camera"))

    yield step, people, made
    pipeline.close()


def test_a_live_stream_waits_until_it_knows_that_detections_are_long_and_for_whoever_is_private(built):
    step, people, made = built
    begun = time.monotonic()
    step(0, scene(red=100))
    first_s = time.monotonic() - begun
    for index in range(1, 60):
        result = step(index, scene(red=100))
        time.sleep(0.02)
    assert lefts(result) == {1: 100}
    (full,) = [detector for detector in made if detector.threads]
    here = threading.get_ident()
    waited = full.threads.count(here)
    assert first_s >= 0.3 and full.threads[:waited] == [here] * waited, "first it waits"
    assert len(full.threads) > waited, "then it does not"
    people.private, later = 1, iter(range(60, 1000))
    while full.threads[-1] != here:  # what was begun beside the loop may end
        step(next(later), scene(red=100))
        time.sleep(0.02)
    before = len(full.threads)
    while len(full.threads) < before + 2:
        step(next(later), scene(red=100))
        time.sleep(0.02)
    assert set(full.threads[before:]) == {here}
