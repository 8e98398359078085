"""The reader's process: what passes through its pipe, when it connects, and that it can always be ended."""

import io
import os
import queue
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from capture_media import http_camera, picture, send_mjpeg, silent_server, start_mjpeg

from streamface.capture import _process, _reader
from streamface.capture._complaints import is_damage
from streamface.capture._decode import MOST_BAD_PACKETS, Broken
from streamface.capture._knock import knock
from streamface.capture._process import ReaderProcess
from streamface.capture._wire import Answering, Damage, Ended, Opened, RawPicture, Trying, receive, send
from streamface.errors import SourceError


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch):
    """What is killed may take a while to be gone on a machine that does much else."""
    monkeypatch.setattr(_process, "DIE_S", 8.0)


@pytest.mark.parametrize(
    "message",
    [Trying(), Answering(back=True), Opened(True, None, None), Opened(False, 12.5, 9), Damage(), Ended(None)]
    + [Ended("no", "no camera: buy one")],
)
def test_messages_arrive_as_they_were_sent(message):
    pipe = io.BytesIO()
    send(pipe, message)
    send(pipe, message)
    pipe.seek(0)
    assert receive(pipe) == receive(pipe) == message
    assert receive(pipe) is None


def test_pictures_arrive_as_they_were_sent_and_half_a_message_is_none():
    pipe, pixels = io.BytesIO(), np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    send(pipe, RawPicture(pixels, 1700000000.125, 5.5, None, True))
    data = pipe.getvalue()
    got = receive(io.BytesIO(data))
    assert (got.pixels == pixels).all() and got.size_wh == (8, 6)
    assert (got.at, got.stamp, got.media_time, got.damaged) == (1700000000.125, 5.5, None, True)
    for cut in (1, 11, 20, len(data) - 1):
        assert receive(io.BytesIO(data[:cut])) is None


def test_a_picture_in_planes_has_the_colours_and_the_brightness_of_its_twin():
    import cv2

    image = picture(12, (64, 48))
    image[30:, 40:] = (200, 40, 90)
    planes = RawPicture(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), 0.0)
    assert planes.size_wh == (64, 48) and np.abs(planes.bgr().astype(int) - image).max() <= 4
    assert planes.luma(8).shape == RawPicture(image, 0.0).luma(8).shape == (6, 8)
    assert planes.luma(8)[0, 0] > 200 and RawPicture(image, 0.0).luma(8)[0, 0] == 255


class World:
    """A clock that only `sleep` and knocking move, and a camera that answers in some of its seconds."""

    def __init__(self, answers, knock_s=0.0):
        self.now, self.answers, self.knock_s, self.told = 0.0, answers, knock_s, []

    def knock(self):
        self.now += self.knock_s
        return self.answers(self.now)

    def sleep(self, seconds):
        self.now += seconds

    def wait(self, delay_s, patience_s):
        _reader.wait(delay_s, self.knock, self.told.append, patience_s, lambda: self.now, self.sleep)
        return self.now


def test_a_camera_that_answers_all_along_is_left_alone_for_the_whole_delay():
    world = World(lambda now: True)
    assert world.wait(8.0, 30.0) == pytest.approx(8.0) and not world.told


def test_a_camera_that_answers_again_is_tried_at_once():
    world = World(lambda now: now >= 3.2)
    assert world.wait(20.0, 30.0) <= 3.2 + _reader.KNOCK_EVERY_S and world.told == [Answering(back=True)]


def test_a_camera_that_stays_away_is_waited_for_when_it_is_known_to_answer():
    assert World(lambda now: False, knock_s=1.0).wait(2.0, 0.0) == pytest.approx(2.0, abs=1.5)
    assert World(lambda now: False, knock_s=1.0).wait(2.0, 30.0) == pytest.approx(32.0, abs=2)
    assert World(lambda now: now > 12, knock_s=1.0).wait(2.0, 30.0) == pytest.approx(12.5, abs=1.5)


class Device:
    opened = Opened(True, None, None)

    def __init__(self, *answers):
        self.answers, self.closed = list(answers), False

    def read(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, Ended(None)),
        (Broken("the data ends too early"), Ended("the data ends too early")),
        (SourceError("no camera: buy one"), Ended("no camera", "no camera: buy one")),
        (RuntimeError("rtsp://bob:geheim@cam"), Ended("the reader failed with RuntimeError")),
    ],
)
def test_why_a_device_ended_without_what_could_be_secret(last, expected):
    told, device = [], Device(Damage(), last)
    assert _reader._pump(lambda: device, lambda: False, told.append, threading.Event()) == expected
    assert told == [device.opened, Damage()] and device.closed


def endless(handler):
    start_mjpeg(handler)
    for number in range(1000):
        send_mjpeg(handler, number % 30)
        time.sleep(0.02)


def silent_after_three(handler):
    start_mjpeg(handler)
    for number in range(3):
        send_mjpeg(handler, number)
    handler.connection.recv(1)  # until the other side has had enough


def start(place, messages, timeout_s=20.0):
    arguments = {"address": f"http://{place}/", "timeout_s": timeout_s, "transport": "tcp"}
    request = {"module": "streamface.capture._network_device", "arguments": arguments, "delay_s": 0.0, "knocks": False}
    return ReaderProcess(request, messages.put)


