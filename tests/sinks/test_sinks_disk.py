"""A slow disk holds nobody up, since no writer asks it to hurry, and it gets everything."""

import os
import threading
import time

import pytest
from sink_results import face, result

from streamface.sinks._disk import DiskSync
from streamface.sinks.events import EventsSink, to_file
from streamface.sinks.recorder import RecorderSink, Recording

SYNC = "fdatasync" if hasattr(os, "fdatasync") else "fsync"


@pytest.fixture
def slow_disk(monkeypatch):
    """A disk that takes 0.2 s; the sizes of what it was asked to keep, which nobody may ask in the writer's thread."""
    kept, writer = [], threading.current_thread()

    def slowly(descriptor):
        assert threading.current_thread() is not writer
        kept.append(os.fstat(descriptor).st_size)
        time.sleep(0.2)

    monkeypatch.setattr(os, SYNC, slowly)
    monkeypatch.setattr(os, "fsync", slowly)
    return kept


def test_the_last_change_always_gets_there(tmp_path, slow_disk):
    path = tmp_path / "a"
    path.touch()
    sync = DiskSync(path)
    for _ in range(29):
        with open(path, "ab") as file:
            file.write(b"x")
        sync.soon()
        time.sleep(0.02)
    sync.close()
    assert slow_disk[-1] == 29 and len(slow_disk) < 10


def test_what_is_no_file_is_no_trouble(tmp_path):
    sync = DiskSync(tmp_path / "missing")
    sync.soon()
    sync.close()


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "e.sqlite"])
def test_events_do_not_wait_for_the_disk(tmp_path, slow_disk, name):
    sink = EventsSink([to_file(tmp_path / name)])
    for index in range(40):
        sink.write(result(index, face(index + 1), live=True, seconds=index * 6.0), None)
    sink.close()
    assert slow_disk and slow_disk[-1] > 0


def test_a_recording_does_not_wait_for_the_disk_and_its_end_gets_there(tmp_path, slow_disk):
    from recordings import files
    from test_sinks_recorder import play, seconds

    sink = RecorderSink(Recording(tmp_path, segment_s=1.0))
    play(sink, seconds(250))
    sink.close()
    assert files(tmp_path)[-1].stat().st_size in slow_disk
