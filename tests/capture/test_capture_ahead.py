import threading

import numpy as np
import pytest

from streamface.capture._ahead import FRAMES, ReadAhead
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.types import Frame


class Counted(Source):
    """Frames 0 to `count`, then the end or an error."""

    name = "counted"

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error, self.given, self.closed = count, error, 0, 0

    def open(self) -> SourceInfo:
        return SourceInfo(4, 4, 25.0, False, self.count)

    def read(self) -> Frame | None:
        if self.given == self.count:
            if self.error:
                raise self.error
            return None
        self.given += 1
        return Frame(np.full((4, 4, 3), self.given, np.uint8), self.given - 1, 0.0, self.given / 25, self.name)

    def close(self) -> None:
        self.closed += 1


def test_every_frame_comes_in_order_and_then_the_end():
    with ReadAhead(Counted(50)) as source:
        assert source.info.frame_count == 50
        assert [frame.index for frame in source] == list(range(50))
        assert source.read() is None


def test_an_error_comes_after_the_frames_before_it():
    with ReadAhead(Counted(3, SourceError("broken at 0.12 s"))) as source:
        assert [source.read().index for _ in range(3)] == [0, 1, 2]
        with pytest.raises(SourceError, match="broken at 0.12 s"):
            source.read()
        assert source.read() is None


def test_it_reads_ahead_but_not_without_end():
    inner = Counted(1000)
    with ReadAhead(inner) as source:
        source.read()
        for _ in range(200):
            if inner.given >= 2 + FRAMES:
                break
            threading.Event().wait(0.01)
        threading.Event().wait(0.05)
        assert inner.given == 2 + FRAMES  # one read, some waiting, one in the thread's hand


def test_closing_early_leaves_no_thread_and_closes_once():
    before, inner = set(threading.enumerate()), Counted(1000)
    with ReadAhead(inner) as source:
        source.read()
    assert set(threading.enumerate()) <= before and inner.closed == 1
    assert source.read() is None
    source.close()


def test_a_source_that_does_not_open_starts_no_thread():
    class Missing(Counted):
        def open(self) -> SourceInfo:
            raise SourceError("no such file")

    before = set(threading.enumerate())
    with pytest.raises(SourceError, match="no such file"):
        ReadAhead(Missing(1)).open()
    assert set(threading.enumerate()) <= before
