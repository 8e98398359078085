import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from sink_results import result

from streamface.errors import OutputError
from streamface.sinks import video
from streamface.sinks.video import VideoSink

JUMPY = [10.0, 10.04, 10.08, 10.5, 10.54, 12.0, 12.001, 12.2]
"""Seconds of frames of a stream that lost some."""


def picture(shade=0, size_wh=(64, 48), seed=None):
    if seed is not None:
        return np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    return np.full((size_wh[1], size_wh[0], 3), shade, np.uint8)


def record(path, times, images=None, live=False, fps=25):
    with VideoSink(path, fps) as sink:
        for index, seconds in enumerate(times):
            image = images[index] if images else picture(10 * index % 256)
            sink.write(result(index, live=live, seconds=seconds), image)
    return path


def decoded(path):
    """Times and pictures of a file, as far as they can be read."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    return [time for time, _ in frames], [image for _, image in frames]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("ending", "exact"), [(".mp4", 1 / 90_000), (".MOV", 1 / 90_000), (".m4v", 1 / 90_000), (".mkv", 0.001)]
)
def test_frames_keep_the_times_of_their_source(tmp_path, ending, exact, live):
    times, images = decoded(record(tmp_path / f"a{ending}", JUMPY, live=live))
    assert np.abs(np.array(times) - (np.array(JUMPY) - 10)).max() <= exact
    assert [round(image.mean() / 10) for image in images] == list(range(8))


def test_the_file_says_what_a_browser_needs(tmp_path):
    with av.open(str(record(tmp_path / "a.mp4", JUMPY, fps=20))) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.duration * stream.time_base) == pytest.approx(2.2 + 0.05, abs=0.001)
    boxes = top_boxes((tmp_path / "a.mp4").read_bytes())
    assert boxes.count("moov") == 1 and "moof" not in boxes, "an ordinary file with one index"


def top_boxes(data):
    names, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode("latin1"))
        at += size or len(data)
    return names


def test_frames_at_one_time_are_kept_in_order(tmp_path):
    times, images = decoded(record(tmp_path / "a.mp4", [0.0, 0.0, -1.0, 0.04]))
    assert len(images) == 4 and times == sorted(set(times))


def test_a_player_can_jump_every_two_seconds(tmp_path):
    record(tmp_path / "a.mp4", np.arange(100) / 10, [picture(50)] * 100)
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.is_keyframe and p.pts is not None]
    assert keys == pytest.approx([0, 2, 4, 6, 8])


@pytest.mark.parametrize(
    ("size_wh", "stored"), [((65, 47), (66, 48)), ((64, 47), (64, 48)), ((1, 1), (2, 2)), ((63, 48), (64, 48))]
)
def test_odd_sizes_gain_a_row_or_column(tmp_path, size_wh, stored):
    _, images = decoded(record(tmp_path / "a.mp4", [0, 0.04], [picture(200, size_wh)] * 2))
    assert images[0].shape[1::-1] == stored
    assert images[0].min() > 190, "the edge is repeated, not black"


def test_frames_of_another_size_are_scaled_into_the_first_with_bars(tmp_path):
    wide = picture(200, (160, 40))
    _, images = decoded(record(tmp_path / "a.mp4", [0, 0.04, 0.08], [picture(200), wide, picture(200)]))
    assert [image.shape for image in images] == [(48, 64, 3)] * 3
    assert images[1][20:28].mean() > 180 and images[1][:12].mean() < 30 and images[1][36:].mean() < 30
    assert images[2].mean() > 190


def test_colours_are_kept(tmp_path):
    image = picture()
    image[:] = (30, 60, 220)
    _, images = decoded(record(tmp_path / "a.mp4", [0, 0.04], [image, image]))
    assert np.abs(images[0][24, 32].astype(int) - (30, 60, 220)).max() <= 4


def test_a_run_without_a_frame_leaves_what_was_there(tmp_path):
    path = tmp_path / "new" / "a.mp4"
    VideoSink(path).close()
    assert list(path.parent.iterdir()) == []
    path.write_bytes(b"old")
    VideoSink(path).close()
    assert path.read_bytes() == b"old"
    record(path, [0.0])
    assert len(decoded(path)[0]) == 1


def test_closing_twice_is_fine(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4")
    sink.write(result(0), picture())
    sink.close()
    sink.close()


@pytest.mark.parametrize("name", ["a.avi", "a", "a.gif"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(OutputError, match=r"\.mp4, \.m4v, \.mov, \.mkv; end the name"):
        VideoSink(tmp_path / name)


def test_a_place_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        VideoSink(tmp_path / "file" / "a.mp4")


class Filling:
    """A file on a disk with room for `room` bytes; also when it goes back to change what is written."""

    def __init__(self, path, mode, buffering):
        self.file, self.room = open(path, mode, buffering=buffering), Filling.size

    def write(self, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        done = self.file.write(data[: self.room])
        self.room -= done
        return done

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *info):
        self.file.close()


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("size", [60_000, 150_000, 200_001])
def test_a_full_disk_leaves_a_file_that_plays(tmp_path, monkeypatch, size, ending):
    Filling.size = size
    monkeypatch.setattr(video, "open", Filling, raising=False)
    sink, path, written = VideoSink(tmp_path / f"a{ending}", 25), tmp_path / f"a{ending}", 0
    with pytest.raises(OutputError, match=f"a{ending}: No space left on device; free some space"):
        for written in range(2000):
            sink.write(result(written), picture(size_wh=(160, 120), seed=written))
    sink.close()
    monkeypatch.undo()
    times, _ = decoded_as_far_as_possible(path)
    assert path.stat().st_size <= size
    assert written - len(times) <= 40, "at most the last second and a half is lost"


def decoded_as_far_as_possible(path):
    times, images = [], []
    with av.open(str(path)) as container:
        try:
            for frame in container.decode(video=0):
                times.append(frame.time)
                images.append(frame)
        except av.FFmpegError:
            pass
    return times, images


def test_a_disk_that_fills_at_the_very_end_leaves_a_file_that_plays(tmp_path, monkeypatch):
    path = record(tmp_path / "a.mp4", np.arange(60) / 25, [picture(seed=i) for i in range(60)])
    Filling.size = path.stat().st_size - 300  # the index at the end does not fit
    monkeypatch.setattr(video, "open", Filling, raising=False)
    sink = VideoSink(tmp_path / "b.mp4", 25)
    for index in range(60):
        sink.write(result(index), picture(seed=index))
    with pytest.raises(OutputError, match="No space left"):
        sink.close()
    sink.close()
    assert len(decoded_as_far_as_possible(tmp_path / "b.mp4")[0]) >= 40


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_full_from_the_start_is_an_error_in_one_line(tmp_path):
    (tmp_path / "a.mp4").symlink_to("/dev/full")
    sink = VideoSink(tmp_path / "a.mp4")
    with pytest.raises(OutputError, match="No space left on device"):
        for index in range(100):
            sink.write(result(index), picture(seed=index))
    sink.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
def test_a_killed_run_leaves_a_video_up_to_the_last_second(tmp_path, ending):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from test_sinks_video import *\n"
        "sink = VideoSink(sys.argv[2], 25)\n"
        "for i in range(90): sink.write(result(i), picture(seed=i))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    path = tmp_path / f"a{ending}"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(path)], stdout=subprocess.PIPE
    ) as run:
        assert run.stdout.readline().strip() == b"ready"
        run.send_signal(signal.SIGKILL)
    times, _ = decoded_as_far_as_possible(path)
    assert len(times) >= 90 - 25
    assert np.allclose(times, np.arange(len(times)) / 25, atol=0.001)
