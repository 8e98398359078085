"""Which packets a reader leaves out, with a camera of 10 pictures a second and a key frame every second."""

import pytest

from streamface.capture._pace import Pace


class Reader:
    """Reads packets that take `work_s` each; the camera's clock starts at 1000 and may be slow."""

    def __init__(self, drift=0.0):
        self.pace, self.now, self.number, self.drift = Pace(), 0.0, 0, drift
        self.decoded, self.latest = [], []

    def read(self, packets, work_s, transit_s=0.0):
        for _ in range(packets):
            arrives = self.number * 0.1 + transit_s
            waited_s = max(0.0, arrives - self.now)
            self.now = max(self.now, arrives)
            stamp = 1000 + self.number * 0.1 * (1 - self.drift)
            if not self.pace.skips(stamp, self.number % 10 == 0, self.now, waited_s):
                self.decoded.append(self.number)
                self.latest.append(self.now - arrives)
                self.now += work_s
            self.number += 1


def test_a_reader_that_keeps_up_leaves_nothing_out():
    reader = Reader()
    reader.read(2000, 0.09)
    assert len(reader.decoded) == 2000


@pytest.mark.parametrize("work_s", [0.15, 0.2, 0.5])
def test_a_slow_reader_stays_within_a_key_frames_time_and_begins_with_key_frames(work_s):
    reader = Reader()
    reader.read(3000, work_s)
    assert max(reader.latest[30:]) < 2.5 and max(reader.latest[-100:]) < 2.5
    assert len(reader.decoded) > 0.5 * 3000 * 0.1 / work_s  # most of what it can do
    gaps = [b for a, b in zip(reader.decoded, reader.decoded[1:], strict=False) if b != a + 1]
    assert gaps and all(number % 10 == 0 for number in gaps)


def test_what_piled_up_is_left_out_and_the_newest_is_there():
    reader = Reader()
    reader.read(100, 0.01)
    reader.now += 8  # it was held up
    reader.read(200, 0.01)
    assert set(range(170, 300)) <= set(reader.decoded)
    assert len(reader.decoded) < 290


def test_data_that_comes_late_is_not_the_readers_fault():
    reader = Reader()
    reader.read(100, 0.01)
    reader.read(300, 0.01, transit_s=3.0)
    assert len(reader.decoded) == 400


@pytest.mark.parametrize(("work_s", "lost"), [(0.06, 0), (0.09, 200)])
def test_a_clock_that_runs_slow_is_no_delay(work_s, lost):
    reader = Reader(drift=0.001)  # twenty times worse than a cheap quartz
    reader.read(36_000, work_s)
    assert len(reader.decoded) >= 36_000 - lost