def first(kind, messages):
    """The first message of that kind."""
    while not isinstance(message := messages.get(timeout=30), kind):
        continue
    return message


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("politely", [True, False])
def test_a_process_reads_and_ends(politely):
    messages = queue.Queue()
    with http_camera(endless) as place:
        reader = start(place, messages)
        first(Trying, messages)
        assert first(Opened, messages).is_live
        assert first(RawPicture, messages).size_wh == (64, 48)
        assert reader.close(politely) and reader.is_gone() and is_gone(reader.pid)
        assert first(Ended, messages)


@pytest.mark.parametrize("politely", [True, False])
def test_a_process_that_hangs_is_killed(politely):
    messages = queue.Queue()
    with http_camera(endless) as place:
        reader = start(place, messages)
        first(RawPicture, messages)
        os.kill(reader.pid, signal.SIGSTOP)
        begun = time.monotonic()
        assert reader.close(politely) and is_gone(reader.pid)
        assert time.monotonic() - begun < 9


@pytest.mark.parametrize("camera", [silent_server(), http_camera(silent_after_three)], ids=["opening", "reading"])
def test_a_process_gives_a_silent_camera_up_by_itself_in_time(camera):
    """The program would kill it a second later, and could not say why."""
    messages = queue.Queue()
    with camera as place:
        reader = start(place, messages, timeout_s=1.0)
        first(Trying, messages)
        assert first(Ended, messages).reason == "no answer in time"
        assert reader.close(False)


def test_a_camera_of_which_nothing_can_be_decoded_any_more_is_given_up():
    def spoiled(handler):
        start_mjpeg(handler)
        for number in range(5):
            send_mjpeg(handler, number)
        for _ in range(2 * MOST_BAD_PACKETS):
            handler.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nno image.\r\n")
            handler.wfile.flush()
            time.sleep(0.002)
        handler.connection.recv(1)

    messages = queue.Queue()
    with http_camera(spoiled) as place:
        reader = start(place, messages)
        first(RawPicture, messages)
        first(Damage, messages)
        assert first(Ended, messages).reason == "nothing of it can be decoded"
        assert reader.close(False)


def test_a_process_leaves_the_end_of_a_service_to_its_program():
    messages = queue.Queue()
    with http_camera(endless) as place:
        reader = start(place, messages)
        first(RawPicture, messages)
        os.kill(reader.pid, signal.SIGTERM)
        time.sleep(0.5)
        while not messages.empty():
            assert not isinstance(messages.get(), Ended)
        assert not isinstance(messages.get(timeout=30), Ended)
        assert reader.close(True) and is_gone(reader.pid)


def test_a_process_whose_program_is_gone_ends_by_itself():
    messages = queue.Queue()
    with silent_server() as place:  # it hangs in connecting, with nothing to write
        reader = start(place, messages)
        first(Trying, messages)
        reader._child.stdin.close()  # as the system does when the program is killed
        assert reader.is_gone(10)


def test_a_process_that_crashes_is_heard_of():
    messages = queue.Queue()
    with http_camera(endless) as place:
        reader = start(place, messages)
        first(RawPicture, messages)
        os.kill(reader.pid, signal.SIGSEGV)
        assert first(Ended, messages) == Ended("the reader's process ended")
        assert reader.close(False)


def test_nothing_secret_is_in_the_list_of_processes_or_the_environment():
    messages = queue.Queue()
    with silent_server() as place:
        reader = start(f"bob:geheim@{place}", messages)
        first(Trying, messages)
        for name in ("cmdline", "environ"):
            assert b"geheim" not in Path(f"/proc/{reader.pid}/{name}").read_bytes()
        reader.close(False)


def test_knocking():
    with http_camera(lambda handler: handler.send_error(404)) as place:
        assert knock(f"http://bob:geheim@{place}/video", 2.0)
        assert not knock(f"rtsp://{place}/video", 2.0)  # something answers, but no camera of that kind
    begun = time.monotonic()
    with silent_server() as place:
        assert not knock(f"rtsp://{place}/", 0.2) and not knock(f"https://{place}/", 0.2)
    assert time.monotonic() - begun < 9
    assert not knock("rtsp://127.0.0.1:1/", 0.2) and not knock("rtsp://[broken/", 0.2)
    assert not knock("rtsp://127.0.0.1:99999/", 0.2)


@pytest.mark.parametrize(("scheme", "question"), [("rtsp", "OPTIONS rtsp://{}/live"), ("http", "HEAD /live")])
def test_a_knock_holds_neither_user_nor_password(scheme, question):
    heard = []

    def hear(listener):
        with listener.accept()[0] as connection:
            heard.append(connection.recv(4096).decode())
            connection.sendall(b"%s/1.0 200 OK\r\n\r\n" % scheme.upper().encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        hearing = threading.Thread(target=hear, args=(listener,))
        hearing.start()
        assert knock(f"{scheme}://bob:ge/heim@{place}/live?pwd=ge/heim", 20.0)
        hearing.join()
    assert heard[0].startswith(question.format(place)) and "heim" not in heard[0] and "bob" not in heard[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"[h264 @ 0x55] error while decoding MB 2 4, bytestream -14\n", True),
        (b"[rtsp @ 0x55] RTP: missed 3 packets\n", True),
        (b"[h264 @ 0x55] SEI type 5 size 1696 truncated at 8\n", False),
        (b"[swscaler @ 0x55] deprecated pixel format used\n", False),
    ],
)
def test_complaints(line, expected):
    assert is_damage(line) is expected
