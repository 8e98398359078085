"""The capture thread, against a camera that the test plays."""

import queue
import threading
import time

import numpy as np
import pytest

from streamface.capture._live import LiveSource
from streamface.capture.base import SourceInfo
from streamface.errors import SourceError


class Camera:
    """A device that gives what the test hands it, one picture a `give`."""

    def __init__(self, is_live=True):
        self.info = SourceInfo(4, 4, 25.0, is_live)
        self.pictures = queue.Queue()
        self.taken = threading.Semaphore(0)
        self.closed_in = None

    def give(self, *numbers):
        for number in numbers:
            self.pictures.put((np.full((4, 4, 3), number, np.uint8), None))
        for _ in numbers:
            assert self.taken.acquire(timeout=5)

    def read(self):
        got = self.pictures.get()
        self.taken.release()
        if isinstance(got, Exception):
            raise got
        return got

    def close(self):
        self.closed_in = threading.current_thread()


class Source(LiveSource):
    def __init__(self, camera, timeout_s=5.0):
        super().__init__("test camera", timeout_s)
        self.camera = camera

    def connect(self):
        if isinstance(self.camera, Exception):
            raise self.camera
        return self.camera

    def silence(self):
        return SourceError("silent: knock on it")


def end(source):
    """Let the device's thread out and wait until it is gone."""
    source.camera.pictures.put(None)
    source._thread.join(5)
    assert not source._thread.is_alive()


def settle(source, index):
    """Wait until the picture of that number lies in the slot."""
    for _ in range(500):
        if source._slot is not None and source._slot[1] == index:
            return
        time.sleep(0.01)
    raise AssertionError("the picture never arrived")


def test_the_newest_frame_wins_and_the_others_are_counted():
    source = Source(Camera())
    with source:
        source.camera.give(0, 1, 2)
        settle(source, 2)
        frame = source.read()
        assert (frame.index, frame.image[0, 0, 0], source.dropped) == (2, 2, 2)
        assert frame.media_time is None and frame.source == "test camera"
        source.camera.give(3)
        assert source.read().index == 3
        assert source.dropped == 2
        source.camera.pictures.put(None)
        assert source.read() is None
    end(source)
    assert source.camera.closed_in is source._thread


def test_a_frame_is_read_once_and_read_waits_for_the_next():
    source = Source(Camera())
    with source:
        source.camera.give(0)
        assert source.read().index == 0
        later = threading.Timer(0.1, source.camera.give, args=(1,))
        later.start()
        assert source.read().index == 1
        later.join()
        source.camera.pictures.put(None)


def test_a_recording_waits_for_its_reader():
    source = Source(Camera(is_live=False))
    for number in range(5):
        source.camera.pictures.put((np.full((4, 4, 3), number, np.uint8), number / 10))
    source.camera.pictures.put(None)
    with source:
        time.sleep(0.1)
        frames = list(source)
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert [f.media_time for f in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert source.dropped == 0


def test_close_returns_within_a_second_while_the_device_blocks_and_the_thread_ends_after_it():
    source = Source(Camera())
    source.open()
    start = time.monotonic()
    source.close()
    assert time.monotonic() - start < 1
    assert source._thread.daemon and source._thread.is_alive()  # inside the device, where nothing can reach it
    end(source)
    assert source.camera.closed_in is source._thread
    source.close()


@pytest.mark.parametrize("way", ["close", "interrupt"])
def test_a_waiting_read_is_let_go(way):
    source = Source(Camera())
    source.open()
    later = threading.Timer(0.1, getattr(source, way))
    later.start()
    start = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - start < 2
    later.join()
    source.camera.pictures.put(None)
    source.close()


def test_a_recording_that_waits_for_its_reader_can_be_closed():
    source = Source(Camera(is_live=False))
    source.open()
    source.camera.give(0, 1)
    source.close()
    assert not source._thread.is_alive()


def test_silence_is_an_error_after_the_timeout():
    source = Source(Camera(), timeout_s=0.2)
    with source, pytest.raises(SourceError, match="knock on it"):
        source.read()
    end(source)


def test_the_last_frame_comes_before_the_error():
    source = Source(Camera())
    with source:
        source.camera.give(0)
        settle(source, 0)
        source.camera.pictures.put(SourceError("cable cut: mend it"))
        source._thread.join(5)
        assert source.read().index == 0
        with pytest.raises(SourceError, match="mend it"):
            source.read()
    assert source.camera.closed_in is source._thread


def test_an_error_while_opening_is_raised_by_open():
    source = Source(SourceError("no camera: buy one"))
    with pytest.raises(SourceError, match="buy one"), source:
        pass
    assert not source._thread.is_alive()


def test_a_device_that_never_opens_is_given_up():
    source = Source(Camera(), timeout_s=0.2)
    release = threading.Event()
    source.connect = lambda: release.wait(5) and source.camera
    with pytest.raises(SourceError, match="knock on it"), source:
        pass
    release.set()
    end(source)
    assert source.camera.closed_in is source._thread


def test_an_interrupt_while_opening_says_so():
    source = Source(Camera())
    release = threading.Event()
    source.connect = lambda: release.wait(5) and source.camera
    later = threading.Timer(0.1, source.interrupt)
    later.start()
    with pytest.raises(SourceError, match="stopped before it answered"), source:
        pass
    later.join()
    release.set()
    end(source)
