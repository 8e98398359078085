import threading
import time

import numpy as np
import pytest

from streamface.errors import OutputError
from streamface.outputs import WAITING, Outputs
from streamface.profiling import Profile
from streamface.sinks.base import Sink
from streamface.types import Frame, FrameResult


def result(index: int, repeated: bool = False) -> FrameResult:
    return FrameResult(Frame(np.zeros((4, 4, 3), np.uint8), index, 0.0, index / 25, "test", repeated))


class Kept(Sink):
    """Keeps what it gets, and by which thread."""

    def __init__(self, image=True, main=False, fails_at=None, repeated=False):
        self.wants_image, self.on_main_thread, self.wants_repeated = image, main, repeated
        self.fails_at, self.closed, self.seen, self.threads = fails_at, 0, [], set()
        self.go = threading.Event()
        self.go.set()

    def write(self, result, image):
        self.go.wait(5)
        if result.frame.index == self.fails_at:
            raise OutputError("the disk is full")
        self.seen.append((result.frame.index, None if image is None else int(image[0, 0, 0])))
        self.threads.add(threading.current_thread().name)

    def close(self):
        self.closed += 1


class Rig:
    """Outputs over sinks; a drawn picture has the number of its frame in every pixel."""

    def __init__(self, *sinks, draw=None):
        self.drawn, self.failures, self.profile = [], [], Profile(100)
        self.outputs = Outputs(sinks, draw or self.draw, self.profile, self.failures)

    def draw(self, result):
        self.drawn.append((result.frame.index, threading.current_thread().name))
        return np.full((4, 4, 3), result.frame.index, np.uint8)


def test_files_are_drawn_and_written_in_order_beside_the_loop():
    video, rows = Kept(), Kept(image=False)
    rig = Rig(video, rows)
    with rig.outputs as outputs:
        for index in range(20):
            outputs.put(result(index))
    assert video.seen == [(i, i) for i in range(20)] and rows.seen == [(i, None) for i in range(20)]
    assert video.threads == rows.threads == {"streamface-writer"}
    assert [index for index, _ in rig.drawn] == list(range(20))  # once each, whoever wants it
    assert (video.closed, rows.closed) == (1, 1)
    assert set(rig.profile.totals) == {"draw", "write"}


def test_a_window_is_served_by_the_main_thread_and_its_picture_used_again():
    window, video = Kept(main=True), Kept()
    rig = Rig(window, video)
    with rig.outputs as outputs:
        outputs.put(result(7))
        assert window.seen == [(7, 7)]
    assert window.threads == {"MainThread"} and video.threads == {"streamface-writer"}
    assert video.seen == [(7, 7)] and rig.drawn == [(7, "MainThread")]


def test_nothing_is_drawn_that_nobody_wants():
    rig = Rig(Kept(image=False))
    with rig.outputs as outputs:
        outputs.put(result(0))
    assert rig.drawn == []


def test_a_slow_output_holds_the_loop_back_after_a_few_frames():
    slow, put = Kept(), []
    slow.go.clear()

    def feed(outputs):
        for index in range(10):
            outputs.put(result(index))
            put.append(index)

    with Rig(slow).outputs as outputs:
        feeding = threading.Thread(target=feed, args=(outputs,))
        feeding.start()
        end = time.monotonic() + 5
        while len(put) < WAITING + 1 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        assert len(put) == WAITING + 1  # one is in the thread's hands
        slow.go.set()
        feeding.join(5)
    assert [index for index, _ in slow.seen] == list(range(10))


def test_an_output_that_fails_is_closed_and_named_and_the_others_go_on():
    bad, good = Kept(fails_at=2), Kept()
    rig = Rig(bad, good)
    with rig.outputs as outputs:
        for index in range(5):
            outputs.put(result(index))
    assert rig.failures == ["the disk is full"] and bad.closed >= 1
    assert len(bad.seen) == 2 and len(good.seen) == 5


def test_without_any_output_left_the_run_is_to_end():
    rig = Rig(Kept(fails_at=0))
    with rig.outputs as outputs:
        assert not outputs.wants_stop
        outputs.put(result(0))
        deadline = time.monotonic() + 5
        while not outputs.wants_stop and time.monotonic() < deadline:
            time.sleep(0.01)
        assert outputs.wants_stop
    with Rig().outputs as outputs:
        assert not outputs.wants_stop  # none was asked for


def test_a_fault_while_drawing_ends_the_run_and_closes_everything():
    def broken(result):
        raise RuntimeError("no font")

    sink = Kept()
    with pytest.raises(RuntimeError, match="no font"), Rig(sink, draw=broken).outputs as outputs:
        for index in range(50):
            outputs.put(result(index))
    assert sink.closed == 1


def test_a_fault_in_the_last_frame_is_not_lost():
    class Broken(Kept):
        def write(self, result, image):
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"), Rig(Broken()).outputs as outputs:
        outputs.put(result(0))


def test_the_last_picture_of_a_lost_camera_reaches_only_those_who_want_it():
    window, video = Kept(main=True, repeated=True), Kept()
    with Rig(window, video).outputs as outputs:
        outputs.put(result(0))
        outputs.put(result(0, repeated=True))
    assert len(window.seen) == 2 and len(video.seen) == 1
