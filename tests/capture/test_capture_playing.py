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


def test_what_comes_too_late_is_left_out(clip):
    with open_source(clip) as source:
        first = source.read()
        time.sleep(0.5)
        late = source.read()
        assert late.index - first.index - 1 == source.dropped > 0.3 * source.info.fps


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
