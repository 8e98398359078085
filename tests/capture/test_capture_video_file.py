import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from capture_media import number_of, turn_clip, write_clip

from streamface.capture import _decode, video_file
from streamface.capture.video_file import VideoFile
from streamface.errors import SourceError


def read_all(path):
    with VideoFile(path) as source:
        return source.info, list(source)


def test_every_frame_in_order_with_its_time(tmp_path):
    write_clip(tmp_path / "a.mp4", count=30)
    info, frames = read_all(tmp_path / "a.mp4")
    assert (info.width, info.height, info.fps, info.frame_count, info.is_live) == (64, 48, 25, 30, False)
    assert [number_of(f.image) for f in frames] == list(range(30))
    assert [f.index for f in frames] == list(range(30))
    assert np.allclose([f.media_time for f in frames], np.arange(30) / 25, atol=1e-3)
    assert all(f.image.flags.c_contiguous and f.image.dtype == np.uint8 for f in frames)
    assert frames[0].source.endswith("a.mp4")


def test_variable_frame_rate_keeps_the_times(tmp_path):
    times = [0, 0.04, 0.2, 0.21, 1.0, 3.5]
    write_clip(tmp_path / "a.mkv", count=6, times=times)
    _, frames = read_all(tmp_path / "a.mkv")
    assert np.allclose([f.media_time for f in frames], times, atol=2e-3)


def test_times_start_at_zero(tmp_path):
    write_clip(tmp_path / "a.ts", count=5, times=[7 + i / 25 for i in range(5)])
    _, frames = read_all(tmp_path / "a.ts")
    assert np.allclose([f.media_time for f in frames], np.arange(5) / 25, atol=2e-3)


def test_times_never_fall_or_stand(monkeypatch):
    decoder = object.__new__(_decode.Decoder)
    decoder._last, decoder._start = -1.0, None
    decoder._stream = type("Stream", (), {"time_base": Fraction(1, 10)})
    monkeypatch.setattr(_decode.Decoder, "fps", 10.0)
    stamps = [50, 51, 51, None, 50, 60]
    times = [decoder.time_of(type("Frame", (), {"pts": stamp})) for stamp in stamps]
    assert np.allclose(times, [0, 0.1, 0.2, 0.3, 0.4, 1.0])


ONE, LAST = 1 << 16, 1 << 30


@pytest.mark.parametrize(
    ("matrix", "corner", "size"),
    [
        ((ONE, 0, 0, 0, ONE, 0, 0, 0, LAST), (0, 0), (64, 48)),
        ((0, ONE, 0, -ONE, 0, 0, 48 * ONE, 0, LAST), (0, 1), (48, 64)),
        ((-ONE, 0, 0, 0, -ONE, 0, 64 * ONE, 48 * ONE, LAST), (1, 1), (64, 48)),
        ((0, -ONE, 0, ONE, 0, 0, 0, 64 * ONE, LAST), (1, 0), (48, 64)),
    ],
)
def test_a_turned_video_comes_upright(tmp_path, matrix, corner, size):
    path = tmp_path / "phone.mp4"
    write_clip(path, count=3)
    turn_clip(path, matrix)
    info, frames = read_all(path)
    assert (info.width, info.height) == size == frames[0].size_wh
    image = frames[0].image[:, :, 0]
    bright = [image[:6, :6], image[:6, -6:], image[-6:, :6], image[-6:, -6:]]
    assert int(np.argmax([part.mean() for part in bright])) == corner[0] * 2 + corner[1]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.gif", "gif", "rgb8"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.mov", "libx264", "yuv444p"),
    ],
)
def test_other_formats(tmp_path, name, codec, pix_fmt):
    write_clip(tmp_path / name, count=8, codec=codec, pix_fmt=pix_fmt)
    _, frames = read_all(tmp_path / name)
    assert len(frames) == 8
    assert all(abs(number_of(f.image) - i) <= (4 if codec == "gif" else 1) for i, f in enumerate(frames))


def test_both_ways_to_bgr_agree():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (48, 64, 3), np.uint8), (0, 0), 4)
    frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
    assert np.abs(_decode._bgr(frame).astype(int) - frame.to_ndarray(format="bgr24")).max() <= 4


