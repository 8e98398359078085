"""Network cameras, played by servers on this machine."""

import io
import logging
import subprocess
import sys
import time

import processes
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

from streamface.capture import _network_device, network
from streamface.capture._decode import Broken
from streamface.capture._network_device import NetworkDevice
from streamface.capture._wire import Damage, RawPicture
from streamface.capture.network import NetworkSource
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import LIVE, LOST, STALLED

SECRET = "geheim"


def camera(address, timeout_s=20.0, **more):
    return NetworkSource(CaptureSettings(source=address, timeout_s=timeout_s, **more))


@pytest.fixture(autouse=True)
def _no_process_left():
    yield
    end = time.monotonic() + 5
    while processes.children() and time.monotonic() < end:
        time.sleep(0.05)
    assert not processes.children()


def transport_stream(count=20, gop_size=1):
    target = io.BytesIO()
    write_clip(target, count=count, format="mpegts", gop_size=gop_size)
    return target.getvalue()


def test_an_mjpeg_camera_gives_its_newest_frame_and_is_back_after_it_was_lost():
    def body(handler):
        start_mjpeg(handler)
        for number in range(12):
            send_mjpeg(handler, number)
            time.sleep(0.03)

    frames = []
    with http_camera(body) as place, camera(f"http://{place}/") as source:
        assert source.info.is_live and source.info.frame_count is None and source.info.fps is None
        assert (source.info.width, source.info.height) == (64, 48)
        frames.append(source.read())
        time.sleep(0.2)
        while not (frame := source.read()).repeated:
            frames.append(frame)
        numbers = [f.index for f in frames]
        assert numbers == sorted(set(numbers)) and source.dropped == numbers[-1] + 1 - len(numbers) > 0
        assert all(number_of(f.image) == f.index and f.media_time is None for f in frames)
        assert next(f for f in source if not f.repeated and f.index > 11)
        assert [e.kind for e in source.take_events()] == [LIVE, LOST, LIVE]


def test_a_recording_behind_an_address_is_read_frame_by_frame(tmp_path):
    write_clip(tmp_path / "a.mp4", count=30, faststart=True)
    data = (tmp_path / "a.mp4").read_bytes()

    def body(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with http_camera(body) as place, camera(f"http://{place}/a.mp4") as source:
        assert not source.info.is_live and source.info.frame_count == 30
        frames = list(source)
    assert [number_of(f.image) for f in frames] == list(range(30))
    assert frames[-1].media_time == pytest.approx(29 / 25, abs=1e-3) and source.dropped == 0


def test_an_rtsp_camera_and_its_password(caplog):
    caplog.set_level(logging.DEBUG)
    with rtsp_camera(transport_stream()) as (place, requests):
        with camera(f"rtsp://bob:{SECRET}@{place}/live?token={SECRET}", 1.5) as source:
            assert source.info.is_live
            frame = source.read()
            while source.state.state != LOST:  # the camera says no more
                source.read()
            for process in processes.running():
                assert SECRET not in process.info["command"], process
            texts = [source.name, frame.source, str(source.state), *map(str, source.take_events())]
    assert number_of(frame.image) == frame.index
    assert requests[0].startswith("OPTIONS")
    for text in (*texts, caplog.text):
        assert SECRET not in text and "bob" not in text
    assert "is lost" in caplog.text


def test_a_camera_that_goes_silent_stalls_and_is_then_lost():
    def body(handler):
        start_mjpeg(handler)
        for number in range(3):
            send_mjpeg(handler, number)
        handler.connection.recv(1)  # until the other side has had enough

    with http_camera(body) as place, camera(f"http://bob:{SECRET}@{place}/", 4) as source:
        while source.state.state != LOST:
            source.read()
        assert [e.kind for e in source.take_events()] == [LIVE, STALLED, LOST]
        assert SECRET not in source.state.reason


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_given_up_in_time(scheme, capfd):
    with silent_server() as place:
        source = camera(f"{scheme}://bob:{SECRET}@{place}/live", 0.5)
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"gave no picture for 0\.5 s: check|no answer in time") as caught, source:
            pass
        assert time.monotonic() - start < 25  # a minute and more, without timeouts
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_close_while_the_camera_is_silent_takes_no_time():
    def body(handler):
        start_mjpeg(handler)
        for number in range(3):
            send_mjpeg(handler, number)
        handler.connection.recv(1)

    with http_camera(body) as place:
        source = camera(f"http://{place}/")
        source.open()
        while source.read().index < 2:
            continue
        time.sleep(0.1)  # now the thread waits inside FFmpeg
        start = time.monotonic()
        source.close()
        assert time.monotonic() - start < 4 and not source._thread.is_alive()


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
        with pytest.raises(SourceError, match=expected) as caught, camera(f"http://a:{SECRET}@{place}/"):
            pass
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", f"rtsp://bob:{SECRET}@127.0.0.1:1/live"])
def test_nobody_listens(address):
    with pytest.raises(SourceError, match="connection refused.*check that the camera is on") as caught:
        with camera(address):
            pass
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"rtsp://bob:{SECRET}@no-camera.invalid/live", "its host's name cannot be resolved"),
        (f"rtsp://bob:{SECRET}/1@127.0.0.1:554/live", "in a password @ / "),
    ],
)
def test_an_address_that_leads_nowhere(address, said):
    with pytest.raises(SourceError, match=said) as caught, camera(address):
        pass
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("rtsp://cam/1", True), ("HTTPS://cam", True), (" http://cam", True), ("ftp://cam", False), ("cam.mp4", False)],
)
def test_matches(source, expected):
    assert network.matches(source) is expected


