import time
from dataclasses import replace

import pytest
from capture_media import write_clip

from streamface.capture.select import open_source
from streamface.errors import SourceError
from streamface.settings import CaptureSettings


@pytest.fixture
def clip(tmp_path):
    write_clip(tmp_path / "clip.mkv", count=5)
    return CaptureSettings(source=str(tmp_path / "clip.mkv"), loop=True)


def test_a_file_is_played_over_and_over_like_a_camera(clip):
    with open_source(clip) as source:
        assert source.info.is_live and not source.is_file and source.info.frame_count is None
        begun = time.time()
        frames = [source.read() for _ in range(12)]
    assert all(frame.media_time is None and frame.captured_at >= begun for frame in frames)
    indices = [frame.index for frame in frames]
    assert indices == sorted(set(indices)) and indices[-1] >= 11
    assert time.time() - begun >= 10 / source.info.fps, "at its own speed"
    with open_source(replace(clip, loop=False)) as once:
        assert len(list(once)) == 5 and once.is_file


def test_whoever_is_slow_sees_it_slower_and_misses_nothing(clip):
    with open_source(clip) as source:
        source.read()
        time.sleep(0.5)
        begun = time.time()
        indices = [source.read().index for _ in range(9)]
        assert indices == list(range(1, 10)) and time.time() - begun >= 7 / source.info.fps, "no hurry afterwards"


def test_an_interrupt_ends_it(clip):
    with open_source(clip) as source:
        source.read()
        source.interrupt()
        assert source.read() is None


def test_a_file_that_vanishes_ends_with_its_error(clip, tmp_path):
    with open_source(clip) as source:
        source.read()
        (tmp_path / "clip.mkv").unlink()
        with pytest.raises(SourceError, match="there is no file"):
            for _ in range(50):
                source.read()
