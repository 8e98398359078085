"""Network cameras, played by servers on this machine."""

import io
import logging
import time

import pytest
from capture_media import (
    http_camera,
    number_of,
    rtsp_camera,
    send_mjpeg,
    silent_server,
    start_mjpeg,
    write_clip,
)

from streamface.capture import network
from streamface.capture.network import NetworkSource
from streamface.errors import SourceError
from streamface.settings import CaptureSettings

SECRET = "geheim"


def transport_stream(count=20):
    target = io.BytesIO()
    write_clip(target, count=count, format="mpegts", gop_size=1)
    return target.getvalue()


def test_an_mjpeg_camera_gives_its_newest_frame():
    def body(handler):
        start_mjpeg(handler)
        for number in range(12):
            send_mjpeg(handler, number)
            time.sleep(0.03)

    frames = []
    with http_camera(body) as place, NetworkSource(f"http://{place}/", 5) as source:
        assert source.info.is_live and source.info.frame_count is None
        assert (source.info.width, source.info.height) == (64, 48)
        frames.append(source.read())
        time.sleep(0.2)
        with pytest.raises(SourceError, match="was lost .*check the camera"):
            while frame := source.read():
                frames.append(frame)
    numbers = [f.index for f in frames]
    assert numbers == sorted(set(numbers)) and source.dropped == numbers[-1] + 1 - len(numbers) > 0
    assert all(number_of(f.image) == f.index and f.media_time is None for f in frames)


def test_a_recording_behind_an_address_is_read_frame_by_frame(tmp_path):
    write_clip(tmp_path / "a.mp4", count=30, faststart=True)
    data = (tmp_path / "a.mp4").read_bytes()

    def body(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with http_camera(body) as place, NetworkSource(f"http://{place}/a.mp4", 5) as source:
        assert not source.info.is_live and source.info.frame_count == 30
        frames = list(source)
    assert [number_of(f.image) for f in frames] == list(range(30))
    assert frames[-1].media_time == pytest.approx(29 / 25, abs=1e-3) and source.dropped == 0


def test_an_rtsp_camera_and_its_password(caplog):
    caplog.set_level(logging.DEBUG)
    with rtsp_camera(transport_stream()) as (place, requests):
        with NetworkSource(f"rtsp://bob:{SECRET}@{place}/live?token={SECRET}", 1.5) as source:
            assert source.info.is_live
            frame = source.read()
            with pytest.raises(SourceError, match="gave no picture|was lost") as caught:
                while source.read():
                    continue
        source._thread.join(5)
    assert number_of(frame.image) == frame.index
    assert requests[0].startswith("OPTIONS")
    for text in (source.name, str(caught.value), frame.source, caplog.text):
        assert SECRET not in text and "bob" not in text


def test_a_camera_that_goes_silent_counts_as_lost():
    def body(handler):
        start_mjpeg(handler)
        for number in range(3):
            send_mjpeg(handler, number)
        handler.connection.recv(1)  # until the other side has had enough

    with http_camera(body) as place, NetworkSource(f"http://bob:{SECRET}@{place}/", 0.5) as source:
        start = time.monotonic()
        with pytest.raises(SourceError, match="gave no picture for|was lost") as caught:
            while source.read():
                continue
        assert time.monotonic() - start < 3
        source._thread.join(3)
    assert not source._thread.is_alive()
    assert SECRET not in str(caught.value) and "bob" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_given_up_in_time(scheme, capfd):
    with silent_server() as place:
        source = NetworkSource(f"{scheme}://bob:{SECRET}@{place}/live", 0.5)
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"gave no picture for 0\.5 s: check|no answer in time") as caught, source:
            pass
        assert time.monotonic() - start < 3
        source._thread.join(3)
    assert not source._thread.is_alive()
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_close_while_the_camera_is_silent_takes_less_than_a_second():
    def body(handler):
        start_mjpeg(handler)
        for number in range(3):
            send_mjpeg(handler, number)
        handler.connection.recv(1)

    with http_camera(body) as place:
        source = NetworkSource(f"http://{place}/", 1.5)
        source.open()
        while source.read().index < 2:
            continue
        time.sleep(0.1)  # now the thread waits inside FFmpeg
        start = time.monotonic()
        source.close()
        assert time.monotonic() - start < 1
        source._thread.join(4)
        assert not source._thread.is_alive()  # its own read timeout ended it


def answer(status, text=b"hello"):
    def body(handler):
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(text)

    return body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (answer(401), "user name or password is wrong"),
        (answer(403), "access is forbidden"),
        (answer(404), "nothing is at this path"),
        (answer(500), "cannot read"),
        (
            answer(200, b"<html>no camera</html>" * 200),
            r"cannot read .*\((the data is not a video|the data ends too early)",
        ),
        (answer(200, b""), "cannot read"),
    ],
)
def test_a_server_that_is_no_camera(body, expected, capfd):
    with http_camera(body) as place:
        with pytest.raises(SourceError, match=expected) as caught, NetworkSource(f"http://a:{SECRET}@{place}/", 5):
            pass
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", f"rtsp://bob:{SECRET}@127.0.0.1:1/live"])
def test_nobody_listens(address):
    with pytest.raises(SourceError, match="connection refused.*check that the camera is on") as caught:
        with NetworkSource(address, 5):
            pass
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("rtsp://cam/1", True), ("HTTPS://cam", True), (" http://cam", True), ("ftp://cam", False), ("cam.mp4", False)],
)
def test_matches(source, expected):
    assert network.matches(source) is expected


def test_create_shows_no_password():
    source = network.create(CaptureSettings(source=f"rtsp://bob:{SECRET}@cam/live", timeout_s=3))
    assert source.name == "rtsp://cam/live" and source.timeout_s == 3
    assert SECRET not in repr(source)