def test_what_ffmpeg_complains_about_is_told_between_the_pictures():
    def body(handler):
        start_mjpeg(handler)
        for number in range(12):
            send_mjpeg(handler, number)
            time.sleep(0.02)

    class Complaints:
        said = [False, False, True]

        def take(self):
            return bool(self.said) and self.said.pop(0)

    with http_camera(body) as place:
        device = NetworkDevice(f"http://{place}/", 20.0, "tcp", Complaints())
        kinds = [type(device.read()) for _ in range(4)]
        device.close()
    assert kinds == [RawPicture, RawPicture, Damage, RawPicture]


def test_packets_that_come_too_late_are_left_out(monkeypatch):
    class Pace:
        def skips(self, stamp, is_key, now, waited_s):
            return not is_key

    class Silent:
        def take(self):
            return False

    monkeypatch.setattr(_network_device, "Pace", Pace)
    numbers = []
    with rtsp_camera(transport_stream(30, 5)) as (place, _):
        device = NetworkDevice(f"rtsp://{place}/live", 2.0, "tcp", Silent())
        with pytest.raises(Broken):  # the camera says no more
            while picture := device.read():
                numbers.append(number_of(picture.bgr()))
        device.close()
    assert len(numbers) > 2 and all(number % 5 == 0 for number in numbers), numbers


def test_ffmpeg_is_heard_complaining_about_a_damaged_picture(tmp_path):
    """In a process of its own, as `Complaints` takes the standard error."""
    write_clip(tmp_path / "clip.mkv", count=60, size_wh=(320, 192))
    code = (
        "import sys, time\n"
        "from streamface.capture._complaints import Complaints\n"
        "from streamface.capture._decode import Decoder\n"
        "heard, decoder = Complaints(), Decoder(sys.argv[1], low_delay=True)\n"
        "for packet in decoder.packets():\n"
        "    data = bytearray(packet or b'')\n"
        "    data[len(data) // 2 :: 5] = data[len(data) // 2 :: 5][::-1]\n"
        "    decoder.decoded(type(packet)(bytes(data)) if packet else None)\n"
        "end = time.monotonic() + 20\n"
        "while not (told := heard.take()) and time.monotonic() < end: time.sleep(0.01)\n"
        "print(told)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "clip.mkv")], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_reader_is_told_what_was_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(network, "ReaderProcess", lambda request, deliver: asked.append(request))
    camera(f"rtsp://bob:{SECRET}@cam/live", 3.5, transport="udp").start_reader(0.7, True, print)
    arguments = {"address": f"rtsp://bob:{SECRET}@cam/live", "timeout_s": 3.5, "transport": "udp"}
    expected = {"module": "streamface.capture._network_device", "arguments": arguments, "delay_s": 0.7, "knocks": True}
    assert asked == [expected]


def test_create_shows_no_password():
    source = network.create(CaptureSettings(source=f"rtsp://bob:{SECRET}@cam/live", timeout_s=3))
    assert source.name == "rtsp://cam/live" and source.settings.timeout_s == 3
    assert SECRET not in repr(source)