def test_odd_sizes_and_names_in_any_script(tmp_path):
    path = tmp_path / "видео 影片 é.mkv"
    write_clip(path, count=3, size_wh=(65, 47), codec="ffv1", pix_fmt="yuv420p")
    info, frames = read_all(path)
    assert (info.width, info.height) == (65, 47) and len(frames) == 3


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_a_file_that_breaks_off_gives_what_is_there_then_says_when(tmp_path, capfd, damage):
    path = tmp_path / "broken.mp4"
    write_clip(path, count=40, gop_size=1, faststart=True)
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    middle = (start + len(data)) // 2
    path.write_bytes(data[:middle] + (bytes(len(data) - middle) if damage == "zeros" else b""))
    frames = []
    pattern = r"broken at \d\.\d\d s, after \d+ frames .*what came before is complete"
    with VideoFile(path) as source, pytest.raises(SourceError, match=pattern) as caught:
        for frame in source:
            frames.append(frame)
    assert 10 <= len(frames) <= 30
    # the very last one may be half a picture
    assert [number_of(f.image) for f in frames[:-1]] == list(range(len(frames) - 1))
    assert f"at {frames[-1].media_time:.2f} s, after {len(frames)} frames" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_fragmented_recording_that_was_cut_off_is_read_to_its_end(tmp_path):
    write_clip(tmp_path / "whole.ts", count=40, gop_size=1)
    data = (tmp_path / "whole.ts").read_bytes()
    (tmp_path / "cut.ts").write_bytes(data[: len(data) // 2])
    _, frames = read_all(tmp_path / "cut.ts")
    assert 10 <= len(frames) < 40


def test_a_damaged_packet_is_passed_over(tmp_path):
    write_clip(tmp_path / "a.avi", count=20, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray((tmp_path / "a.avi").read_bytes())
    at = [i for i in range(len(data) - 4) if data[i : i + 4] == b"00dc"][7]
    data[at + 8 : at + 200] = bytes(192)
    (tmp_path / "a.avi").write_bytes(data)
    _, frames = read_all(tmp_path / "a.avi")
    assert 18 <= len(frames) <= 20
    assert number_of(frames[-1].image) == 19


def test_a_video_of_nothing_but_damage_is_given_up(tmp_path, monkeypatch):
    write_clip(tmp_path / "a.avi", count=20, codec="mjpeg", pix_fmt="yuvj420p")
    monkeypatch.setattr(_decode, "MOST_BAD_PACKETS", 5)
    monkeypatch.setattr(_decode.Decoder, "decoded", lambda self, packet: None)
    with pytest.raises(SourceError, match="nothing after this can be decoded"):
        read_all(tmp_path / "a.avi")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no file .*: check the path"),
        (b"", "is empty: copy or download it again"),
        (b"this is no video\n" * 100, "cannot be read as a video .*: give a video"),
        ("sound", "there is no picture in it"),
        ("cut", "cannot be read as a video"),
    ],
)
def test_what_is_no_video(tmp_path, capfd, content, expected):
    path = tmp_path / "a.mp4"
    if content == "sound":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=16000)
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            sound.sample_rate = 16000
            container.mux(stream.encode(sound))
            container.mux(stream.encode())
    elif content == "cut":
        write_clip(path, count=10)
        path.write_bytes(path.read_bytes()[:600])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=expected) as caught, VideoFile(path):
        pass
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_close_ends_it_and_may_be_called_twice(tmp_path):
    write_clip(tmp_path / "a.mp4", count=5)
    source = VideoFile(tmp_path / "a.mp4")
    source.open()
    source.read()
    source.close()
    source.close()
    assert source.read() is None
    with source:
        assert len(list(source)) == 5


def test_it_may_be_closed_from_another_thread_while_it_is_read(tmp_path):
    write_clip(tmp_path / "a.mp4", count=200, size_wh=(320, 240))
    for wait_s in (0.0, 0.002, 0.01):
        source = VideoFile(tmp_path / "a.mp4")
        source.open()
        closer = threading.Timer(wait_s, source.close)
        closer.start()
        read = sum(1 for _ in source)
        closer.join()
        assert read <= 200 and source.read() is None


def test_matches(tmp_path):
    write_clip(tmp_path / "a.gif", count=2, codec="gif", pix_fmt="rgb8")
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert video_file.matches(str(tmp_path / "a.gif"))
    assert not video_file.matches(str(tmp_path / "a.jpg")) and not video_file.matches(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "count", "last"),
    [("crowd_1080p.mp4", 105, 4.16), ("classroom.gif", 45, 2.93), ("head-pose-face-detection-female.gif", 23, 1.83)],
)
def test_real_clips(data, name, count, last):
    path = data / "media" / name
    with VideoFile(path) as source:
        first = source.read()
        times = [frame.media_time for frame in source]
    assert source.info.frame_count == len(times) + 1 == count
    assert times[-1] == pytest.approx(last, abs=0.01)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    ok, expected = capture.read()
    capture.release()
    assert ok and np.abs(expected.astype(int) - first.image).mean() < 2
